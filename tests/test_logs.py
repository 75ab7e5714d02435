"""Log lines: one a fact, with no secret in it."""

import json
import logging
import sys

import pytest

from gateway.logs import Lines


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("dragoman", logging.WARNING, __file__, 1, message, (), None)
    vars(made).update(extra)
    return made


@pytest.mark.parametrize(
    "secret",
    [
        "https://api.telegram.org/bot42:AAE-abc_DEF/getMe",
        "xoxb-1-2-abc",
        "xapp-1-abc",
        "EAAabcdefghijklmnopqrstuvwxyz",
        "https://graph.facebook.com/me?access_token=abc123",
    ],
)
def test_secrets_are_left_out(secret: str) -> None:
    for as_json in (True, False):
        line = Lines(as_json=as_json).format(record("call.failed", error=f"at {secret}"))
        assert not any(part in line for part in ("AAE-abc", "1-2-abc", "xapp-1", "EAAabc", "abc123"))


def test_a_line_for_people_and_one_for_programs() -> None:
    made = record("send.failed", channel="tg", order="o-1")
    line = Lines(as_json=False).format(made)
    fields = json.loads(Lines(as_json=True).format(made))

    assert line.endswith('warning send.failed channel="tg" order="o-1"')
    assert (fields["event"], fields["level"], fields["channel"]) == ("send.failed", "warning", "tg")


def test_a_trace_is_kept() -> None:
    made = record("broke")
    try:
        raise ZeroDivisionError("by nothing")
    except ZeroDivisionError:
        made.exc_info = sys.exc_info()

    assert "by nothing" in json.loads(Lines(as_json=True).format(made))["trace"]
    assert "ZeroDivisionError" in Lines(as_json=False).format(made)
