"""What the commands do; each gives what is to be printed, and whether it found something wrong."""

import asyncio
import json
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters import CHANNELS
from adapters.desk import Desk
from adapters.http import open_session
from config.credentials import Unreadable
from config.settings import Gateway, Settings
from config.tables import ConfigError
from gateway import checks
from gateway.admin.door import LINK_LASTS, make_link
from gateway.checks import Check
from gateway.engines import MODELS, PACKAGES, make_chain
from gateway.interpret import SCORED
from gateway.keys import load_key
from gateway.live_channels import KIND, open_channel
from gateway.record import replay
from gateway.store.choose import beside
from gateway.store.contract import Letter, StoreError
from gateway.store.sqlite.peek import copy_database
from routing import assign
from routing.events import Event
from routing.languages import language_name
from translation.chain import Chain, Untranslated
from translation.detect import Detector
from translation.guard import Guard
from translation.phrasebook import Phrasebook

LOCAL = frozenset({"phrasebook", "firefox", "argos", "apertium"})
"""Engines that need no network."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a command's answer: for people, and as fields for programs."""

    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    good: bool = True


async def check(settings: Settings, *, offline: bool) -> AsyncIterator[Finding]:
    """Try everything that the configuration names."""
    yield _tried("configuration", str(settings.file))
    yield _data_dir(settings.gateway.data_dir)
    if settings.gateway.redis and not settings.gateway.key:
        told = "gateway.key isn't set, so each replica would make a key of its own and read no other's credentials"
        yield _tried("key", told, "Set gateway.key to the same for all.", good=False)
    if not offline:
        for finding in await asyncio.to_thread(lambda: list(_store(settings.gateway))):
            yield finding
        async for finding in _platforms(settings):
            yield finding
    chain = make_chain(settings, Phrasebook.load())
    try:
        async for finding in _engines(chain, offline=offline, needed=settings.translation.chosen):
            yield finding
        for finding in _languages(settings, chain):
            yield finding
    finally:
        await chain.close()


def _tried(what: str, found: str, advice: str = "", *, good: bool = True) -> Finding:
    return _told(Check(what=what, works=good, found=found, advice=advice))


def _told(check: Check) -> Finding:
    mark = "ok  " if check.works else "FAIL" if check.needed else "-   "
    return Finding(f"{mark}  {check.what:<22}  {check.said}", check.fields, check.works or not check.needed)


def _data_dir(folder: Path) -> Finding:
    place = next(each for each in (folder, *folder.parents) if each.exists())
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        return _tried("data_dir", str(folder))
    return _tried("data_dir", f"{folder} isn't writable", f"Let this user write to {place}.", good=False)


def _store(gateway: Gateway) -> Iterable[Finding]:
    """Try the store; a Redis that would lose messages is a fault."""
    if gateway.redis is None:
        return
    from gateway.store.redis.health import examine

    try:
        found, faults = examine(gateway.redis)
    except StoreError as error:
        yield _tried("store", str(error), "Start it, or correct gateway.store.", good=False)
        return
    for fault, cure in faults.items():
        yield _tried("store", fault, cure, good=False)
    if not faults:
        yield _tried("store", found)


def _stored(gateway: Gateway) -> Mapping[str, bytes]:
    """Read the channels that are kept in the store; what is wrong with a Redis is told by its own line."""
    try:
        return beside(gateway).docs(KIND)
    except StoreError:
        if gateway.redis is None:
            raise
        return {}


async def _platforms(settings: Settings) -> AsyncIterator[Finding]:
    async def nowhere(events: Sequence[Event]) -> None:
        """A check receives nothing."""

    known = dict(settings.channels)
    for name, sealed in _stored(settings.gateway).items():
        try:
            opened = open_channel(name, sealed, load_key(settings.gateway.key, settings.gateway.data_dir))
        except (ConfigError, Unreadable) as error:
            yield _tried(f"channels.{name}", f"its stored fields can't be used: {error}", good=False)
        else:
            known.setdefault(name, opened)
    if not known:
        yield _tried("channels", "there is none", "Add one: `dragoman channels add`.", good=False)
    async with open_session() as session:
        channels = {name: CHANNELS[each.kind](each, session) for name, each in known.items()}
        desk = Desk(settings.desk, settings.policy, session, nowhere)
        now, url = datetime.now(UTC), settings.gateway.public_url
        tries = [checks.try_channel(name, channel, now, url) for name, channel in channels.items()]
        found = await asyncio.gather(checks.try_desk(desk), checks.try_scopes(desk), *tries)
    for each in found:
        yield _told(each)


