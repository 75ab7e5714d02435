"""Trying what the configuration names: the same words for the command, the console and the log."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.contract import Called, Channel, Concerned, Found, Question, Questioned, SendError
from adapters.desk import Desk
from translation.contract import Engine, EngineError

UNKNOWN = Found(False, "")
WARN_BEFORE = timedelta(days=7)
SCOPES_CURE = "Add them under OAuth & Permissions (`dragoman slack-manifest` has all), and install the app again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What trying one thing came to: what was found and, where it doesn't work, what to do; `needed` if that matters.

    `what` names it: `desk`, `channels.tg`, `engine argos`. `warning` says what will go wrong unless somebody acts.
    """

    what: str
    works: bool
    found: str
    advice: str = ""
    needed: bool = True
    warning: str = ""

    @property
    def said(self) -> str:
        """Say it in a line."""
        if self.warning:
            return f"{self.found}; {self.warning}"
        return self.found if self.works or not self.advice else f"{self.found}. {self.advice}"

    @property
    def fields(self) -> Mapping[str, Any]:
        """Give it for programs."""
        advice = {"advice": self.advice} if self.advice else {}
        warning = {"warning": self.warning} if self.warning else {}
        return {"what": self.what, "works": self.works, "found": self.found, **advice, **warning}


async def try_channel(name: str, channel: Channel, now: datetime, public_url: str, *, heard: bool = False) -> Check:
    """Ask a customers' platform whether a channel's credentials work, and see whether anything soon won't.

    `public_url` is where we are called, "" for nowhere that we know of: then `heard` says that it does call us.
    """
    what = f"channels.{name}"
    try:
        found = await channel.probe()
    except SendError as error:
        return Check(what=what, works=False, found=str(error), advice=error.advice)
    told = [*_concerns(channel, now), "" if heard and not public_url else await _unreached(name, channel, public_url)]
    return Check(what=what, works=True, found=found, warning="; ".join(filter(None, told)))


def _concerns(channel: Channel, now: datetime) -> list[str]:
    if not isinstance(channel, Concerned):
        return []
    ends = channel.ends_at
    soon = ends is not None and ends - now < WARN_BEFORE
    told = f"its access token ends on {ends:%Y-%m-%d}: make a new one, and change it" if ends and soon else ""
    return [told, *channel.concerns]


async def _unreached(name: str, channel: Channel, public_url: str) -> str:
    """Say why a platform can't call us, "" where it can or needn't."""
    if not isinstance(channel, Called) or not channel.waits_for_calls:
        return ""
    if not public_url:
        return "its platform can't call us, so nothing comes: set gateway.public_url"
    try:
        await channel.reach(f"{public_url}/webhooks/{name}")
    except SendError as error:
        return f"{error}. {error.advice}".strip()
    return ""


async def examine(channel: Channel, given: Mapping[str, str], doubts: Mapping[str, str]) -> Mapping[str, Found]:
    """Ask a platform about those of a channel's fields that are there; of one that it refuses its doubt is told.

    `doubts` are what doesn't look right, by field.
    """
    questions = channel.questions() if isinstance(channel, Questioned) else ()
    asked = [each for each in questions if all(given.get(need) for need in each.needs)]
    answers = await asyncio.gather(*(_answer(each) for each in asked))
    found: dict[str, Found] = {}
    for field, answer in answers:
        if field not in found or not answer.works:
            found[field] = answer
    doubted = {name: Found(False, doubt) for name, doubt in doubts.items() if not found.get(name, UNKNOWN).works}
    return found | doubted


async def _answer(question: Question) -> tuple[str, Found]:
    try:
        return question.about, Found(True, await question.ask())
    except SendError as error:
        return error.field or question.about, Found(False, f"{error}. {error.advice}".strip())


async def try_desk(desk: Desk) -> Check:
    """Ask Slack whether the desk's credentials work, and whether the app is in its channels."""
    try:
        return Check(what="desk", works=True, found=await desk.probe())
    except SendError as error:
        return Check(what="desk", works=False, found=str(error), advice=error.advice)


async def try_scopes(desk: Desk) -> Check:
    """Ask Slack whether the desk's app may do all that it has to."""
    what = "desk scopes"
    try:
        lacking = await desk.lacking()
    except SendError as error:
        return Check(what=what, works=False, found=str(error), advice=error.advice)
    if not lacking:
        return Check(what=what, works=True, found="all there")
    told = "; ".join(f"{scope} ({why})" for scope, why in lacking.items())
    return Check(what=what, works=False, found=f"the app lacks {told}", advice=SCOPES_CURE)


async def try_engine(name: str, engine: Engine, *, needed: bool) -> Check:
    """Ask a translation engine whether it works."""
    what = f"engine {name}"
    try:
        return Check(what=what, works=True, found=await engine.probe(), needed=needed)
    except EngineError as error:
        return Check(what=what, works=False, found=str(error), needed=needed)
