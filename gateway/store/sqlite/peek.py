"""Reading and copying an installation beside the gateway that runs on it."""

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import msgspec

from gateway.store.contract import Letter, StoreError
from gateway.store.roster import Roster
from gateway.store.shape import moment
from gateway.store.sqlite import rows
from gateway.store.sqlite.database import FILE, take_lock
from gateway.store.sqlite.schema import MIGRATIONS, migrate
from routing.contents import Standing
from routing.conversation import Conversation
from routing.effects import decode_effect
from routing.events import Event, decode_event

MOST = 2**62
"""More than any conversation's number."""

LOOK_BACK = 200_000
"""How many of the latest events are looked through for words."""


SIGN = "\\"
"""What says in a LIKE that the next sign is meant as it is."""


def _like(words: str) -> str:
    """Write a LIKE for words that stand somewhere in JSON."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", msgspec.json.encode(words).decode()[1:-1]) + "%"


class SqliteBeside:
    """An installation whose store is a file in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def runs(self) -> bool:
        """Say whether a gateway runs on it just now: it holds the lock then."""
        try:
            take_lock(self._folder).close()
        except StoreError:
            return True
        return False

    def roster(self) -> Sequence[Standing]:
        """Say how many open conversations each agent has; nobody has any where there is no store yet."""
        if not (self._folder / FILE).exists():
            return ()
        with _open(self._folder, write=False) as db:
            return Roster(*rows.read_roster(db)).standings()

    def letters(self) -> Sequence[Letter]:
        """Read what was set apart, oldest first."""
        with _open(self._folder, write=False) as db:
            dead = db.execute(
                "SELECT seq, at, mailbox, number, effect, reason, again FROM dead ORDER BY seq"
            ).fetchall()
            aside = db.execute("SELECT seq, at, mailbox, 0, event, reason, again FROM aside ORDER BY seq").fetchall()
        return [
            Letter(
                id=f"{kind}{seq}",
                at=moment(at),
                mailbox=mailbox,
                number=number,
                what=decode(body),
                reason=reason,
                again=bool(again),
            )
            for kind, decode, found in (("d", decode_effect, dead), ("a", decode_event, aside))
            for seq, at, mailbox, number, body, reason, again in found
        ]

    def want_again(self, letter: str) -> bool:
        """Ask the gateway to work on a letter again; False where there is none of the name, or nothing can be done."""
        table, seq = _place_of(letter)
        with _open(self._folder, write=True) as db:
            return bool(db.execute(f"UPDATE {table} SET again = 1 WHERE seq = ? AND mailbox <> ''", (seq,)).rowcount)  # noqa: S608 - our names

    def drop_letter(self, letter: str) -> bool:
        """Forget a letter for good; False where there is none of the name."""
        table, seq = _place_of(letter)
        with _open(self._folder, write=True) as db:
            return bool(db.execute(f"DELETE FROM {table} WHERE seq = ?", (seq,)).rowcount)  # noqa: S608 - our names

    def conversations(self) -> Sequence[Conversation]:
        """Read every contact's latest conversation, newest first."""
        with _open(self._folder, write=False) as db:
            found = db.execute("SELECT body FROM conversation ORDER BY number DESC").fetchall()
        return [rows.decode_conversation(body) for (body,) in found]

    def latest(self, limit: int, before: int = 0, status: str = "") -> Sequence[Conversation]:
        """Read contacts' latest conversations, newest first."""
        found: list[Conversation] = []
        with _open(self._folder, write=False) as db:
            sql = "SELECT body FROM conversation WHERE number > 0 AND number < ? ORDER BY number DESC"
            for (body,) in db.execute(sql, (before or MOST,)):
                each = rows.decode_conversation(body)
                if status in ("", each.status.value):
                    found.append(each)
                if len(found) == limit:
                    break
        return found

    def reached_at(self, digits: str) -> Iterator[str]:
        """Read the mailboxes of contacts whose address has these digits in it."""
        with _open(self._folder, write=False) as db:
            for (mailbox,) in db.execute("SELECT mailbox FROM conversation WHERE mailbox LIKE ?", (f"%{digits}%",)):
                if digits in mailbox.partition("/")[2]:
                    yield mailbox

    def named(self, word: str) -> Iterator[tuple[str, str]]:
        """Read the mailbox and name of each contact whose document has the word, or letters beyond ASCII."""
        sql = (
            "SELECT mailbox, coalesce(json_extract(CAST(body AS TEXT), '$.name'), '') FROM conversation"
            " WHERE CAST(body AS TEXT) LIKE ? ESCAPE ? OR length(CAST(body AS TEXT)) <> length(body)"
            " ORDER BY number DESC"
        )
        with _open(self._folder, write=False) as db:
            yield from db.execute(sql, (_like(word), SIGN))

    def numbered(self, number: int) -> str:
        """Say whose conversation has, or had, a number."""
        with _open(self._folder, write=False) as db:
            found = db.execute("SELECT mailbox FROM conversation WHERE number = ?", (number,)).fetchone()
            sql = "SELECT mailbox FROM alias WHERE number = ? AND number > 0"
            return str((found or db.execute(sql, (number,)).fetchone() or ("",))[0])

    def saying(self, words: str) -> Iterator[tuple[str, Event]]:
        """Read the latest events in which these words stand somewhere, and whose."""
        with _open(self._folder, write=False) as db:
            (last,) = db.execute("SELECT coalesce(max(seq), 0) FROM history").fetchone()
            sql = (
                "SELECT mailbox, event FROM history"
                " WHERE seq > ? AND CAST(event AS TEXT) LIKE ? ESCAPE ? ORDER BY seq DESC"
            )
            for mailbox, event in db.execute(sql, (last - LOOK_BACK, _like(words), SIGN)):
                yield mailbox, decode_event(event)

    def conversation(self, mailbox: str) -> Conversation | None:
        """Read a contact's latest conversation."""
        with _open(self._folder, write=False) as db:
            found = db.execute("SELECT body FROM conversation WHERE mailbox = ?", (mailbox,)).fetchone()
        return rows.decode_conversation(found[0]) if found else None

    def history(self, mailbox: str) -> Sequence[Event]:
        """Read all events of a contact, in order."""
        with _open(self._folder, write=False) as db:
            found = db.execute("SELECT event FROM history WHERE mailbox = ? ORDER BY seq", (mailbox,)).fetchall()
        return [decode_event(body) for (body,) in found]

    def histories(self) -> Iterator[tuple[str, Iterator[Event]]]:
        """Read all events contact by contact, each in order; a contact's must be read before the next one's."""
        with _open(self._folder, write=False) as db:
            found = db.execute("SELECT mailbox, event FROM history ORDER BY mailbox, seq")
            for mailbox, events in groupby(found, key=itemgetter(0)):
                yield mailbox, (decode_event(body) for _, body in events)

    def docs(self, kind: str) -> Mapping[str, bytes]:
        """Read the documents of a kind; there are none where there is no store yet."""
        if not (self._folder / FILE).exists():
            return {}
        with _open(self._folder, write=False) as db:
            return dict(db.execute("SELECT key, body FROM doc WHERE kind = ? ORDER BY key", (kind,)))

    def write_docs(self, kind: str, docs: Mapping[str, bytes | None]) -> None:
        """Keep documents, or with None forget them, all at once; makes the store where there is none yet."""
        if not (self._folder / FILE).exists():
            make(self._folder)
        with _open(self._folder, write=True) as db:
            for key, body in docs.items():
                if body is None:
                    db.execute("DELETE FROM doc WHERE kind = ? AND key = ?", (kind, key))
                else:
                    db.execute("INSERT OR REPLACE INTO doc (kind, key, body) VALUES (?, ?, ?)", (kind, key, body))


