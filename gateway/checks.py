"""Trying what the configuration names: the same words for the command, the console and the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.contract import Channel, SendError
from adapters.desk import Desk
from translation.contract import Engine, EngineError

SCOPES_CURE = "Add them under OAuth & Permissions (`dragoman slack-manifest` has all), and install the app again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What trying one thing came to: what was found and, where it doesn't work, what to do; `needed` if that matters.

    `what` names it: `desk`, `channels.tg`, `engine argos`.
    """

    what: str
    works: bool
    found: str
    advice: str = ""
    needed: bool = True

    @property
    def said(self) -> str:
        """Say it in a line."""
        return self.found if self.works or not self.advice else f"{self.found}. {self.advice}"

    @property
    def fields(self) -> Mapping[str, Any]:
        """Give it for programs."""
        advice = {"advice": self.advice} if self.advice else {}
        return {"what": self.what, "works": self.works, "found": self.found, **advice}


async def try_channel(name: str, channel: Channel) -> Check:
    """Ask a customers' platform whether a channel's credentials work."""
    what = f"channels.{name}"
    try:
        return Check(what=what, works=True, found=await channel.probe())
    except SendError as error:
        return Check(what=what, works=False, found=str(error), advice=error.advice)


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
