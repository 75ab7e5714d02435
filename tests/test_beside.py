"""What commands read and write beside the gateways that run, held against each engine."""

import asyncio
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from config.settings import Gateway
from config.store_address import read_address
from gateway.store.choose import beside, make_store
from gateway.store.contract import Beside, Progress, Result, Side, Step, Store, StoreError
from routing.conversation import Status
from routing.effects import TellCustomer
from routing.events import CustomerWrote, Unrecognised

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
Open = Callable[[], tuple[Store, Beside]]


@pytest.fixture(params=["sqlite", "redis", "cluster"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Gateway:
    """Name an installation that has nothing yet."""
    if request.param == "sqlite":
        return Gateway(data_dir=tmp_path / "data")
    address = read_address(f"{request.getfixturevalue(request.param)}?prefix={secrets.token_hex(8)}")
    return Gateway(data_dir=tmp_path, redis=address)


def wrote(number: int, to: str = "tg/1") -> CustomerWrote:
    return CustomerWrote(id=f"{to}:{number}", to=to, at=NOON, message=str(number), text=f"text {number}")


async def test_conversations_their_histories_and_the_roster_are_read_while_a_gateway_runs(
    installation: Gateway,
) -> None:
    store, shell = make_store(installation), beside(installation)
    await store.open()
    for number in (1, 2):
        await store.append([wrote(1, f"tg/{number}"), wrote(2, f"tg/{number}")])
        claim = await store.claim()
        now = replace(claim.conversation, number=number, status=Status.OPEN, assignee="U0ANA")
        await store.commit(claim, Step(conversation=now, events=claim.events))
    await store.set_away("U0BEN", away=True)

    assert [each.number for each in shell.conversations()] == [2, 1]
    assert [each.number for each in shell.latest(1)] == [2]
    assert [each.number for each in shell.latest(5, before=2)] == [1]
    assert [each.number for each in shell.latest(5, status="open")] == [2, 1]
    assert shell.latest(5, status="closed") == []
    assert list(shell.history("tg/1")) == [wrote(1), wrote(2)]
    assert {name: list(events) for name, events in shell.histories()} == {
        f"tg/{number}": [wrote(1, f"tg/{number}"), wrote(2, f"tg/{number}")] for number in (1, 2)
    }
    assert [(each.agent, each.load, each.away) for each in shell.roster()] == [("U0ANA", 2, False), ("U0BEN", 0, True)]
    await store.close()


async def test_it_is_known_whether_a_gateway_runs(installation: Gateway) -> None:
    store, shell = make_store(installation), beside(installation)
    assert not await asyncio.to_thread(shell.runs)
    await store.open()
    assert await asyncio.to_thread(shell.runs)
    await store.close()
    assert not await asyncio.to_thread(shell.runs)


async def test_documents_go_both_ways(installation: Gateway) -> None:
    store, shell = make_store(installation), beside(installation)
    assert shell.docs("channel") == {}
    await asyncio.to_thread(shell.write_docs, "channel", {"tg": b"1", "wa": b"2"})
    await store.open()
    assert await store.docs("channel") == {"tg": b"1", "wa": b"2"}
    await store.put_doc("channel", "fb", b"3")
    await asyncio.to_thread(shell.write_docs, "channel", {"tg": None})

    assert shell.docs("channel") == {"fb": b"3", "wa": b"2"}
    assert await store.docs("channel") == {"fb": b"3", "wa": b"2"}
    await store.close()


async def test_what_was_set_apart_is_read_and_tried_again_or_dropped(installation: Gateway) -> None:
    store, shell = make_store(installation), beside(installation)
    await store.open()
    await store.append([wrote(1), wrote(1, "tg/2"), Unrecognised(id="u", to="", at=NOON, kind="poll", body="{}")])
    await store.set_aside(first := await store.claim(), "it broke us")
    claim = await store.claim()
    effects = tuple((5, TellCustomer(text=text)) for text in ("one", "two"))
    await store.commit(claim, Step(conversation=replace(claim.conversation, number=5), effects=effects))
    batch = await store.take(Side.CUSTOMER)
    progress = Progress(parts=("uno",), engine="phrasebook")
    await store.begin([replace(batch.orders[0], progress=progress)])
    for order in batch.orders:
        await store.settle(batch, Result(orders=(order.id,), dead="blocked"))
    store.leave(batch)

    letters = {getattr(each.what, "text", "poll"): each for each in shell.letters()}
    assert {name: (each.mailbox, each.number, each.reason) for name, each in letters.items()} == {
        "text 1": (first.mailbox, 0, "it broke us"),
        "one": (claim.mailbox, 5, "blocked"),
        "two": (claim.mailbox, 5, "blocked"),
        "poll": ("", 0, "unknown kind"),
    }
    for name, done in (("text 1", True), ("one", True), ("poll", False)):
        assert await asyncio.to_thread(shell.want_again, letters[name].id) is done
    assert await asyncio.to_thread(shell.drop_letter, letters["two"].id)
    assert not await asyncio.to_thread(shell.drop_letter, letters["two"].id)
    assert not await asyncio.to_thread(shell.want_again, "d99")

    async with asyncio.timeout(10):
        assert (await store.claim()).events == first.events
        (again,) = (await store.take(Side.CUSTOMER)).orders
    assert (again.effect, again.begun, again.open_call) == (TellCustomer(text="one"), 0, "")
    assert again.progress == progress
    assert again.id != batch.orders[0].id
    await store.close()


def test_a_redis_that_does_not_answer_is_named(tmp_path: Path) -> None:
    address = read_address("redis://:hidden@127.0.0.1:1")

    with pytest.raises(StoreError, match=r"redis://127\.0\.0\.1:1 can't be used") as error:
        beside(Gateway(data_dir=tmp_path, redis=address)).conversations()
    assert "hidden" not in str(error.value)