def make(folder: Path) -> None:
    """Make an empty store.

    Raises:
        StoreError: the folder can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            migrate(db)
        (folder / FILE).chmod(0o600)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{folder / FILE} can't be made: {error}") from error


def _place_of(letter: str) -> tuple[str, int]:
    seq = letter[1:]
    return {"d": "dead", "a": "aside"}.get(letter[:1], "dead"), int(seq) if seq.isdecimal() else 0


@contextmanager
def _open(folder: Path, *, write: bool) -> Iterator[sqlite3.Connection]:
    """Open the file beside the gateway that runs on it, or none."""
    file = folder / FILE
    if not file.exists():
        raise StoreError(f"there is no store yet: {file} doesn't exist")
    try:
        with closing(sqlite3.connect(f"file:{file}?mode={'rw' if write else 'ro'}", uri=True)) as db, db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version != len(MIGRATIONS):
                raise StoreError(f"{file} is of another version of Dragoman: start this one on it first")
            yield db
    except sqlite3.Error as error:
        raise StoreError(f"{file} can't be {'written' if write else 'read'}: {error}") from error


def copy_database(folder: Path, into: Path) -> Path:
    """Copy the database as it is at one moment, also while a gateway writes to it, and check the copy.

    Raises:
        StoreError: there is nothing to copy, or it can't be.
    """
    if not (folder / FILE).exists():
        raise StoreError(f"there is nothing to copy: {folder / FILE} doesn't exist")
    target = into / FILE
    try:
        with closing(sqlite3.connect(folder / FILE)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{folder / FILE} can't be copied: {error}") from error
    if verdict != "ok":
        raise StoreError(f"the copy of {folder / FILE} is damaged: {verdict}")
    target.chmod(0o600)
    return target
