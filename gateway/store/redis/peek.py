"""Reading an installation on Redis beside the gateways that run on it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec.json import encode as encode_json
from msgspec.structs import replace
from redis.exceptions import RedisError

from config.store_address import RedisAddress
from gateway.store.contract import Letter, StoreError
from gateway.store.redis.calls import packed, source
from gateway.store.redis.kept import decode_aside, decode_dead
from gateway.store.redis.keys import CREW, DOCS, REPLICAS, TAGS, find_by, tag_of
from gateway.store.redis.link import PlainClient, connect_plainly, explain
from gateway.store.redis.reads import read_conversation
from gateway.store.roster import Roster
from gateway.store.shape import moment
from routing.contents import Standing
from routing.conversation import Conversation
from routing.effects import encode
from routing.events import Event, decode_event

Run = Callable[..., Any]
LOOK_AT, LOOK_BACK = 2_000, 100
"""How many contacts are looked through for words, and how many of the latest events of each."""


class RedisBeside:
    """An installation whose store is at an address."""

    def __init__(self, address: RedisAddress) -> None:
        self._address = address

    def runs(self) -> bool:
        """Say whether a replica runs on it just now, or ended a few seconds ago without saying so."""
        with self._open() as run:
            seconds, micros = run("TIME")
            alive = run("ZCOUNT", self._key(REPLICAS, "alive"), int(seconds) * 1000 + int(micros) // 1000, "+inf")
        return bool(alive)

    def roster(self) -> Sequence[Standing]:
        """Say how many open conversations each agent has."""
        with self._open() as run:
            loads = _texts(run("HGETALL", self._key(CREW, "loads")))
            assigned = _texts(run("HGETALL", self._key(CREW, "assigned")))
            away = _texts(run("HGETALL", self._key(DOCS, "doc:away")))
        moments = {agent: moment(int(at)) for agent, at in assigned.items()}
        return Roster({agent: int(load) for agent, load in loads.items()}, moments, away).standings()

    def letters(self) -> Sequence[Letter]:
        """Read what was set apart, oldest first; a letter's name says where it is."""
        found = []
        with self._open() as run:
            for tag in TAGS:
                for name, body in run("HGETALL", self._key(tag, "dead")).items():
                    dead = decode_dead(body)
                    order = dead.order
                    found.append(
                        Letter(
                            id=f"{name.decode()}-{tag}",
                            at=dead.at,
                            mailbox=order.mailbox,
                            number=order.number,
                            what=order.effect,
                            reason=dead.reason,
                        )
                    )
                for name, body in run("HGETALL", self._key(tag, "aside")).items():
                    aside = decode_aside(body)
                    found.append(
                        Letter(
                            id=f"{name.decode()}-{tag}",
                            at=aside.at,
                            mailbox=aside.mailbox,
                            number=0,
                            what=aside.event,
                            reason=aside.reason,
                        )
                    )
        return sorted(found, key=lambda letter: letter.at)

    def want_again(self, letter: str) -> bool:
        """Put a letter back where it waited; whichever gateway has the partition is told.

        An order gets a new name, so that what becomes of it this time is news.
        """
        name, tag = _place_of(letter)
        bell = f"{self._address.prefix}:bell"
        with self._open() as run:
            body = run("HGET", self._key(tag, "dead" if name.startswith("d") else "aside"), name)
            if body is None:
                return False
            if name.startswith("d"):
                order = decode_dead(body).order
                again = replace(order, id=f"{order.id}r", begun=0, open_call="")
                said = ("revive_order", tag, name, again.id, encode(again), bell, tag)
            else:
                event = decode_aside(body)
                if not event.mailbox:
                    return False
                said = ("revive_event", tag, name, event.mailbox, encode(event.event), bell, tag)
            library, text = source()
            run("FUNCTION", "LOAD", "REPLACE", text, **({"target_nodes": "primaries"} if self._address.cluster else {}))
            keys = find_by(self._address.prefix, tag)
            ((why, *_),) = run("FCALL", library, len(keys), *keys, self._address.prefix, *packed([said]))
        return bool(why == b"ok")

    def drop_letter(self, letter: str) -> bool:
        """Forget a letter for good; False where there is none of the name."""
        name, tag = _place_of(letter)
        with self._open() as run:
            return bool(run("HDEL", self._key(tag, "dead" if name.startswith("d") else "aside"), name))

    def conversations(self) -> Sequence[Conversation]:
        """Read every contact's latest conversation, newest first."""
        with self._open() as run:
            bodies = [body for tag in TAGS for body in run("HVALS", self._key(tag, "conversations"))]
        return sorted((read_conversation(body)[1] for body in bodies), key=lambda each: -each.number)

    def latest(self, limit: int, before: int = 0, status: str = "") -> Sequence[Conversation]:
        """Read contacts' latest conversations, newest first: by their numbers, so that not all have to be read."""
        found: list[Conversation] = []
        with self._open() as run:
            numbers = [(int(number), tag) for tag in TAGS for number in run("HKEYS", self._key(tag, "numbers"))]
            for number, tag in sorted(numbers, reverse=True):
                if before and number >= before:
                    continue
                mailbox = run("HGET", self._key(tag, "numbers"), number)
                body = mailbox and run("HGET", self._key(tag, "conversations"), mailbox)
                each = read_conversation(body)[1] if body else None
                if each and each.number == number and status in ("", each.status.value):
                    found.append(each)
                if len(found) == limit:
                    break
        return found

    def reached_at(self, digits: str) -> Iterator[str]:
        """Read the mailboxes of contacts whose address has these digits in it."""
        with self._open() as run:
            for mailbox in (name.decode() for tag in TAGS for name in run("HKEYS", self._key(tag, "conversations"))):
                if digits in mailbox.partition("/")[2]:
                    yield mailbox

    def named(self, word: str) -> Iterator[tuple[str, str]]:
        """Read every contact's mailbox and name: any may have the word."""
        return ((each.contact, each.name) for each in self.conversations())

    def numbered(self, number: int) -> str:
        """Say whose conversation has, or had, a number."""
        with self._open() as run:
            for tag in TAGS:
                if found := run("HGET", self._key(tag, "numbers"), number):
                    return str(found.decode())
            for tag in TAGS:
                for field in run("HKEYS", self._key(tag, "threads")):
                    mailbox, _, its = field.decode().partition("\0")
                    if its == str(number):
                        return str(mailbox)
        return ""

    def saying(self, words: str) -> Iterator[tuple[str, Event]]:
        """Read the latest events in which these words stand somewhere, and whose."""
        wanted = encode_json(words)[1:-1].lower()
        newest = [each.contact for each in self.conversations()[:LOOK_AT]]
        with self._open() as run:
            for mailbox in newest:
                for body in run("LRANGE", self._history(mailbox), -LOOK_BACK, -1):
                    if wanted in body.lower():
                        yield mailbox, decode_event(body)

    def conversation(self, mailbox: str) -> Conversation | None:
        """Read a contact's latest conversation."""
        with self._open() as run:
            body = run("HGET", self._key(tag_of(mailbox), "conversations"), mailbox)
        return read_conversation(body)[1] if body else None

    def history(self, mailbox: str) -> Sequence[Event]:
        """Read all events of a contact, in order."""
        with self._open() as run:
            return [decode_event(body) for body in run("LRANGE", self._history(mailbox), 0, -1)]

    def histories(self) -> Iterator[tuple[str, Iterator[Event]]]:
        """Read all events contact by contact, each in order."""
        with self._open() as run:
            for tag in TAGS:
                for name in run("HKEYS", self._key(tag, "conversations")):
                    mailbox = name.decode()
                    yield mailbox, map(decode_event, run("LRANGE", self._history(mailbox), 0, -1))

    def docs(self, kind: str) -> Mapping[str, bytes]:
        """Read the documents of a kind."""
        with self._open() as run:
            found = run("HGETALL", self._key(DOCS, f"doc:{kind}"))
        return dict(sorted((key.decode(), body) for key, body in found.items()))

    def write_docs(self, kind: str, docs: Mapping[str, bytes | None]) -> None:
        """Keep documents, or with None forget them."""
        with self._open() as run:
            for key, body in docs.items():
                place = self._key(DOCS, f"doc:{kind}")
                run(*(("HDEL", place, key) if body is None else ("HSET", place, key, body)))

    def _key(self, tag: str, name: str) -> str:
        return f"{self._address.prefix}:{{{tag}}}:{name}"

    def _history(self, mailbox: str) -> str:
        return self._key(tag_of(mailbox), f"history:{mailbox}")

    @contextmanager
    def _open(self) -> Iterator[Run]:
        client: PlainClient | None = None
        try:
            client = connect_plainly(self._address)
            yield client.execute_command
        except (RedisError, OSError) as error:
            raise StoreError(explain(error, self._address)) from error
        finally:
            if client is not None:
                client.close()


def _place_of(letter: str) -> tuple[str, str]:
    name, _, tag = letter.partition("-")
    return (name, tag) if tag in TAGS else ("", TAGS[0])


def _texts(found: Mapping[bytes, bytes]) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in found.items()}
