"""What follows from a failed call."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.contract import Rejected, SendError, Unauthorised, Unavailable, Uncertain, Unreachable, WindowClosed
from gateway.retry import HOLD, LONGEST_WAIT, GiveUp, Hold, TryAt, Verdict, judge

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def later(**time: float) -> datetime:
    return NOON + timedelta(**time)


def advised(error: SendError, advice: str) -> SendError:
    error.advice = advice
    return error


@pytest.mark.parametrize(
    ("error", "attempts", "verdict"),
    [
        pytest.param(Unavailable("busy"), 1, TryAt(later(seconds=1)), id="at first soon"),
        pytest.param(Unavailable("busy"), 4, TryAt(later(seconds=8)), id="then less and less often"),
        pytest.param(Unavailable("busy"), 40, TryAt(NOON + LONGEST_WAIT), id="but never rarely"),
        pytest.param(Unavailable("busy", timedelta(minutes=9)), 1, TryAt(later(minutes=9)), id="no sooner than told"),
        pytest.param(Uncertain("broke off"), 1, TryAt(later(seconds=1), open_call=True), id="an open call stays open"),
        pytest.param(
            advised(Rejected("too long"), "Cut it."), 1, GiveUp("too long", "Cut it."), id="a refusal is final"
        ),
        pytest.param(Unreachable("blocked"), 1, GiveUp("blocked", "", True), id="and may be for good"),
        pytest.param(WindowClosed("24 h"), 1, GiveUp("24 h"), id="a closed window is a refusal"),
        pytest.param(
            advised(Unauthorised("bad token"), "Set it."),
            9,
            Hold(NOON + HOLD, "bad token. Set it."),
            id="an admin's turn",
        ),
    ],
)
def test_judge(error: SendError, attempts: int, verdict: Verdict) -> None:
    assert judge(error, attempts, now=NOON) == verdict


def test_patience_ends_with_words_for_the_agent() -> None:
    verdict = judge(Unavailable("no answer"), 300, now=NOON)

    assert isinstance(verdict, GiveUp)
    assert "300 attempts" in verdict.reason
    assert verdict.advice


def test_calls_that_may_each_have_been_accepted_come_ever_less_often_and_end() -> None:
    waits = [judge(Uncertain("broke off"), attempts, now=NOON) for attempts in range(1, 20)]
    assert [wait.at - NOON for wait in waits if isinstance(wait, TryAt)][:4] == [
        timedelta(seconds=seconds) for seconds in (1, 4, 16, 64)
    ]
    end = judge(Uncertain("broke off"), 20, now=NOON)
    assert isinstance(end, GiveUp)
    assert "may have reached the customer" in end.advice
    repeatable = judge(Uncertain("broke off"), 20, now=NOON, repeatable=True)
    assert isinstance(repeatable, TryAt)


def test_the_desk_has_endless_patience() -> None:
    assert isinstance(judge(Unavailable("down"), 100_000, now=NOON, patience=10**9), TryAt)
