"""What only Redis has: replicas that come and go, servers that fail over, TLS, users, and servers that are unfit."""

import asyncio
import ipaddress
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from benchmarks import redis_servers
from benchmarks.ports import free_port
from config.store_address import RedisAddress, read_address
from gateway.store.contract import Batch, Outcome, Post, Result, Side, Step, StoreError, Timer
from gateway.store.redis import RedisStore
from gateway.store.redis.health import examine
from gateway.store.redis.keys import tag_of
from routing.contents import thread
from routing.conversation import Status
from routing.effects import Card, OpenThread, TellCustomer
from routing.events import AgentWrote, CustomerWrote, TurnCame

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
CARD = Card(number=7, name="Lucía", channel="wa", status="open")
USER = "user dragoman on >secret ~dragoman:* &dragoman:* +@all -@dangerous +info"
"""What README tells admins to write into the server's ACL."""


def at(text: str) -> RedisAddress:
    address = read_address(text)
    assert address
    return address


def wrote(number: int) -> CustomerWrote:
    return CustomerWrote(id=f"e{number}", to=f"tg/{number}", at=NOON, message=str(number), text="Hola")


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.02)


async def carry(store: RedisStore, count: int) -> list[str]:
    """Work on events until so many were kept."""
    kept: list[str] = []
    async with asyncio.timeout(60):
        while len(kept) < count:
            claim = await store.claim()
            if await store.commit(claim, Step(conversation=claim.conversation, events=claim.events)) is Outcome.OK:
                kept += [event.id for event in claim.events]
    return kept


async def test_replicas_share_out_the_partitions_and_take_over_what_is_left(redis: str) -> None:
    address = at(f"{redis}?prefix={secrets.token_hex(8)}")
    first, second, third = (RedisStore(address) for _ in range(3))
    await first.open()
    assert len(first._holding.parts()) == 64
    await second.open()
    await until(lambda: len(first._holding.parts()) == len(second._holding.parts()) == 32)
    await third.open()
    await until(lambda: sorted(len(each._holding.parts()) for each in (first, second, third)) == [20, 22, 22])
    await third.close()
    await second.close()

    await until(lambda: len(first._holding.parts()) == 64)
    await first.close()


async def test_an_event_reaches_the_replica_that_has_its_partition_whoever_received_it(redis: str) -> None:
    address = at(f"{redis}?prefix={secrets.token_hex(8)}")
    first, second = RedisStore(address), RedisStore(address)
    await first.open()
    await second.open()
    await until(lambda: len(second._holding.parts()) == 32)
    events = [wrote(number) for number in range(40)]
    assert all(await first.append(events))
    assert not any(await second.append(events))
    mine = [event.id for event in events if first.leads(event.to)]
    theirs = [event.id for event in events if second.leads(event.to)]

    assert set(mine) | set(theirs) == {event.id for event in events}
    assert sorted(await carry(first, len(mine))) == sorted(mine)
    assert sorted(await carry(second, len(theirs))) == sorted(theirs)
    await first.close()
    await second.close()


async def test_two_replicas_never_give_the_same_room_away(redis: str) -> None:
    address = at(f"{redis}?prefix={secrets.token_hex(8)}")
    stores = [RedisStore(address), RedisStore(address)]
    for store in stores:
        await store.open()
    await until(lambda: len(stores[1]._holding.parts()) == 32)
    outcomes = []
    for store in stores:
        event = next(event for event in map(wrote, range(100)) if store.leads(event.to))
        await store.append([event])
        claim = await store.claim()
        assert all(each.load == 0 for each in store.roster())
        now = replace(claim.conversation, number=1, status=Status.OPEN, assignee="U0ANA")
        outcomes.append((store, claim, Step(conversation=now, events=claim.events)))
    answers = await asyncio.gather(*(store.commit(claim, step) for store, claim, step in outcomes))

    assert sorted(answer.value for answer in answers) == ["conflict", "ok"]
    for store in stores:
        await store._seats.refresh()
        assert [(each.agent, each.load) for each in store.roster()] == [("U0ANA", 1)]
    for store in stores:
        await store.close()


def die(store: RedisStore) -> None:
    """End what a replica does by itself, as a kill does: its leases stay until their time is over."""
    for task in store._holding._tasks:
        task.cancel()


async def assign(store: RedisStore, event: CustomerWrote, **changes: object) -> Outcome:
    """Carry one event, and change its conversation."""
    await store.append([event])
    claim = await store.claim()
    return await store.commit(claim, Step(conversation=replace(claim.conversation, **changes), events=claim.events))


