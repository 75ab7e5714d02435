"""Setting the desk up: its form, and what Slack says about each thing that was pasted."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from adapters.contract import Found, SendError
from adapters.desk import SCOPES
from adapters.http import clean
from adapters.slack_api import SlackApi
from config.credentials import Field, Secret
from config.settings import Desk

FIELDS = (
    Field(
        name="bot_token",
        label="Bot token",
        secret=True,
        where="Slack app: OAuth & Permissions, once it is installed",
        pattern=r"xoxb-\S+",
        looks="xoxb- and letters",
    ),
    Field(
        name="app_token",
        label="App token",
        secret=True,
        default="",
        where="Slack app: Basic Information, App-Level Tokens, Generate, with connections:write",
        help='For mode "socket"',
        pattern=r"xapp-\S+",
        looks="xapp- and letters",
    ),
    Field(name="channel", label="The agents' channel", default=""),
    Field(name="language", label="The language that agents read", default="en", help="Its code, such as en"),
    Field(name="mode", label="How events come", default="socket", choices=("socket", "http")),
    Field(
        name="signing_secret",
        label="Signing secret",
        secret=True,
        default="",
        where="Slack app: Basic Information",
        help='For mode "http"',
    ),
    Field(
        name="client_id",
        label="Client ID",
        default="",
        where="Slack app: Basic Information",
        help="With the client secret, agents who are named as admins sign in to the console with Slack",
    ),
    Field(
        name="client_secret",
        label="Client secret",
        secret=True,
        default="",
        where="Slack app: Basic Information",
    ),
    Field(name="api_base", label="API address", default="https://slack.com/api/"),
)
"""The desk's form; what else there is to set stands in the file."""

MEMBERS, TELLS_WITHIN = 60, 3.0
"""How many of a channel's members are listed, and the seconds that Slack has to tell who they are."""

INSTALL = "Add them under OAuth & Permissions, and install the app again."


@dataclass(frozen=True, slots=True)
class SlackChannel:
    """A channel that the app sees, and whether it is in it."""

    id: str
    name: str
    joined: bool


async def examine_desk(
    fields: Mapping[str, str], session: aiohttp.ClientSession
) -> tuple[Mapping[str, Found], list[SlackChannel]]:
    """Ask Slack about the tokens that are there, and which channels the app sees; by field what was found."""
    base = fields.get("api_base", "").rstrip("/") + "/"
    found: dict[str, Found] = {}
    channels: list[SlackChannel] = []
    if token := fields.get("bot_token"):
        api = SlackApi(base, Secret(token), session)
        found["bot_token"] = await _bot(api, FIELDS[0].doubt(token))
        if found["bot_token"].works:
            channels = await _channels(api)
            if chosen := next((each for each in channels if each.id == fields.get("channel")), None):
                found["channel"] = await _join(api, chosen)
    if fields.get("mode") == "socket" and (token := fields.get("app_token")):
        found["app_token"] = await _app(SlackApi(base, Secret(token), session), FIELDS[1].doubt(token))
    return found, channels


@dataclass(frozen=True, slots=True)
class SlackPerson:
    """Somebody in the agents' channel, and what they are called."""

    id: str
    name: str


async def people_at(desk: Desk, session: aiohttp.ClientSession) -> list[SlackPerson]:
    """List who is in the agents' channel, by name; nobody where Slack doesn't tell in time."""
    api = SlackApi(desk.api_base, desk.bot_token, session)
    try:
        async with asyncio.timeout(TELLS_WITHIN):
            answer = await api.read("conversations.members", channel=desk.channel, limit=MEMBERS)
            found = await asyncio.gather(*(_person(api, str(each)) for each in answer.get("members") or ()))
    except (SendError, TimeoutError):
        return []
    return sorted((each for each in found if each is not None), key=lambda each: each.name.casefold())


async def _person(api: SlackApi, id_: str) -> SlackPerson | None:
    """Ask what somebody is called; None for a program, or somebody who is gone."""
    told = (await api.read("users.info", user=id_)).get("user") or {}
    if told.get("is_bot") or told.get("deleted"):
        return None
    profile = told.get("profile") or {}
    return SlackPerson(id_, clean(profile.get("display_name") or profile.get("real_name") or told.get("name")) or id_)


async def _bot(api: SlackApi, doubt: str) -> Found:
    try:
        me = await api.call("auth.test")
    except SendError as error:
        return Found(False, doubt or f"{error}. {error.advice}".rstrip(". ") + ".")
    lacking = [scope for scope in SCOPES if api.scopes and scope not in api.scopes]
    if lacking:
        return Found(False, f"{me.get('team', '?')}: the app lacks {', '.join(lacking)}. {INSTALL}")
    return Found(True, f"{me.get('team', '?')}, as @{me.get('user', '?')}")


async def _app(api: SlackApi, doubt: str) -> Found:
    try:
        await api.call("apps.connections.open")
    except SendError as error:
        return Found(False, doubt or f"{error}. Make an app-level token with connections:write.")
    return Found(True, "Socket Mode may be connected")


async def _channels(api: SlackApi) -> list[SlackChannel]:
    """List the channels that the app sees, those that it is in first; none where it may not ask."""
    found: list[SlackChannel] = []
    try:
        async for page in api.pages(
            "conversations.list", types="public_channel,private_channel", exclude_archived="true", limit=200
        ):
            found += (
                SlackChannel(str(each["id"]), str(each.get("name", "")), bool(each.get("is_member")))
                for each in page.get("channels") or ()
            )
    except SendError:
        return found
    return sorted(found, key=lambda each: (not each.joined, each.name))


async def _join(api: SlackApi, channel: SlackChannel) -> Found:
    """See that the app is in a channel: a public one it may join by itself, if it is allowed to."""
    if channel.joined:
        return Found(True, f"#{channel.name}")
    try:
        await api.call("conversations.join", channel=channel.id)
    except SendError:
        return Found(False, f"The app isn't in #{channel.name}. Write there: /invite @dragoman")
    return Found(True, f"#{channel.name}, which the app has joined")
