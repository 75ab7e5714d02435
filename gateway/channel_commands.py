"""`dragoman channels`: credentials kept in the encrypted store; what is secret is never shown again."""

import getpass
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

from adapters import KINDS
from config.credentials import Field, Unreadable, Vault
from config.settings import ChannelSettings, Settings
from config.tables import ConfigError
from gateway import settings_book
from gateway.audit import Audited, who_runs_this
from gateway.channel_book import ChannelBook, try_settings
from gateway.checks import Check
from gateway.commands import Finding
from gateway.hands import utc
from gateway.keys import NAME, renew_key
from gateway.live_channels import KIND
from gateway.pauses import KIND as PAUSED
from gateway.pauses import write_pause
from gateway.store.choose import beside

Ask = Callable[[Field], str]
STDIN = "-"


def list_channels(settings: Settings) -> Iterable[Finding]:
    """Say which channels there are, where each is kept, and its fields but for the secret ones."""
    paused = beside(settings.gateway).docs(PAUSED)
    for name, channel in settings.channels.items():
        yield _line(name, channel, str(settings.file), paused)
    book = _book(settings)
    for name in book.stored():
        if name in settings.channels:
            yield Finding(f"{name}: also in the store, where {settings.file} hides it", {"id": name, "hidden": True})
            continue
        try:
            yield _line(name, book.opened(name), "the store", paused)
        except (ConfigError, Unreadable) as error:
            said = f"its stored fields can't be used: {error}"
            yield Finding(f"{name}: {said}", {"id": name, "error": said}, good=False)


async def add(settings: Settings, name: str, kind: str, given: Mapping[str, str], ask: Ask) -> AsyncIterator[Finding]:
    """Ask for what is missing, try it, and keep it.

    Raises:
        ConfigError: the name is taken, or a field isn't right.
    """
    book = _book(settings)
    if book.taken(name):
        raise ConfigError(f"there is a channel {name} already: `dragoman channels rotate {name}` changes it")
    if kind not in KINDS:
        raise ConfigError(f"there is no kind {kind!r}; known: {', '.join(KINDS)}")
    fields = {"kind": kind, **_complete(KINDS[kind], given, ask)}
    async for finding in _keep(book, name, fields, book.add):
        yield finding


async def rotate(settings: Settings, name: str, given: Mapping[str, str], ask: Ask) -> AsyncIterator[Finding]:
    """Change some of a stored channel's fields: those given, else each secret is asked for anew.

    Raises:
        ConfigError: there is no such channel in the store, or a field isn't right.
    """
    book = _book(settings)
    was = book.fields(name)
    secret = [field for field in KINDS[was["kind"]] if field.secret]
    fresh = dict(given) or {field.name: value for field in secret if (value := ask(field))}
    async for finding in _keep(book, name, {**was, **fresh}, book.change):
        yield finding


async def test(settings: Settings, names: Sequence[str]) -> AsyncIterator[Finding]:
    """Try the credentials of channels, of all where none is named."""
    book = _book(settings)
    for name in names or list(dict.fromkeys((*settings.channels, *book.stored()))):
        channel = settings.channels.get(name) or book.opened(name)
        yield _tried(name, await try_settings(channel, utc(), settings.gateway.public_url))


def remove(settings: Settings, name: str) -> Iterator[Finding]:
    """Forget a stored channel."""
    _book(settings).remove(name)
    yield Finding(f"{name}: removed", {"id": name, "removed": True})


def pause(settings: Settings, name: str, *, paused: bool) -> Iterator[Finding]:
    """Have nothing sent to a channel's customers for now, or go on.

    Raises:
        ConfigError: there is no such channel.
    """
    if not _book(settings).taken(name):
        raise ConfigError(f"there is no channel {name}: see `dragoman channels list`")
    place = beside(settings.gateway)
    changed = write_pause(place, name, paused=paused, who=who_runs_this(), at=utc())
    now = "paused: what is answered there waits, what customers write still comes" if paused else "goes on"
    told = now if changed else f"is {'paused' if paused else 'not paused'} already"
    yield Finding(f"{name}: {told}", {"id": name, "paused": paused})