async def test_what_a_dead_replica_had_is_taken_over_within_10_seconds_with_all_that_waits(redis: str) -> None:
    address = at(f"{redis}?prefix={secrets.token_hex(8)}")
    first, second = RedisStore(address), RedisStore(address)
    await first.open()
    await second.open()
    await until(lambda: len(second._holding.parts()) == 32)
    events = [wrote(number) for number in range(40)]
    await first.append(events)
    die(first)
    async with asyncio.timeout(10):
        await until(lambda: len(second._holding.parts()) == 64)

    assert sorted(await carry(second, 40)) == sorted(event.id for event in events)
    await first.close()
    await second.close()


async def test_a_place_that_a_dead_replica_took_and_never_gave_is_free_again(redis: str) -> None:
    address = at(f"{redis}?prefix={secrets.token_hex(8)}")
    first = RedisStore(address)
    await first.open()
    assert await assign(first, wrote(1), number=1, status=Status.OPEN, assignee="U0ANA") is Outcome.OK
    (part,) = [part for part in first._holding.parts() if part.tag == tag_of("tg/2")]
    first._seats.move("tg/2", "", "U0ANA", NOON)
    assert await first._seats.take(part.tag, part.epoch, "tg/2", "U0ANA", NOON)
    assert [each.load for each in first.roster()] == [2]
    die(first)
    second = RedisStore(address)
    await second.open()
    await until(lambda: len(second._holding.parts()) == 64)
    await second._seats.refresh()

    assert [each.load for each in second.roster()] == [1]
    assert not await first._seats.take(part.tag, part.epoch, "tg/2", "U0ANA", NOON)
    await first.close()
    await second.close()


async def test_a_replica_that_lost_its_lease_without_knowing_changes_nothing_but_tells_facts(redis: str) -> None:
    address = at(f"{redis}?prefix={secrets.token_hex(8)}")
    store = RedisStore(address)
    await store.open()
    lease = f"{address.prefix}:{{{tag_of('tg/1')}}}:lease"

    async def lose() -> None:
        """Give the partition to somebody else, behind the replica's back."""
        await until(lambda: store.leads("tg/1"))
        await store._calls.client.execute_command("SET", lease, "another's", "PX", 500)

    async def have(*effects: TellCustomer) -> Batch:
        await store.append([CustomerWrote(id=secrets.token_hex(4), to="tg/1", at=NOON, message="1")])
        claim = await store.claim()
        step = Step(conversation=claim.conversation, effects=tuple((1, effect) for effect in effects))
        assert await store.commit(claim, step) is Outcome.OK
        return await store.take(Side.CUSTOMER)

    await store.append([wrote(1)])
    claim = await store.claim()
    await lose()
    assert await store.commit(claim, Step(conversation=claim.conversation)) is Outcome.CONFLICT
    await until(lambda: store.leads("tg/1"))
    claim = await store.claim()
    await lose()
    with pytest.raises(StoreError, match="taken over"):
        await store.set_aside(claim, "it broke us")
    await store.release(claim)
    await until(lambda: store.leads("tg/1"))
    assert await carry(store, 1) == ["e1"]
    batch = await have(TellCustomer(text="Hi"))
    await lose()
    with pytest.raises(StoreError, match="taken over"):
        await store.begin(batch.orders)
    store.leave(batch)
    await until(lambda: store.leads("tg/1"))
    batch = await store.take(Side.CUSTOMER)
    await lose()
    await store.postpone(batch, NOON + timedelta(days=400), open_call=False)
    await until(lambda: store.leads("tg/1"))
    batch = await store.take(Side.CUSTOMER)
    await lose()
    await store.settle(batch, Result(orders=(batch.orders[0].id,), events=(wrote(1),)))
    store.leave(batch)
    await until(lambda: store.leads("tg/1"))

    assert await store._calls.client.execute_command("HLEN", lease.replace("lease", "orders")) == 0
    await store.close()


async def two_replicas(redis: str, clock: Callable[[], datetime]) -> tuple[RedisStore, RedisStore]:
    """Open two replicas, and wait until they have half the partitions each."""
    address = at(f"{redis}?prefix={secrets.token_hex(8)}")
    first, second = RedisStore(address, clock=clock), RedisStore(address, clock=clock)
    await first.open()
    await second.open()
    await until(lambda: len(first._holding.parts()) == len(second._holding.parts()) == 32)
    return first, second


