"""`dragoman channels`: credentials kept in the encrypted store; what is secret is never shown again."""

import getpass
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from adapters import CHANNELS, KINDS
from adapters.contract import SendError
from adapters.http import open_session
from config.credentials import Field, Unreadable, Vault
from config.settings import ChannelSettings, Settings, channel_from
from config.tables import ConfigError
from gateway.commands import Finding
from gateway.keys import NAME, load_key, renew_key
from gateway.live_channels import KIND, open_channel, seal_channel
from gateway.store.choose import beside

Ask = Callable[[Field], str]
STDIN = "-"


def list_channels(settings: Settings) -> Iterable[Finding]:
    """Say which channels there are, where each is kept, and its fields but for the secret ones."""
    for name, channel in settings.channels.items():
        yield _line(name, channel, str(settings.file))
    for name, sealed in _stored(settings).items():
        if name in settings.channels:
            yield Finding(f"{name}: also in the store, where {settings.file} hides it", {"id": name, "hidden": True})
            continue
        try:
            yield _line(name, open_channel(name, sealed, _key(settings)), "the store")
        except (ConfigError, Unreadable) as error:
            said = f"its stored fields can't be used: {error}"
            yield Finding(f"{name}: {said}", {"id": name, "error": said}, good=False)


async def add(settings: Settings, name: str, kind: str, given: Mapping[str, str], ask: Ask) -> AsyncIterator[Finding]:
    """Ask for what is missing, try it, and keep it.

    Raises:
        ConfigError: the name is taken, or a field isn't right.
    """
    if name in settings.channels or name in _stored(settings):
        raise ConfigError(f"there is a channel {name} already: `dragoman channels rotate {name}` changes it")
    if kind not in KINDS:
        raise ConfigError(f"there is no kind {kind!r}; known: {', '.join(KINDS)}")
    async for finding in _keep(settings, name, {"kind": kind, **_complete(KINDS[kind], given, ask)}):
        yield finding


async def rotate(settings: Settings, name: str, given: Mapping[str, str], ask: Ask) -> AsyncIterator[Finding]:
    """Change some of a stored channel's fields: those given, else each secret is asked for anew.

    Raises:
        ConfigError: there is no such channel in the store, or a field isn't right.
    """
    was = Vault(_key(settings)).open(name, _one(settings, name))
    secret = [field for field in KINDS[was["kind"]] if field.secret]
    fresh = dict(given) or {field.name: value for field in secret if (value := ask(field))}
    async for finding in _keep(settings, name, {**was, **fresh}):
        yield finding


async def test(settings: Settings, names: Sequence[str]) -> AsyncIterator[Finding]:
    """Try the credentials of channels, of all where none is named."""
    stored = _stored(settings)
    for name in names or [*settings.channels, *(name for name in stored if name not in settings.channels)]:
        channel = settings.channels.get(name) or open_channel(name, _one(settings, name), _key(settings))
        yield await _tried(channel)


def remove(settings: Settings, name: str) -> Iterator[Finding]:
    """Forget a stored channel."""
    _one(settings, name)
    beside(settings.gateway).write_docs(KIND, {name: None})
    yield Finding(f"{name}: removed", {"id": name, "removed": True})


def rotate_key(settings: Settings) -> Iterator[Finding]:
    """Encrypt everything stored with a new key.

    Raises:
        ConfigError: the key is set from outside, so that it can't be changed here.
    """
    if settings.gateway.key:
        raise ConfigError("gateway.key is set: change it there, and add the channels again")
    folder = settings.gateway.data_dir
    old = _key(settings)
    with renew_key(folder) as new:
        opened = {name: _with_either(name, sealed, old, new) for name, sealed in _stored(settings).items()}
        beside(settings.gateway).write_docs(
            KIND, {name: Vault(new).seal(name, fields) for name, fields in opened.items()}
        )
    yield Finding(
        f"{len(opened)} channels are encrypted with the new key in {folder / NAME}", {"channels": len(opened)}
    )


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
    told = f"{field.label}{f' ({field.help})' if field.help else ''}{default}: "
    return getpass.getpass(told) if field.secret else input(told)


def _complete(fields: Collection[Field], given: Mapping[str, str], ask: Ask) -> dict[str, str]:
    """Ask for the fields that must be there and aren't given."""
    asked = {field.name: ask(field) for field in fields if field.default is None and field.name not in given}
    return {**given, **asked}


async def _keep(settings: Settings, name: str, fields: Mapping[str, str]) -> AsyncIterator[Finding]:
    """Try a channel, and keep it if it works."""
    finding = await _tried(channel_from(name, fields, KINDS))
    yield finding
    if not finding.good:
        yield Finding(f"{name}: nothing was changed", {"id": name, "kept": False}, good=False)
        return
    beside(settings.gateway).write_docs(KIND, {name: seal_channel(name, fields, _key(settings))})
    yield Finding(f"{name}: kept, encrypted; a running gateway takes it up by itself", {"id": name, "kept": True})


async def _tried(settings: ChannelSettings) -> Finding:
    async with open_session() as session:
        channel = CHANNELS[settings.kind](settings, session)
        try:
            found = await channel.probe()
        except SendError as error:
            said = f"{error}. {error.advice}".strip()
            return Finding(
                f"FAIL  {settings.id}  {said}", {"id": settings.id, "works": False, "found": said}, good=False
            )
        finally:
            await channel.close()
    return Finding(f"ok    {settings.id}  {found}", {"id": settings.id, "works": True, "found": found})


def _line(name: str, channel: ChannelSettings, where: str) -> Finding:
    secret = {key: bool(value) for key, value in channel.secrets.items()}
    shown = [f"{key} = {value}" for key, value in channel.values.items()]
    shown += [f"{key} {'is set' if there else 'is not set'}" for key, there in secret.items()]
    fields = {"id": name, "kind": channel.kind, "where": where, "fields": dict(channel.values), "secrets": secret}
    return Finding(f"{name}  {channel.kind}, in {where}: {', '.join(shown)}", fields)


def _stored(settings: Settings) -> Mapping[str, bytes]:
    return beside(settings.gateway).docs(KIND)


def _one(settings: Settings, name: str) -> bytes:
    sealed = _stored(settings).get(name)
    if sealed is None:
        where = (
            f"it is in {settings.file}: change it there"
            if name in settings.channels
            else "see `dragoman channels list`"
        )
        raise ConfigError(f"there is no channel {name} in the store: {where}")
    return sealed


def _key(settings: Settings) -> bytes:
    folder: Path = settings.gateway.data_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return load_key(settings.gateway.key, folder)
