"""What to do when a call to a platform fails: one pure function."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.contract import Rejected, SendError, Unauthorised, Unavailable, Uncertain, Unreachable

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
HOLD = timedelta(seconds=60)
PATIENCE = 300
"""Attempts before a message that nobody takes is given up; about a day."""

DOUBTFUL_PATIENCE = 20
"""Attempts of a call that each may have been accepted; more than an hour, most of it between the last."""


@dataclass(frozen=True, slots=True)
class TryAt:
    """Try again at a moment; `open_call` says that the platform may have accepted this attempt."""

    at: datetime
    open_call: bool = False


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It won't go: `reason` and `advice` are for an agent, `unreachable` says to stop writing."""

    reason: str
    advice: str = ""
    unreachable: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing goes until an admin has acted; look again at `until`."""

    until: datetime
    reason: str


Verdict = TryAt | GiveUp | Hold


def judge(
    error: SendError, attempts: int, *, now: datetime, patience: int = PATIENCE, repeatable: bool = False
) -> Verdict:
    """Say what to do after the `attempts`-th failure; a call that is `repeatable` does no harm when it comes twice."""
    match error:
        case Unauthorised():
            return Hold(now + HOLD, f"{error}. {error.advice}")
        case Rejected():
            return GiveUp(str(error), error.advice, isinstance(error, Unreachable))
    if attempts >= patience:
        return GiveUp(f"no answer after {attempts} attempts: {error}", "Send it again, or reach them another way.")
    doubtful = isinstance(error, Uncertain) and not repeatable
    if doubtful and attempts >= DOUBTFUL_PATIENCE:
        reason = f"the platform never confirmed it, after {attempts} attempts: {error}"
        return GiveUp(reason, "It may have reached the customer; ask them before you send it again.")
    wait = min(FIRST_WAIT * (4 if doubtful else 2) ** min(attempts - 1, 16), LONGEST_WAIT)
    if isinstance(error, Unavailable):
        return TryAt(now + max(wait, error.after))
    return TryAt(now + wait, open_call=isinstance(error, Uncertain))