async def test_a_timer_fires_once_at_whoever_has_the_partition_when_it_is_due(redis: str) -> None:
    now = NOON
    first, second = await two_replicas(redis, lambda: now)
    mine = next(event for event in map(wrote, range(100)) if first.leads(event.to))
    await first.append([mine])
    claim = await first.claim()
    timers = tuple(
        Timer(key, NOON + timedelta(minutes=minutes), TurnCame(id=key, to=mine.to, at=NOON))
        for key, minutes in (("early", 1), ("late", 5))
    )
    await first.commit(claim, Step(conversation=claim.conversation, events=claim.events, timers=timers))
    now += timedelta(minutes=2)
    first._holding._timer_bell.set()
    assert await carry(first, 1) == ["early"]
    die(first)
    await until(lambda: len(second._holding.parts()) == 64)
    now += timedelta(minutes=5)
    second._holding._timer_bell.set()

    assert await carry(second, 1) == ["late"]
    assert [event.id for event in await second.history(mine.to)] == [mine.id, "early", "late"]
    await first.close()
    await second.close()


async def test_whoever_one_replica_forgot_is_a_stranger_to_all(redis: str) -> None:
    first, second = await two_replicas(redis, lambda: NOON)
    known = next(event for event in map(wrote, range(100)) if first.leads(event.to))
    by_another = replace(known, id="by another name", to="tg/another", also=(known.to,))
    await first.append([known])
    await second.append([by_another])
    assert await carry(first, 2) == [known.id, by_another.id]
    with pytest.raises(StoreError, match="another replica"):
        await second.forget("tg/another")
    erased = await first.forget("tg/another")
    await until(lambda: "tg/another" not in second._names._known)
    await second.append([replace(by_another, id="again", also=())])
    holder = first if first.leads("tg/another") else second
    claim = await holder.claim()

    assert (erased["conversation"], erased["names"]) == (1, 2)
    assert (claim.mailbox, [event.id for event in claim.events]) == ("tg/another", ["again"])
    assert await second.history(known.to) == []
    await first.close()
    await second.close()


@pytest.mark.parametrize("moved", [0, 1])
async def test_a_reply_that_a_replica_died_over_is_moved_into_its_conversation(redis: str, moved: int) -> None:
    """The replica had named the thread, and perhaps moved the first reply, but not said so."""
    first, second = await two_replicas(redis, lambda: NOON)
    mailbox = next(event.to for event in map(wrote, range(100)) if first.leads(event.to))
    place = thread("C1", "1.5")
    replies = [AgentWrote(id=f"r{n}", to=place, at=NOON, agent="U0ANA", message=f"1.{n}", text="Hi") for n in range(2)]
    await first.append(replies)
    _, parked = await first._calls.submit("name_thread", tag_of(place), place, mailbox)
    for reply in replies[:moved]:
        await first._journal._enter(reply, mailbox)
    die(first)

    assert len(parked) == 2
    assert await carry(second, 2) == ["r0", "r1"]
    assert [event.id for event in await second.history(mailbox)] == ["r0", "r1"]
    await until(lambda: second.stats().parked == 0)
    await first.close()
    await second.close()


