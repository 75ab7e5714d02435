"""Events and effects survive the journal, and mailboxes have one name each."""

from datetime import UTC, datetime

import msgspec
import pytest

from routing.contents import THREAD_MARK, Facts, Standing, contact, thread
from routing.effects import Card, Effect, OpenThread, ShowEdit, TellCustomer, decode_effect, encode
from routing.events import AgentWrote, CustomerWrote, Event, ReplySent, TurnCame, decode_event

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
FACTS = Facts(language="es", number=1042, roster=(Standing(agent="U0ANA", load=1, idle_since=NOON),))


@pytest.mark.parametrize(
    "event",
    [
        CustomerWrote(id="e1", to="tg/1", at=NOON, message="7", text="¿Hola? 👍🏽", facts=FACTS),
        AgentWrote(id="e2", to="@C1/1.2", at=NOON, agent="U0ANA", message="1.3", text="Hi", mentions=("U0BEN",)),
        ReplySent(id="e3", to="tg/1", at=NOON, message="9", reply="1.3", sent="Hola"),
        TurnCame(id="e4", to="tg/1", at=NOON, facts=FACTS),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_event_reads_back_as_it_was_written(event: Event) -> None:
    assert decode_event(encode(event)) == event


@pytest.mark.parametrize(
    "effect",
    [
        OpenThread(card=Card(number=1042, name="Lucía", channel="tg", status="open", why=("speaks es",))),
        TellCustomer(text="Hi", language="es", source="en", reply="1.3"),
    ],
    ids=lambda effect: type(effect).__name__,
)
def test_an_effect_reads_back_as_it_was_written(effect: Effect) -> None:
    assert decode_effect(encode(effect)) == effect


def test_an_order_of_an_earlier_version_may_carry_less() -> None:
    assert decode_effect(b'{"type":"ShowEdit","message":"7","text":"x"}') == ShowEdit(message="7", text="x")


def test_an_event_of_another_version_may_carry_more() -> None:
    body = msgspec.json.decode(encode(CustomerWrote(id="e1", to="tg/1", at=NOON, message="7")))
    body["later"] = True

    assert decode_event(msgspec.json.encode(body)) == CustomerWrote(id="e1", to="tg/1", at=NOON, message="7")


def test_a_thread_is_never_mistaken_for_a_contact() -> None:
    assert contact("tg", "C1/1.2") != thread("C1", "1.2")
    assert thread("C1", "1.2").startswith(THREAD_MARK)