def rotate_key(settings: Settings) -> Iterator[Finding]:
    """Encrypt everything stored with a new key.

    Raises:
        ConfigError: the key is set from outside, so that it can't be changed here.
    """
    if settings.gateway.key:
        raise ConfigError("gateway.key is set: change it there, and add the channels again")
    folder, book = settings.gateway.data_dir, _book(settings)
    old = book.key()
    with renew_key(folder) as new:
        opened = {name: _with_either(name, sealed, old, new) for name, sealed in book.stored().items()}
        place = beside(settings.gateway)
        Audited(place).seal_anew(KIND, partial(_sealed_anew, old, new))
        place.write_docs(KIND, {name: Vault(new).seal(name, fields) for name, fields in opened.items()})
        kept = place.docs(settings_book.KIND)
        Audited(place).seal_anew(settings_book.KIND, partial(_table_sealed_anew, old, new))
        place.write_docs(
            settings_book.KIND, {name: settings_book.seal_anew(name, body, old, new) for name, body in kept.items()}
        )
    yield Finding(
        f"{len(opened)} channels are encrypted with the new key in {folder / NAME}", {"channels": len(opened)}
    )


def _sealed_anew(old: bytes, new: bytes, name: str, sealed: bytes) -> bytes | None:
    with suppress(Unreadable):
        return Vault(new).seal(name, _with_either(name, sealed, old, new))
    return None


def _table_sealed_anew(old: bytes, new: bytes, place: str, sealed: bytes) -> bytes | None:
    with suppress(Unreadable):
        return settings_book.seal_anew(place, sealed, old, new)
    return None


def _with_either(name: str, sealed: bytes, old: bytes, new: bytes) -> dict[str, str]:
    """Open what the old key sealed, or the new one where a renewal was interrupted."""
    try:
        return Vault(new).open(name, sealed)
    except Unreadable:
        return Vault(old).open(name, sealed)


def read_given(pairs: Sequence[str]) -> dict[str, str]:
    """Read `--set key=value`; a value of `-` is a line of standard input.

    Raises:
        ConfigError: one isn't of that form.
    """
    given = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ConfigError(f"--set {name}: must be key=value, or key=- to read the value from standard input")
        given[name] = sys.stdin.readline().rstrip("\n") if value == STDIN else value
    return given


def ask_person(field: Field) -> str:
    """Ask whoever sits there for a field; a secret one isn't shown while it is typed.

    Raises:
        ConfigError: nobody sits there.
    """
    if not sys.stdin.isatty():
        if field.default is not None:
            return field.default
        raise ConfigError(f"{field.name} is missing: give it with --set {field.name}=…, or --set {field.name}=-")
    default = f" [{field.default}]" if field.default else ""
    about = "; ".join(filter(None, (field.where, field.help)))
    told = f"{field.label}{f' ({about})' if about else ''}{default}: "
    return getpass.getpass(told) if field.secret else input(told)


def _complete(fields: Collection[Field], given: Mapping[str, str], ask: Ask) -> dict[str, str]:
    """Ask for the fields that must be there and aren't given."""
    asked = {field.name: ask(field) for field in fields if field.default is None and field.name not in given}
    return {**given, **asked}


async def _keep(
    book: ChannelBook, name: str, fields: Mapping[str, str], write: Callable[[str, Mapping[str, str]], None]
) -> AsyncIterator[Finding]:
    """Try a channel, and keep it if it works."""
    finding = _tried(name, await book.try_fields(name, fields))
    yield finding
    if not finding.good:
        yield Finding(f"{name}: nothing was changed", {"id": name, "kept": False}, good=False)
        return
    write(name, fields)
    yield Finding(f"{name}: kept, encrypted; a running gateway takes it up by itself", {"id": name, "kept": True})


def _tried(name: str, check: Check) -> Finding:
    mark = "ok  " if check.works else "FAIL"
    return Finding(
        f"{mark}  {name}  {check.said}", {"id": name, "works": check.works, "found": check.said}, good=check.works
    )


def _line(name: str, channel: ChannelSettings, where: str, paused: Collection[str]) -> Finding:
    secret = {key: bool(value) for key, value in channel.secrets.items()}
    shown = [f"{key} = {value}" for key, value in channel.values.items()]
    shown += [f"{key} {'is set' if there else 'is not set'}" for key, there in secret.items()]
    fields = {"id": name, "kind": channel.kind, "where": where, "fields": dict(channel.values), "secrets": secret}
    now, also = (", paused", {"paused": True}) if name in paused else ("", {})
    return Finding(f"{name}  {channel.kind}, in {where}{now}: {', '.join(shown)}", {**fields, **also})


def _book(settings: Settings) -> ChannelBook:
    return ChannelBook(settings, who_runs_this(), utc)