async def test_a_cluster_may_be_resharded_while_messages_come(tmp_path: Path) -> None:
    with redis_servers.cluster(tmp_path) as nodes:
        store = RedisStore(at("redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)))
        await store.open()
        events = [wrote(number) for number in range(2000) if tag_of(f"tg/{number}") == tag_of("tg/1")]
        told: list[str] = []
        moved = asyncio.Event()

        async def write() -> None:
            for event in events:
                while True:
                    try:
                        await store.append([event])
                        break
                    except StoreError:
                        await asyncio.sleep(0.05)
                await asyncio.sleep(0.02)
            assert moved.is_set()

        async def move() -> None:
            await until(lambda: len(told) > 2)
            await asyncio.to_thread(redis_servers.move_slot, nodes, f"{{{tag_of('tg/1')}}}")
            moved.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(write())
            group.create_task(move())
            while len(told) < len(events):
                told += await carry(store, 1)

        assert told == [event.id for event in events]
        await store.close()


async def test_a_server_behind_sentinels_may_fail_over(tmp_path: Path) -> None:
    with redis_servers.sentinel(tmp_path) as (first, second, address):
        store = RedisStore(at(address))
        await store.open()
        assert await store.append([wrote(1)]) == [True]
        await asyncio.to_thread(redis_servers.until, lambda: replicated(second))
        await asyncio.to_thread(first.kill)

        async def again() -> None:
            while True:
                try:
                    assert len(await store.append([wrote(2)])) == 1
                    return
                except StoreError:
                    await asyncio.sleep(0.1)

        async with asyncio.timeout(40):
            await again()
        assert sorted(await carry(store, 2)) == ["e1", "e2"]
        await store.close()


def replicated(server: redis_servers.Server) -> bool:
    """Say whether a replica has the one event."""
    with server.client() as client:
        return any(client.xlen(key) for key in client.scan_iter("dragoman:*:journal"))


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return pem, private


async def test_tls_and_a_user_with_few_rights_are_enough(tmp_path: Path) -> None:
    pem, private = certificate(tmp_path)
    port = free_port()
    tls = ("--tls-port", str(port), "--tls-cert-file", str(pem), "--tls-key-file", str(private))
    acl = tmp_path / "users.acl"
    acl.write_text(f"user default on nopass +@all ~* &*\n{USER}\n")
    options = (*tls, "--tls-ca-cert-file", str(pem), "--tls-auth-clients", "no", "--aclfile", str(acl))
    with redis_servers.server(tmp_path / "redis", "--appendonly", "yes", *options):
        address = at(f"rediss://dragoman:secret@127.0.0.1:{port}?ssl_ca_certs={pem}")
        store = RedisStore(address)
        await store.open()
        assert await store.append([wrote(1)]) == [True]
        assert await carry(store, 1) == ["e1"]
        await store.close()
        assert (await asyncio.to_thread(examine, address))[1] == {}
        with pytest.raises(StoreError, match="refuses the user or password"):
            await RedisStore(at(f"rediss://dragoman:wrong@127.0.0.1:{port}?ssl_ca_certs={pem}")).open()
        with pytest.raises(StoreError, match="certificate"):
            await RedisStore(at(f"rediss://dragoman:secret@127.0.0.1:{port}")).open()


async def test_what_cannot_be_read_is_told_and_holds_up_nothing(redis: str, caplog: pytest.LogCaptureFixture) -> None:
    address = at(f"{redis}?prefix={secrets.token_hex(8)}")
    store = RedisStore(address)
    await store.open()
    place = f"{address.prefix}:{{{tag_of('tg/1')}}}"
    client = store._calls.client
    await client.execute_command("INCR", f"{place}:entered")
    await client.execute_command("XADD", f"{place}:journal", "1-0", "m", "tg/1", "e", '{"type":"OfTomorrow"}')
    await client.execute_command("HSET", f"{place}:orders", "o", '{"of":"tomorrow"}')
    await client.execute_command("ZADD", f"{place}:outbox", "1", "o")
    await store.append([wrote(1)])
    assert await carry(store, 1) == ["e1"]
    await store.close()
    again = RedisStore(address)
    await again.open()
    await again.append([replace(wrote(1), id="later")])

    assert await carry(again, 1) == ["later"]
    assert {"event.unreadable", "order.unreadable"} <= {record.message for record in caplog.records}
    assert await again._calls.client.execute_command("XLEN", f"{place}:journal") == 1
    await again.close()


async def test_an_answer_that_breaks_us_is_its_callers_to_hear(redis: str) -> None:
    store = RedisStore(at(f"{redis}?prefix={secrets.token_hex(8)}"))
    await store.open()

    def breaks(answer: object) -> None:
        raise ValueError("not this one")

    with pytest.raises(StoreError, match="answer to number can't be used: ValueError: not this one"):
        await store._calls.submit("number", "crew", after=breaks)
    with pytest.raises(StoreError, match="can't put"):
        await store._calls.submit("put", "crew")
    assert await store.number() == 2
    await store.close()


async def test_whoever_is_forgotten_is_in_no_key_and_no_value_of_redis(redis: str) -> None:
    address = at(f"{redis}?prefix={secrets.token_hex(8)}")
    store = RedisStore(address)
    await store.open()
    person = {"to": "wa/34611", "also": ("wa/user-of-lucia", "wa/old-lucia"), "name": "Lucía"}
    await store.append([CustomerWrote(id="e1", at=NOON, message="1", text="secreto", **person)])  # type: ignore[arg-type]
    claim = await store.claim()
    effects = tuple((7, each) for each in (TellCustomer(text="secreto"), OpenThread(card=CARD), TellCustomer(text="b")))
    opened = replace(claim.conversation, number=7, name="Lucía", status=Status.OPEN, assignee="U0ANA")
    timer = Timer("remind", NOON + timedelta(days=900), TurnCame(id="t", to="wa/34611", at=NOON))
    step = Step(conversation=opened, events=claim.events, effects=effects, timers=(timer,))
    assert await store.commit(claim, step) is Outcome.OK
    batch = await store.take(Side.DESK)
    post = Post(messages=("1",), ts="1.7", body=b'"Lucia"')
    await store.settle(batch, Result(orders=(batch.orders[0].id,), thread=thread("C1", "1.5"), posts=(post,)))
    store.leave(batch)
    batch = await store.take(Side.CUSTOMER)
    await store.settle(batch, Result(orders=(batch.orders[0].id,), dead="blocked"))
    store.leave(batch)
    await store.append([AgentWrote(id="a1", to=thread("C1", "1.5"), at=NOON, agent="U0ANA", message="9", text="x")])
    assert "wa/34611" in await everything(store)

    erased = await store.forget("wa/user-of-lucia")

    left = await everything(store)
    assert not [word for word in ("34611", "user-of-lucia", "old-lucia", "secreto", "Luc", "C1/1.5") if word in left]
    counted = ("conversation", "history", "journal", "outbox", "dead", "timer", "post")
    assert {what: erased[what] for what in counted} == dict.fromkeys(counted, 1)
    assert erased["names"] == 4
    assert [each.load for each in store.roster()] == [0]
    await store.close()


async def test_a_post_that_an_earlier_version_kept_is_found_and_drawn_anew(redis: str) -> None:
    address = at(f"{redis}?prefix={secrets.token_hex(8)}")
    store = RedisStore(address)
    await store.open()
    posts = f"{address.prefix}:{{{tag_of('tg/1')}}}:posts"
    old = '{"message": "1", "ts": "1.7", "body": "WzFd"}'
    await store._calls.client.execute_command("HSET", posts, "\0".join(("tg/1", "1")), old)

    assert await store.post("tg/1", "1") == Post(messages=("1",), ts="1.7", body=b"[1]")

    await store.append([wrote(1)])
    claim = await store.claim()
    effects = ((7, OpenThread(card=CARD)),)
    await store.commit(claim, Step(conversation=claim.conversation, events=claim.events, effects=effects))
    batch = await store.take(Side.DESK)
    drawn = Post(messages=("1",), ts="1.7", body=b"[2]")
    await store.settle(batch, Result(orders=(batch.orders[0].id,), posts=(drawn,)))
    assert await store.post("tg/1", "1") == drawn
    await store.close()


async def everything(store: RedisStore) -> str:
    """Give all names and values that an installation keeps, in whatever form."""
    client = store._calls.client
    found = []
    async for key in client.scan_iter(f"{store._calls.address.prefix}:*"):
        found.append(repr(key))
        match await client.type(key):
            case b"string":
                found.append(repr(await client.get(key)))
            case b"hash":
                found.append(repr(await client.hgetall(key)))
            case b"set":
                found.append(repr(await client.smembers(key)))
            case b"zset":
                found.append(repr(await client.zrange(key, 0, -1)))
            case b"list":
                found.append(repr(await client.lrange(key, 0, -1)))
            case b"stream":
                found.append(repr(await client.xrange(key)))
            case kind:
                raise AssertionError(kind)
    return "\n".join(found)


UNFIT = {
    "writes no log": (),
    "doesn't sync its log": ("--appendonly", "yes", "--appendfsync", "no"),
    "throws away messages": ("--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"),
    "": ("--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "noeviction"),
}


@pytest.mark.parametrize("fault", UNFIT)
def test_a_server_that_would_lose_messages_is_named(fault: str, tmp_path: Path) -> None:
    with redis_servers.server(tmp_path, *UNFIT[fault]) as server:
        _, faults = examine(at(server.address))

    assert [fault in told for told in faults] == ([True] if fault else [])
    assert all(cure.startswith("Set ") for cure in faults.values())


async def test_a_full_server_takes_no_more_of_customers_and_goes_on_with_what_it_has(tmp_path: Path) -> None:
    with redis_servers.server(tmp_path, "--maxmemory", "100mb") as server:
        store = RedisStore(at(server.address))
        await store.open()
        await store.append([wrote(1)])
        with server.client() as client:
            client.config_set("maxmemory", 1)
        with pytest.raises(StoreError, match="is full: raise its maxmemory"):
            await store.append([wrote(2)])
        with pytest.raises(StoreError, match="is full"):
            await store.probe()
        assert await carry(store, 1) == ["e1"]
        with server.client() as client:
            client.config_set("maxmemory", 0)

        assert await store.append([wrote(2)]) == [True]
        await store.close()


async def test_what_was_costly_to_make_is_shared_until_somebody_is_forgotten(redis: str) -> None:
    address = at(f"{redis}?prefix={secrets.token_hex(8)}")
    first, second = RedisStore(address), RedisStore(address)
    await first.open()
    await second.open()
    await first.append([wrote(1)])
    await second.remember("digest", b"Hello")
    assert await first.recall("digest") == b"Hello"
    assert await first.recall("another") is None

    await (first if first.leads("tg/1") else second).forget("tg/1")

    assert await second.recall("digest") is None
    await first.close()
    await second.close()
