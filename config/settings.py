"""Everything an admin may set, read from one TOML file and the environment into one frozen value."""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from config.credentials import NO_SECRET, Field, Secret
from config.joined import NOTHING, Stored, join
from config.store_address import RedisAddress, read_address
from config.tables import ConfigError, Source, Table, environment
from routing.policy import Agent, DeskChannel, Policy, SavedReply, Skill, unknown_variable

Kinds = Mapping[str, Collection[Field]]
"""The kinds of channels that this version has, each with its fields."""

SERVICES = ("libretranslate", "deepl", "google", "azure", "openai")
ENGINES = ("phrasebook", "firefox", "argos", "apertium", *SERVICES)
NEED_A_KEY = frozenset({"deepl", "google", "azure"})
LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)
CHANNEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")

ADDRESS = re.compile(r"https?://([^\s/:@\[\]]+|\[[0-9a-fA-F:]+\])(:\d{1,5})?(/\S*)?")
SHORTEST_KEY = 16

PRIORITIES = ("low", "normal", "high", "urgent")

__all__ = ["ConfigError", "Settings", "load"]


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where it listens and where it keeps things.

    `record` is the file that steps are recorded in, None for none; without a `key` a file in `data_dir` is used.
    `redis` is where the store is, None for SQLite in `data_dir`.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    data_dir: Path = Path("data")
    record: Path | None = None
    key: Secret = NO_SECRET
    redis: RedisAddress | None = None


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """One channel: its id, its kind, and its fields by name; the secret ones apart, so that they are never shown."""

    id: str
    kind: str
    values: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The Slack channel where agents work; without a `bot_token` it isn't set up yet."""

    channel: str = ""
    bot_token: Secret = NO_SECRET
    signing_secret: Secret = NO_SECRET
    app_token: Secret = NO_SECRET
    mode: str = "socket"
    api_base: str = "https://slack.com/api/"
    slack_presence: bool = False
    client_id: str = ""
    client_secret: Secret = NO_SECRET

    @property
    def app(self) -> tuple[object, ...]:
        """Give what says which app it is, and how it is connected."""
        return self.bot_token, self.signing_secret, self.app_token, self.mode, self.api_base


@dataclass(frozen=True, slots=True)
class Service:
    """A translation service behind HTTP; without a `url` it is the service's own."""

    url: str = ""
    key: Secret = NO_SECRET
    region: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Translation:
    """Which engines are asked in which order, and what is done about a risky translation.

    `firefox_mirror` is an address or a folder, "" for Mozilla's own records, and `argos_index` an address or a file,
    "" for Argos's own. `chosen` says that an admin named the engines, so that one that doesn't work is a fault. `keep`
    is never translated; each of `terms` is one thing in several languages.
    """

    engines: tuple[str, ...] = ("phrasebook", "firefox", "argos", "apertium")
    guard: str = "hold"
    firefox_mirror: str = ""
    argos_index: str = ""
    services: Mapping[str, Service] = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    terms: tuple[Mapping[str, str], ...] = ()
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration; `text`, `kinds` and `variables` are what it was read from."""

    file: Path
    text: str = field(repr=False)
    kinds: Kinds = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    gateway: Gateway
    channels: Mapping[str, ChannelSettings]
    desk: Desk
    policy: Policy
    translation: Translation

    @property
    def slack_sign_in(self) -> bool:
        """Say whether admins may come into the console by Slack, which sends them back to a public address."""
        return bool(self.gateway.public_url and self.desk.client_id)

    @property
    def written(self) -> Mapping[str, Any]:
        """Give what the file says, as it stands there."""
        return tomllib.loads(self.text)

    def joined(self, stored: Stored) -> "Settings":
        """Give what the file says with what is kept in the store.

        Raises:
            ConfigError: that is no configuration.
        """
        return parse(self.text, self.file, self.kinds, self.variables, stored)


def load(file: Path, kinds: Kinds, stored: Stored = NOTHING) -> Settings:
    """Read and check a configuration file, and what is kept of the configuration in the store; needs no network.

    Raises:
        ConfigError: one line with file, line, key and cure.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"{file}: there is no such file: copy dragoman.example.toml to it, or name another by -c"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: can't be read: {error}") from error
    return parse(text, file, kinds, environment(), stored)


