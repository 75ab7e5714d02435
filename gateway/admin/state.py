"""How a thing stands, as pages show it: by what is known just now, else by when it was last tried."""

from dataclasses import dataclass
from datetime import datetime

from gateway.admin.running import Running
from routing.contents import EPOCH


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`works` is None for what hasn't been tried yet; `at` is when it was, EPOCH for just now."""

    works: bool | None
    told: str = ""
    at: datetime = EPOCH


def state_of_channel(running: Running, name: str) -> State:
    """Say how a channel stands."""
    if told := running.unreadable.get(name):
        return State(works=False, told=told)
    if hold := running.held.get(name):
        return State(works=False, told=hold.reason)
    return state_of(running, f"channels.{name}")


def state_of(running: Running, what: str) -> State:
    """Say what trying something came to."""
    if found := running.checkup.results.get(what):
        check, at = found
        return State(works=check.works or (None if not check.needed else False), told=check.said, at=at)
    return State(works=None)