async def _engines(chain: Chain, *, offline: bool, needed: bool) -> AsyncIterator[Finding]:
    """Try the engines; one that nobody asked for by name may be missing."""
    for name, engine in chain.engines.items():
        if not offline or name in LOCAL:
            yield _told(await checks.try_engine(name, engine, needed=needed))


def _languages(settings: Settings, chain: Chain) -> Iterable[Finding]:
    """Say from which languages the desk can be served at all."""
    desk = settings.policy.desk_language
    pairs = {pair for each in chain.pairs().values() for pair in each}
    both = sorted(
        {pair.source for pair in pairs if pair.target == desk} & {pair.target for pair in pairs if pair.source == desk}
    )
    named = ", ".join(language_name(tag) for tag in both)
    yield _tried("languages", f"{named or 'none'} ↔ {language_name(desk)}", good=bool(both))


async def translate(chain: Chain, text: str, source: str, target: str) -> Finding:
    """Translate one text."""
    try:
        made = await chain.translate(text, source=source, target=target)
    finally:
        await chain.close()
    if isinstance(made, Untranslated):
        return Finding(f"not translated: {made.why}", {"translated": False, "why": made.why}, good=False)
    guard = Guard(Detector()).assess(
        text, made.text, pair=(source, target), score=made.score if made.engine in SCORED else None
    )
    exact = made.engine in ("phrasebook", "")
    fields = {
        "translated": True,
        "text": made.text,
        "engine": made.engine,
        "score": round(made.score, 3),
        "risk": 0.0 if exact else guard.risk,
        "reasons": [] if exact else list(guard.reasons),
    }
    return Finding(made.text, fields)


def detect(text: str) -> Finding:
    """Say which language a text is in."""
    heard = Detector().distribution(text)
    belief = Detector().listen(text)
    candidates = {tag: round(share, 3) for tag, share in sorted(heard.items(), key=lambda pair: -pair[1])[:3]}
    fields = {"language": belief.language, "confidence": round(belief.confidence, 3), "candidates": candidates}
    if not belief.language:
        return Finding("not known: too little to tell", fields, good=False)
    name = language_name(belief.language)
    return Finding(f"{belief.language}  {name}  {belief.confidence:.0%}", {**fields, "name": name})


def route(settings: Settings, *, language: str, text: str, channel: str, skill: str = "") -> list[Finding]:
    """Say who would get a conversation, candidate by candidate."""
    policy = settings.policy
    wanted = skill or assign.find_skill(policy, text, language, channel=channel) or policy.default_skill
    choice = assign.choose(settings.policy, beside(settings.gateway).roster(), language=language.lower(), skill=wanted)
    name = settings.policy.name_of(choice.agent) if choice.agent else "nobody: it would wait in the queue"
    first = Finding(
        f"{name}  (skill {wanted})", {"agent": choice.agent, "name": name if choice.agent else "", "skill": wanted}
    )
    rest = [
        Finding(
            f"  {'+' if candidate.fits else '-'} {candidate.name}: {candidate.why}",
            {"candidate": candidate.agent, "name": candidate.name, "fits": candidate.fits, "why": candidate.why},
        )
        for candidate in choice.candidates
    ]
    return [first, *rest]


