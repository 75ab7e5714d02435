"""The channels that are kept in the store, beside those of the file: read, tried, changed and removed."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from adapters import CHANNELS, KINDS
from adapters.contract import Found
from adapters.http import open_session
from config.credentials import NO_SECRET, Field, Unreadable, Vault
from config.settings import ChannelSettings, Settings, channel_from
from config.tables import ConfigError
from gateway.audit import Audited
from gateway.checks import Check, examine, try_channel
from gateway.keys import load_key
from gateway.live_channels import KIND, open_channel, seal_channel
from gateway.pauses import write_pause
from gateway.store.choose import beside


class ChannelBook:
    """Does what `who` asks; all but trying reads and writes beside the event loop."""

    def __init__(self, settings: Settings, who: str, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._who = who
        self._clock = clock
        self._beside = beside(settings.gateway)

    def stored(self) -> Mapping[str, bytes]:
        """Give what is kept, sealed.

        Raises:
            StoreError: the store can't be read.
        """
        return self._beside.docs(KIND)

    def taken(self, name: str) -> bool:
        """Say whether there is a channel of a name, in the file or in the store."""
        return name in self._settings.channels or name in self.stored()

    def opened(self, name: str) -> ChannelSettings:
        """Give a channel of the store.

        Raises:
            ConfigError: there is none, or this version wants other fields.
            Unreadable: it isn't for this key.
        """
        return open_channel(name, self._one(name), self.key())

    def fields(self, name: str) -> dict[str, str]:
        """Give a stored channel's fields, the secret ones too.

        Raises:
            ConfigError: there is none.
            Unreadable: it isn't for this key.
        """
        return Vault(self.key()).open(name, self._one(name))

    async def try_fields(self, name: str, fields: Mapping[str, str]) -> Check:
        """Try a channel before it is kept.

        Raises:
            ConfigError: a field isn't right.
        """
        public_url = self._settings.gateway.public_url
        return await try_settings(channel_from(name, fields, KINDS), self._clock(), public_url)

    def add(self, name: str, fields: Mapping[str, str]) -> None:
        """Keep a new channel.

        Raises:
            ConfigError: the name is taken.
        """
        if self.taken(name):
            raise ConfigError(f"there is a channel {name} already: `dragoman channels rotate {name}` changes it")
        self._write(name, seal_channel(name, fields, self.key()), "added", fields)

    def change(self, name: str, fields: Mapping[str, str]) -> None:
        """Keep a channel's fields in the place of those that it had."""
        try:
            was = self.fields(name)
        except Unreadable:
            was = {}
        changed = {key: value for key, value in fields.items() if was.get(key) != value}
        self._write(name, seal_channel(name, fields, self.key()), "changed", changed)

    def remove(self, name: str) -> None:
        """Forget a channel.

        Raises:
            ConfigError: there is none in the store.
        """
        self._one(name)
        self._write(name, None, "removed", {})
        write_pause(self._beside, name, paused=False, who=self._who, at=self._clock())

    def key(self) -> bytes:
        """Give what credentials are encrypted with.

        Raises:
            ConfigError: the key can't be read, or made.
        """
        return load_key(self._settings.gateway.key, self._settings.gateway.data_dir)

    def _write(self, name: str, sealed: bytes | None, did: str, fields: Mapping[str, str]) -> None:
        audited = Audited(self._beside)
        audited.write(KIND, name, sealed, who=self._who, did=did, fields=sorted(fields), at=self._clock())

    def _one(self, name: str) -> bytes:
        sealed = self.stored().get(name)
        if sealed is None:
            file = self._settings.file
            here = f"it is in {file}: change it there"
            where = here if name in self._settings.channels else "see `dragoman channels list`"
            raise ConfigError(f"there is no channel {name} in the store: {where}")
        return sealed


def filled_in(fields: Collection[Field], given: Mapping[str, str], kept: Mapping[str, Any]) -> dict[str, str]:
    """Fill in the secrets that were left empty with those that are kept.

    Raises:
        ConfigError: they would go to another host than the one that they were given for.
    """
    secret = [each for each in fields if each.secret and kept.get(each.name) and not given[each.name]]
    bases = [each for each in fields if each.name.endswith("_base")]
    moved = [each.name for each in bases if given[each.name] != kept.get(each.name, each.default)]
    if secret and moved:
        again = ", ".join(each.label for each in secret)
        raise ConfigError(f"{moved[0]}: is another host, to which what is kept doesn't go: enter {again} again")
    return {**given, **{each.name: str(kept[each.name]) for each in secret}}


async def examine_fields(name: str, kind: str, fields: Mapping[str, str]) -> Mapping[str, Found]:
    """Say of each field that is there what the platform says of it, before all of them are.

    Raises:
        ConfigError: one that is there can't be right, whatever the platform says.
    """
    stand_in = {field.name: "0" for field in KINDS[kind] if field.default is None}
    given = {key: value for key, value in fields.items() if value}
    if stand_in.keys().isdisjoint(given):
        return {}
    settings = channel_from(name, {**stand_in, **given, "kind": kind}, KINDS)
    missing = {key: "" for key in stand_in if key not in given}
    values = {**settings.values, **{key: "" for key in settings.values if key in missing}}
    secrets = {**settings.secrets, **{key: NO_SECRET for key in settings.secrets if key in missing}}
    settings = replace(settings, values=values, secrets=secrets)
    doubts = {field.name: field.doubt(given.get(field.name, "")) for field in KINDS[kind]}
    async with open_session() as session:
        channel = CHANNELS[kind](settings, session)
        return await examine(channel, given, {key: doubt for key, doubt in doubts.items() if doubt})


async def try_settings(settings: ChannelSettings, now: datetime, public_url: str) -> Check:
    """Ask a platform whether a channel's credentials work; where not, what looks wrong of them is told before."""
    async with open_session() as session:
        check = await try_channel(settings.id, CHANNELS[settings.kind](settings, session), now, public_url)
    doubts = "" if check.works else "; ".join(doubts_of(settings).values())
    return replace(check, found=f"{doubts}. {check.found}") if doubts else check


def doubts_of(settings: ChannelSettings) -> Mapping[str, str]:
    """Say by field what doesn't look as it should."""
    given = {**settings.values, **{name: secret.reveal() for name, secret in settings.secrets.items()}}
    told = {field.name: field.doubt(given[field.name]) for field in KINDS[settings.kind]}
    return {name: doubt for name, doubt in told.items() if doubt}