def parse(text: str, file: Path, kinds: Kinds, variables: Mapping[str, str], stored: Stored = NOTHING) -> Settings:
    """Check the text of a configuration file, and with it what is kept of the configuration in the store."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"\(at line (\d+)", str(error))
        raise ConfigError(f"{file}:{at[1] if at else 1}: isn't TOML: {error}") from error
    root = Table(Source(file, text, variables), (), join(values, stored))
    channels = root.table("channels")
    settings = Settings(
        file=file,
        text=text,
        kinds=kinds,
        variables=variables,
        gateway=_gateway(root.table("gateway"), file.parent),
        channels={name: _channel(name, channels.table(name), kinds) for name in channels.names()},
        desk=_desk(root.table("desk")),
        policy=_policy(root),
        translation=_translation(root.table("translation"), file.parent),
    )
    root.done()
    return settings


def channel_from(name: str, fields: Mapping[str, str], kinds: Kinds) -> ChannelSettings:
    """Check a channel's fields, its kind among them, that don't come from a file.

    Raises:
        ConfigError: one line with the key and what would be right.
    """
    return _channel(name, Table(Source(Path(), "", {}), ("channels", name), fields), kinds)


def _gateway(table: Table, folder: Path) -> Gateway:
    default = Gateway()
    try:
        store = read_address(table.text("store", "sqlite"))
    except ValueError as error:
        raise table.error("store", str(error)) from error
    key = table.text("key", "")
    if key and len(key) < SHORTEST_KEY:
        raise table.error("key", f"must have at least {SHORTEST_KEY} characters, better 40 that nobody can guess")
    public_url = table.text("public_url", "").rstrip("/")
    if public_url:
        _address(table, "public_url", public_url)
    record = table.text("record", "")
    gateway = Gateway(
        host=table.text("host", default.host),
        port=table.integer("port", default.port, least=0, most=65535),
        public_url=public_url,
        data_dir=folder / table.text("data_dir", str(default.data_dir)),
        record=folder / record if record else None,
        key=Secret(key),
        redis=store,
    )
    table.done()
    return gateway


def _channel(name: str, table: Table, kinds: Kinds) -> ChannelSettings:
    if not CHANNEL_ID.fullmatch(name):
        raise table.source.error(table.key, "a channel's id is made of letters, digits, - and _, at most 32")
    kind = table.text("kind", choices=tuple(kinds))
    values, secrets = {}, {}
    for each in kinds[kind]:
        value = table.text(each.name, each.default, choices=each.choices)
        if each.name == "api_base":
            _address(table, each.name, value)
        if each.secret:
            secrets[each.name] = Secret(value)
        else:
            values[each.name] = value
    table.done()
    return ChannelSettings(name, kind, values, secrets)


def _desk(table: Table) -> Desk:
    table.text("kind", "slack", choices=("slack",))
    mode = table.text("mode", "socket", choices=("socket", "http"))
    table.text("language", "en")
    for name in ("call_link", "direct_messages", "only_assignee", "confirm", "undo", "name", "escalation", "channels"):
        table.skip(name)
    begun = not {"channel", "bot_token", "signing_secret", "app_token"}.isdisjoint(table.names())
    required = None if begun else ""
    desk = Desk(
        channel=_channel_id(table) if begun else "",
        bot_token=Secret(table.text("bot_token", required)),
        signing_secret=Secret(table.text("signing_secret", required if mode == "http" else "")),
        app_token=Secret(table.text("app_token", required if mode == "socket" else "")),
        mode=mode,
        api_base=_address(table, "api_base", table.text("api_base", "https://slack.com/api/")).rstrip("/") + "/",
        slack_presence=table.flag("slack_presence", default=False),
        client_id=table.text("client_id", ""),
        client_secret=Secret(table.text("client_secret", "")),
    )
    table.done()
    if bool(desk.client_id) != bool(desk.client_secret):
        name = "client_secret" if desk.client_id else "client_id"
        raise table.error(
            name, "is missing: Slack app, Basic Information, has both the client id and the client secret"
        )
    return desk


def _address(table: Table, name: str, value: str) -> str:
    if not ADDRESS.fullmatch(value):
        raise table.error(name, f"must be an address such as https://support.example.com, not {value!r}")
    return value


def _policy(root: Table) -> Policy:
    routing = root.table("routing")
    skills = tuple(_skill(table) for table in routing.tables("skills"))
    default = routing.text("default_skill", "general")
    policy = Policy(
        desk_language=_language(root.table("desk"), "language", "en"),
        agents=tuple(_agent(table, {default, *(skill.name for skill in skills)}) for table in root.tables("agents")),
        skills=skills,
        default_skill=default,
        call_link=_call_link(root.table("desk")),
        desk_name=root.table("desk").text("name", "main"),
        desks=_desk_channels(root.table("desk"), {default, *(skill.name for skill in skills)}),
        escalation=root.table("desk").text("escalation", ""),
        direct_messages=root.table("desk").flag("direct_messages", default=False),
        only_assignee=root.table("desk").flag("only_assignee", default=False),
        confirm=root.table("desk").flag("confirm", default=False),
        undo=root.table("desk").seconds("undo", timedelta()),
        replies=tuple(_reply(table) for table in root.tables("replies")),
        reopen_window=routing.duration("reopen_window", timedelta(hours=24)),
        survey_after=routing.seconds("survey_after", timedelta()),
    )
    routing.done()
    names = [reply.name.casefold() for reply in policy.replies]
    if twice := [table for table, name in zip(root.tables("replies"), names, strict=True) if names.count(name) > 1]:
        raise twice[-1].error("name", "there are two saved replies of this name")
    return policy


def _desk_channels(desk: Table, skills: Collection[str]) -> tuple[DeskChannel, ...]:
    taken = {desk.text("name", "main").casefold()}
    found = []
    for table in desk.tables("channels"):
        each = DeskChannel(
            name=table.text("name"),
            channel=_channel_id(table),
            skills=table.texts("skills"),
            languages=tuple(_checked(table, "languages", tag) for tag in table.texts("languages")),
            channels=table.texts("channels"),
            priorities=table.texts("priorities"),
        )
        table.done()
        if each.name.casefold() in taken:
            raise table.error("name", f"there are two channels of the desk's called {each.name!r}")
        if unknown := [skill for skill in each.skills if skill not in skills]:
            raise table.error("skills", f"there is no skill {unknown[0]!r}: add it under [[routing.skills]]")
        if unknown := [priority for priority in each.priorities if priority not in PRIORITIES]:
            raise table.error("priorities", f"must be of {', '.join(PRIORITIES)}, not {unknown[0]!r}")
        taken.add(each.name.casefold())
        found.append(each)
    escalation = desk.text("escalation", "")
    if escalation and escalation.casefold() not in taken:
        known = ", ".join(sorted(taken))
        raise desk.error("escalation", f"there is no channel of the desk's called {escalation!r}; known: {known}")
    return tuple(found)


def _channel_id(table: Table) -> str:
    channel = table.text("channel")
    if channel.startswith("#"):
        told = f"must be the channel's id, such as C0SUPPORT, not its name {channel!r}: see its details"
        raise table.error("channel", told)
    return channel


def _call_link(table: Table) -> str:
    link = table.text("call_link", "")
    if link and not (link.startswith("https://") and "{room}" in link):
        raise table.error(
            "call_link", f"must be an address with {{room}}, such as https://meet.jit.si/{{room}}, not {link!r}"
        )
    return link


def _skill(table: Table) -> Skill:
    keywords, menu = table.table("keywords"), table.table("menu")
    skill = Skill(
        name=table.text("name"),
        keywords={tag: keywords.texts(tag) for tag in keywords.names()},
        channels=table.texts("channels"),
        links=table.texts("links"),
        menu={tag: menu.text(tag) for tag in menu.names()},
    )
    table.done()
    return skill


def _reply(table: Table) -> SavedReply:
    texts = table.table("text")
    reply = SavedReply(
        name=table.text("name"), text={_checked(texts, tag, tag): texts.text(tag) for tag in texts.names()}
    )
    if not reply.text:
        raise table.error("text", 'is missing: give one for each language, such as text.en = "Hello {name}, …"')
    for tag, text in reply.text.items():
        if unknown := unknown_variable(text):
            raise texts.error(tag, unknown)
    table.done()
    return reply


def _agent(table: Table, skills: Collection[str]) -> Agent:
    agent = Agent(
        id=table.text("slack_user_id"),
        name=table.text("name"),
        languages=tuple(_checked(table, "languages", tag) for tag in table.texts("languages", ["en"])),
        skills=table.texts("skills"),
        capacity=table.integer("capacity", 4, least=0, most=1000),
        admin=table.flag("admin", default=False),
    )
    table.done()
    for skill in agent.skills:
        if skill not in skills:
            raise table.error("skills", f"there is no skill {skill!r}: add it under [[routing.skills]]")
    return agent


def _language(table: Table, name: str, default: str) -> str:
    return _checked(table, name, table.text(name, default))


def _checked(table: Table, name: str, tag: str) -> str:
    if not LANGUAGE.fullmatch(tag):
        raise table.error(name, f'must be language codes such as "en" or "pt-BR", not {tag!r}')
    return tag.lower()


def _source(table: Table, key: str, what: str, folder: Path) -> str:
    """Read where models come from: an address, or a path, relative to the configuration's."""
    place = table.text(key, "")
    if not place or ADDRESS.fullmatch(place):
        return place.rstrip("/")
    if "://" in place:
        raise table.error(key, f"must be a {what}, or an address such as https://models.example.com, not {place!r}")
    return str(folder / place)