def backup(settings: Settings, into: Path) -> list[Finding]:
    """Copy a running installation: the database, the configuration, keys and translation models.

    Raises:
        StoreError: there is nothing to copy, or no place for it.
    """
    data = settings.gateway.data_dir
    try:
        into.mkdir(parents=True, exist_ok=True)
        if any(into.iterdir()):
            raise StoreError(f"{into} isn't empty: name a new directory")
        into.chmod(0o700)
        copied = [] if settings.gateway.redis else [copy_database(data, into)]
        beside = [source for source in (settings.file, data / "key") if source.exists()]
        copied += [Path(shutil.copy2(source, into / source.name)) for source in beside]
        for folder in (PACKAGES, MODELS):
            if (data / folder).is_dir():
                copied.append(Path(shutil.copytree(data / folder, into / folder)))
    except OSError as error:
        raise StoreError(f"{into} can't be written: {error.strerror}") from error
    found = [Finding(f"copied {path}", {"copied": str(path)}) for path in copied]
    if settings.gateway.redis:
        told = (
            f"not copied: what {settings.gateway.redis} keeps; back it up with Redis's own means (BGSAVE, or its AOF)"
        )
        found.append(Finding(told, {"left": str(settings.gateway.redis)}))
    return found


def admin_link(settings: Settings, who: str) -> Finding:
    """Make a link that signs somebody in to the console.

    Raises:
        StoreError: it can't be kept.
    """
    gateway = settings.gateway
    url = (gateway.public_url or f"http://{_local(gateway.host)}:{gateway.port}") + make_link(
        beside(gateway), who, datetime.now(UTC)
    )
    return Finding(url, {"url": url, "who": who, "minutes": int(LINK_LASTS.total_seconds() // 60)})


def _local(host: str) -> str:
    """Say how a browser here reaches what listens on a host."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host  # noqa: S104 - compared


def dead_list(settings: Settings, *, everything: bool) -> Iterable[Finding]:
    """Say what could not be delivered and what was set aside, and why."""
    for letter in beside(settings.gateway).letters():
        if not letter.mailbox and not everything:
            continue
        what = type(letter.what).__name__
        fields = {
            "id": letter.id,
            "at": letter.at.isoformat(),
            "contact": letter.mailbox,
            "number": letter.number,
            "what": what,
            "text": words_of(letter),
            "reason": letter.reason,
            "again": letter.again,
        }
        where = f"#{letter.number}  {letter.mailbox}" if letter.number else letter.mailbox or "-"
        again = "  (will be tried again)" if letter.again else ""
        first = f"{letter.id}  {letter.at:%Y-%m-%d %H:%M}  {where}  {what}{again}"
        yield Finding("\n    ".join(filter(None, (first, words_of(letter), f"why: {letter.reason}"))), fields)


def words_of(letter: Letter) -> str:
    """Give a letter's words, on one line."""
    words = [str(getattr(letter.what, name, "")) for name in ("attachment", "text", "body")]
    return " ".join(" ".join(words).split())[:300]


def dead_do(settings: Settings, letters: Sequence[str], *, drop: bool) -> Iterable[Finding]:
    """Have letters tried again, or forget them for good."""
    for letter in letters:
        store = beside(settings.gateway)
        done = (store.drop_letter if drop else store.want_again)(letter)
        if drop:
            told = f"{letter}  dropped" if done else f"{letter}  there is no such letter: see `dragoman dead list`"
        elif done:
            told = f"{letter}  the gateway tries it again as soon as it runs"
        else:
            told = f"{letter}  nothing to try again under this name: see `dragoman dead list`"
        yield Finding(told, {"id": letter, "done": done}, good=done)


def replay_file(settings: Settings, file: Path) -> Iterable[Finding]:
    """Run recorded steps through the core, and tell each difference, then how much there was.

    Raises:
        ValueError: the file isn't a recording.
    """
    began = time.monotonic()
    steps, events, differences = 0, 0, 0
    with file.open("rb") as lines:
        for found in replay(lines, settings.policy):
            if isinstance(found, int):
                steps += 1
                events += found
                continue
            differences += 1
            fields = {
                "line": found.line,
                "contact": found.contact,
                "events": list(found.events),
                "what": found.what,
                "recorded": json.loads(found.recorded),
                "decided": json.loads(found.decided),
            }
            told = f"line {found.line}  {found.contact}: {found.what} differs"
            yield Finding(f"{told}\n  recorded: {found.recorded}\n  decided:  {found.decided}", fields, good=False)
    seconds = time.monotonic() - began
    told = f"{steps} steps, {events} events, {differences} differences, {seconds:.1f} s"
    yield Finding(told, {"steps": steps, "events": events, "differences": differences})
