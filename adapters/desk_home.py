"""What an agent asks the app itself: `/dragoman`, and the app's Home. https://docs.slack.dev/surfaces/app-home/"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from adapters.desk_view import STATUS_SIGNS, Block, button, mrkdwn, on_clock
from adapters.slack_text import escape
from routing.contents import EPOCH
from routing.languages import language_name

MOST = 15
"""How many conversations a list shows."""

NAME = 60
"""Characters of a customer's name in a list."""


class Listed(NamedTuple):
    """A conversation in a list: `link` leads to its thread, `waiting` is since when its customer waits."""

    number: int
    name: str
    channel: str
    status: str
    language: str
    skill: str
    priority: str
    waiting: datetime
    link: str


class Overview(NamedTuple):
    """How an agent stands: `away_until` is EPOCH where they come back by themselves, or never left.

    `more` says that the queue is longer than what is shown of it, `lag` for how many seconds the oldest post waits.
    """

    known: bool
    away: bool
    away_until: datetime
    load: int
    capacity: int
    languages: tuple[str, ...]
    skills: tuple[str, ...]
    mine: Sequence[Listed]
    queue: Sequence[Listed]
    more: bool
    lag: float


def draw_overview(overview: Overview) -> list[Block]:
    """Draw how an agent stands, with buttons to go away and come back."""
    blocks: list[Block] = [{"type": "section", "text": mrkdwn(_standing(overview))}]
    if overview.known:
        blocks.append({"type": "actions", "elements": _availability(overview)})
    blocks += _list("Yours", overview.mine, "You have no open conversation.")
    blocks += _list("Waiting for somebody", overview.queue, "Nobody waits.")
    if overview.more:
        blocks.append(_small(f"… and more than {len(overview.queue)}."))
    if overview.lag >= 1:
        blocks.append(
            _small(f"⏳ The oldest post has waited {overview.lag:.0f} s for its turn: Slack takes one a second.")
        )
    return blocks


def draw_list(title: str, found: Sequence[Listed], none: str) -> list[Block]:
    """Draw conversations, a line each."""
    return _list(escape(title), found, none)


def draw_home(blocks: Sequence[Block]) -> dict[str, Any]:
    """Draw the app's Home."""
    return {"type": "home", "blocks": list(blocks)}


def _standing(overview: Overview) -> str:
    if not overview.known:
        return "You aren't among the agents, so no conversation is given to you: an admin adds you under `[[agents]]`."
    away = f"💤 *Away*{on_clock(overview.away_until)}" if overview.away else "🟢 *Available*"
    room = f"{overview.load} of {overview.capacity} conversations"
    speaks = ", ".join(map(language_name, overview.languages))
    skills = f" · {escape(', '.join(overview.skills))}" if overview.skills else ""
    return f"{away} · {room} · {speaks}{skills}"


def _availability(overview: Overview) -> list[Block]:
    if overview.away:
        return [button("back", "I'm back", "back", primary=True), button("start", "New conversation…", "start")]
    choices = (("1h", "Away for an hour"), ("today", "Done for today"), ("", "Away"))
    leave = [button(f"away:{which or 'on'}", label, which) for which, label in choices]
    return [button("start", "New conversation…", "start"), *leave]


def _list(title: str, found: Sequence[Listed], none: str) -> list[Block]:
    lines = [_line(each) for each in found[:MOST]] or [none]
    return [{"type": "section", "text": mrkdwn("\n".join((f"*{title}*", *lines)))}]


def _line(each: Listed) -> str:
    what = f"#{each.number} · {escape(each.name[:NAME] or 'Customer')}"
    facts = [escape(each.channel), language_name(each.language) if each.language else "", escape(each.skill)]
    waits = f"waits{on_clock(each.waiting, 'since')}" if each.waiting > EPOCH else ""
    facts += [each.priority if each.priority != "normal" else "", waits]
    sign = STATUS_SIGNS.get(each.status, "")
    return f"{sign} <{each.link}|{what}> · {' · '.join(filter(None, facts))}" if each.link else f"{sign} {what}"


def _small(text: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text)]}