def _service(table: Table, name: str, *, asked: bool) -> Service:
    """Read a service; what an engine that is asked can't do without must be there."""
    url = table.text("url", "")
    service = Service(
        url=_address(table, "url", url) if url else "",
        key=Secret(table.text("api_key", None if asked and name in NEED_A_KEY else "")),
        region=table.text("region", "") if name == "azure" else "",
        model=table.text("model", None if asked else "") if name == "openai" else "",
    )
    table.done()
    return service


def _term(table: Table) -> Mapping[str, str]:
    """Read how one thing is called, by language tag."""
    term = {tag: table.text(tag) for tag in table.names()}
    if len(term) < 2:
        raise table.error(
            next(iter(term), ""), 'needs two languages or more, such as en = "gift card" and es = "tarjeta regalo"'
        )
    return {_checked(table, tag, tag): text for tag, text in term.items()}


def _translation(table: Table, folder: Path) -> Translation:
    default = Translation()
    engines = table.texts("engines", default.engines)
    for engine in engines:
        if engine not in ENGINES:
            raise table.error("engines", f"there is no engine {engine!r}; known: {', '.join(ENGINES)}")
    guard = table.text("guard", default.guard, choices=("hold", "mark", "off"))
    glossary, firefox, argos = table.table("glossary"), table.table("firefox"), table.table("argos")
    translation = Translation(
        engines=engines,
        guard=guard,
        firefox_mirror=_source(firefox, "mirror", "folder", folder),
        argos_index=_source(argos, "index", "file", folder),
        services={name: _service(table.table(name), name, asked=name in engines) for name in SERVICES},
        keep=glossary.texts("keep"),
        terms=tuple(_term(term) for term in glossary.tables("terms")),
        chosen="engines" in table,
    )
    for each in (glossary, firefox, argos):
        each.done()
    table.done()
    return translation
