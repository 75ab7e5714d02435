"""The store's verbs on Redis: each step is one function call in its partition; what waits is in the holder's memory."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from msgspec.structs import replace

from config.store_address import RedisAddress
from gateway.store.contract import Batch, Claim, Order, Outcome, Result, Side, Stats, Step, StoreError
from gateway.store.redis.calls import Answer, Argument, Calls
from gateway.store.redis.holding import Holding, Part
from gateway.store.redis.journal import Journal
from gateway.store.redis.kept import (
    AsideEvent,
    DeadOrder,
    decode_aside,
    decode_dead,
    decode_order,
    is_post,
    post_fields,
)
from gateway.store.redis.keys import CREW, DOCS, tag_of
from gateway.store.redis.names import Names
from gateway.store.redis.reads import Reads, read_conversation
from gateway.store.redis.seats import Seats
from gateway.store.shape import event_key, lane_of, millis, orders_of, urgency_of
from gateway.store.waiting import Clock
from routing.contents import EPOCH, THREAD_MARK, Standing
from routing.conversation import Conversation, Status
from routing.effects import encode
from routing.events import CustomerWrote, Event

CACHED = 20_000
"""How many conversations stay in memory."""

LONGEST_WAIT = timedelta(hours=1)
"""How long a lane waits at most after it was taken over: the clock may have been wrong when it was told to wait."""

MADE_MOST, MADE_LASTS = 50_000, 24 * 3600
"""How many things that were costly to make are kept, and for how many seconds."""

FORGET_TRIES = 200

BACKLOG = 50_000
"""How many events and orders may wait, in all replicas, before the journal takes no more of customers."""

RESERVE = 10_000
"""How many more it takes of what isn't a customer's message, so that agents' answers go on."""

RANK = 10**13
"""What a rank of priority weighs in the queue, beside milliseconds since 1970."""

TAKEN_OVER = "another replica has taken over"


def _utc() -> datetime:
    return datetime.now(UTC)


class RedisStore(Reads):
    """The engine for several replicas on one Redis."""

    def __init__(self, address: RedisAddress, *, clock: Clock = _utc) -> None:
        self._clock = clock
        self._calls = Calls(address, self._failed)
        self._seats = Seats(self._calls)
        self._names = Names(self._calls)
        self._holding = Holding(
            self._calls,
            self._seats,
            clock,
            longest_wait=lambda: clock() + LONGEST_WAIT,
            dropped=self._dropped,
            freed=lambda tag: self._journal.move_freed(tag),
        )
        self._journal = Journal(self._calls, self._names, self._holding, clock)
        self._cache: OrderedDict[str, tuple[int, Conversation]] = OrderedDict()
        self._threads: dict[tuple[str, int], str] = {}

    async def open(self) -> None:
        """Connect, bring the function library, and take what is free."""
        await self._calls.open()
        try:
            await self._holding.open(self._hear, self._names.forget)
        except BaseException:
            await self._calls.close()
            raise

    async def close(self) -> None:
        """Finish what was begun and let go."""
        await self._holding.close()
        await self._calls.close()

    async def probe(self) -> None:
        """Raise StoreError unless a write goes through."""
        await self._calls.submit("put", DOCS, "doc:probe", "", "")

    # The journal

    async def append(self, events: Sequence[Event]) -> Sequence[bool]:
        """Write events to the journal, durably."""
        waiting = self._holding.mailboxes.size + self._holding.lanes.size + self._holding.elsewhere
        room = BACKLOG if any(isinstance(event, CustomerWrote) for event in events) else BACKLOG + RESERVE
        if waiting >= room:
            raise StoreError(f"{waiting} events and orders wait already: try again later")
        return await self._journal.append(events)

    async def claim(self) -> Claim:
        """Wait for a free mailbox and take it."""
        mailbox, waiting = await self._holding.mailboxes.take()
        try:
            version, conversation = await self._load(mailbox)
        except BaseException:
            self._holding.mailboxes.done(mailbox)
            raise
        seqs, events = tuple([seq for seq, _ in waiting]), tuple([event for _, event in waiting])
        return Claim(mailbox, version, conversation, events, seqs)

    async def commit(self, claim: Claim, step: Step) -> Outcome:
        """Keep the step; agents' room is taken at once, and for all replicas before the step gives it away."""
        now = self._clock()
        was, new = claim.conversation.load, step.conversation.load
        part = self._holding.part_of(claim.mailbox)
        if part is None:
            await self.release(claim)
            return Outcome.CONFLICT
        if was == new:
            return await self._commit(part, claim, step, now)
        rested = self._seats.rested(new)
        self._seats.move(claim.mailbox, was, new, now)
        outcome = Outcome.CONFLICT
        try:
            if new and not await self._seats.take(part.tag, part.epoch, claim.mailbox, new, now):
                await self._seats.refresh()
                await self.release(claim)
            else:
                outcome = await self._commit(part, claim, step, now)
        finally:
            if outcome is not Outcome.OK:
                # Reading the partition anew counts whose places are taken in it, whatever became of this one.
                self._seats.undo(claim.mailbox, rested)
                self._holding.reload({part.tag})
        if outcome is Outcome.OK and not new:
            await self._give_back(part, claim.mailbox, now)
        return outcome

    async def _give_back(self, part: Part, mailbox: str, at: datetime) -> None:
        """Free an agent's place after the step that did so; where that fails, the partition is counted anew."""
        try:
            freed = await self._seats.take(part.tag, part.epoch, mailbox, "", at)
        except StoreError:
            freed = False
        if not freed:
            self._seats.undo(mailbox, at)
            self._holding.reload({part.tag})

    async def _commit(self, part: Part, claim: Claim, step: Step, at: datetime) -> Outcome:
        now, was = step.conversation, claim.conversation
        orders = orders_of(claim, at, step.effects)
        waits = RANK * urgency_of(now) + millis(now.opened_at) if now.status is Status.QUEUED else ""
        events = [encode(event) for event in step.events]
        timers = [
            value
            for timer in step.timers
            for value in (timer.key, millis(timer.due), event_key(timer.event), encode(timer.event))
        ]
        owed = [value for order in orders for value in (order.id, encode(order))]
        said: list[Argument] = [part.token, claim.mailbox, claim.version, encode(now)]
        said += (now.number, was.number, waits, now.load, len(claim.seqs), *claim.seqs, len(events), *events)
        said += (len(step.clear), *step.clear, len(timers), *timers, len(owed), *owed)
        answer = await self._calls.submit(
            "commit", part.tag, *said, after=partial(self._kept, part, claim, step, orders)
        )
        if answer[0] == b"fenced":
            return Outcome.CONFLICT
        return Outcome(answer[0].decode())

    def _kept(self, part: Part, claim: Claim, step: Step, orders: list[Order], answer: Answer) -> None:
        if answer[0] == b"ok":
            if self._holding.is_mine(claim.mailbox):
                self._remember(claim.mailbox, claim.version + 1, step.conversation)
            self._holding.owes(part, orders)
            for timer in step.timers:
                self._holding.note_timer(part, timer.due)
        else:
            self._cache.pop(claim.mailbox, None)
        if answer[0] == b"fenced":
            self._holding.lose(part)
        self._holding.mailboxes.done(claim.mailbox, claim.seqs if answer[0] in (b"ok", b"already") else ())

    async def release(self, claim: Claim) -> None:
        """Let go of a mailbox; its events come again."""
        self._cache.pop(claim.mailbox, None)
        self._holding.mailboxes.done(claim.mailbox)

    async def set_aside(self, claim: Claim, reason: str) -> None:
        """Keep the claim's first event apart."""
        part = self._part(claim.mailbox)
        letter = encode(AsideEvent(claim.mailbox, claim.events[0], reason, self._clock()))

        def after(answer: Answer) -> None:
            if answer[0] == b"ok":
                self._holding.count(part.tag, "aside", 1)
                self._holding.mailboxes.done(claim.mailbox, claim.seqs[:1])

        seq = claim.seqs[0]
        self._check(part, await self._calls.submit("set_aside", part.tag, part.token, seq, letter, after=after))

    async def number(self) -> int:
        """Give the next conversation's number."""
        return int((await self._calls.submit("number", CREW))[1])

    # The outbox

    async def take(self, side: Side) -> Batch:
        """Wait for a lane of `side` that is due."""
        return await self._holding.lanes.take(side)

    async def begin(self, orders: Sequence[Order]) -> tuple[Order, ...]:
        """Note that one call for these begins, and find out that they are still ours to deliver."""
        part = self._part(orders[0].mailbox)
        begun = tuple(replace(order, begun=order.begun + 1, open_call=orders[0].id) for order in orders)
        if await self._rewrite(part, part.token, begun) < len(begun):
            self._holding.reload({part.tag})
            raise StoreError("another replica has delivered it")
        return begun

    async def advance(self, order: Order) -> Order:
        """Note an order's progress, which is a fact whoever has the partition now; its call is no longer open."""
        advanced = replace(order, open_call="")
        await self._rewrite(self._holding.part_of(order.mailbox), "", (advanced,))
        return advanced

    async def _rewrite(self, part: Part | None, token: str, orders: Sequence[Order]) -> int:
        def after(answer: Answer) -> None:
            if answer[0] == b"ok":
                for order in orders:
                    self._holding.lanes.replace(order)

        values = [value for order in orders for value in (order.id, encode(order))]
        tag = tag_of(orders[0].mailbox)
        answer = await self._calls.submit("rewrite", tag, token, len(values), *values, after=after)
        if part is not None:
            self._check(part, answer)
        return int(answer[1])

    async def settle(self, batch: Batch, result: Result) -> None:
        """Keep what a call came to: facts, whoever has the partition now."""
        now, first = self._clock(), batch.orders[0]
        mailbox, tag = first.mailbox, tag_of(first.mailbox)
        settled = [order for order in batch.orders if order.id in result.orders]
        latest = {order.id: order for order in self._holding.lanes.waiting(batch.lane)} if result.dead else {}
        letters = [encode(DeadOrder(latest.get(order.id, order), result.dead, now)) for order in settled if result.dead]
        mine = [event for event in result.events if event.to == mailbox]
        posts = [value for post in result.posts for value in post_fields(mailbox, post)]
        events = [value for event in mine for value in (event_key(event), encode(event))]
        if result.thread:
            await self._calls.submit("name_thread", tag_of(result.thread), result.thread, mailbox)
            await self._names.also_called(mailbox, [result.thread])

        def after(answer: Answer) -> None:
            self._holding.count(tag, "dead", len(letters))
            self._holding.lanes.remove(batch.lane, result.orders)
            if result.thread:
                self._threads[mailbox, first.number] = result.thread.removeprefix(THREAD_MARK)
            for event, seq in zip(mine, answer[1], strict=True):
                if seq:
                    self._holding.entered(mailbox, seq, event)

        where = result.thread.removeprefix(THREAD_MARK)
        said: list[Argument] = [mailbox, batch.lane, millis(now), first.number, where]
        said += (len(settled), *(order.id for order in settled), len(letters), *letters)
        said += (len(events), *events, len(posts), *posts)
        said += ("" if self._holding.is_mine(mailbox) else self._holding.bell, tag)
        await self._calls.submit("settle", tag, *said, after=after)
        if result.thread:
            await self._journal.move_parked(result.thread, mailbox)
        await self._journal.append([event for event in result.events if event.to != mailbox])

    async def postpone(self, batch: Batch, until: datetime, *, open_call: bool) -> None:
        """Let go of the lane and let it wait."""
        part = self._holding.part_of(batch.orders[0].mailbox)
        if part is None:
            self._holding.lanes.leave(batch, until)
            return
        closed = [] if open_call else [order for order in self._holding.lanes.waiting(batch.lane) if order.open_call]
        values = [value for order in closed for value in (order.id, encode(replace(order, open_call="")))]

        def after(answer: Answer) -> None:
            if answer[0] == b"fenced":
                self._holding.lose(part)
            if not open_call:
                self._holding.lanes.close_calls(batch.lane)
            self._holding.lanes.leave(batch, until)

        await self._calls.submit(
            "postpone", part.tag, part.token, batch.lane, millis(until), len(values), *values, after=after
        )

    def wake(self, channel: str) -> None:
        """Make what waits for a channel's customers, or with "" for the desk, due now."""
        self._holding.lanes.wake(channel)

    def leave(self, batch: Batch) -> None:
        """Let go of a lane; what is left in it is due again."""
        self._holding.lanes.leave(batch)

    # Reading

    async def conversation(self, mailbox: str) -> Conversation | None:
        """Read a conversation."""
        version, conversation = await self._load(mailbox)
        return conversation if version else None

    def leads(self, role: str) -> bool:
        """Say whether this replica is the one that does what only one may do: whoever has the role's partition."""
        return self._holding.is_mine(role)

    def share(self) -> float:
        """Say how much of what all replicas may do together is this one's."""
        return self._holding.share

    def roster(self) -> Sequence[Standing]:
        """Say how many open conversations each agent has, in all replicas."""
        return self._seats.roster.standings()

    async def set_away(self, agent: str, *, away: bool, until: datetime = EPOCH) -> None:
        """Keep that an agent is away, or isn't any more."""
        await self._seats.set_away(agent, away=away, until=until)

    def set_present(self, agent: str, *, present: bool) -> bool:
        """Note whether the desk's platform shows an agent as there."""
        return self._seats.roster.set_present(agent, present=present)

    def stats(self) -> Stats:
        """Say how much waits in this replica's partitions."""
        sizes = dict(self._holding.lanes.sizes)
        return Stats(waiting_events=self._holding.mailboxes.size, waiting_orders=sizes, **self._holding.counts())

    def oldest(self) -> Mapping[str, float]:
        """Say by side for how many seconds the oldest order has waited."""
        return self._holding.lanes.ages()

    # Documents and housekeeping

    async def put_doc(self, kind: str, key: str, body: bytes) -> None:
        """Keep a document."""
        await self._calls.submit("put", DOCS, f"doc:{kind}", key, body)

    async def drop_doc(self, kind: str, key: str) -> bool:
        """Forget a document; says whether it was there."""
        return bool((await self._calls.submit("drop", DOCS, f"doc:{kind}", key))[1])

    async def remember(self, key: str, body: bytes) -> None:
        """Keep something that was costly to make for a day at most, and until anybody is forgotten."""
        await self._calls.submit("remember", DOCS, MADE_MOST, MADE_LASTS, key, body)

    async def recall(self, key: str) -> bytes | None:
        """Give what is kept so, None where nothing is."""
        found: bytes | None = (await self._calls.submit("field", DOCS, "memo", key))[1]
        return found

    async def forget(self, mailbox: str) -> dict[str, int]:
        """Erase a contact everywhere, if its partition is ours: under all names, when nobody works on it."""
        mailbox = await self._names.whose(mailbox) or mailbox
        part = self._part(mailbox)
        lanes = [lane_of(side, mailbox) for side in Side]
        seqs: list[int] = []
        for _ in range(FORGET_TRIES):
            erased_now = self._holding.mailboxes.erase(mailbox)
            seqs += erased_now or ()
            if erased_now is not None and self._holding.lanes.erase(lanes):
                break
            await asyncio.sleep(0.05)
        else:
            raise StoreError(f"{mailbox} is being worked on all the time: try again")
        try:
            _, conversation = await self._load(mailbox)
            erased = await self._erase(part, mailbox, seqs, lanes)
        finally:
            # What was only forgotten in memory comes back from there.
            self._cache.pop(mailbox, None)
            self._holding.reload({part.tag})
        for place in [place for place in self._threads if place[0] == mailbox]:
            del self._threads[place]
        if conversation.load:
            now = self._clock()
            self._seats.move(mailbox, conversation.load, "", now)
            await self._give_back(part, mailbox, now)
        await self._calls.submit("forget_made", DOCS)
        await self._calls.ring(self._holding.bell, f"forget {mailbox}")
        return erased

    async def _erase(self, part: Part, mailbox: str, seqs: list[int], lanes: list[str]) -> dict[str, int]:
        async def fields(key: str) -> dict[bytes, bytes]:
            flat = (await self._calls.submit("fields", part.tag, key))[1]
            return dict(zip(flat[::2], flat[1::2], strict=True))

        mark = f"{mailbox}\0".encode()
        orders = [key for key, body in (await fields("orders")).items() if decode_order(body).mailbox == mailbox]
        dead = [key for key, body in (await fields("dead")).items() if decode_dead(body).order.mailbox == mailbox]
        aside = [key for key, body in (await fields("aside")).items() if decode_aside(body).mailbox == mailbox]
        timers = [key for key in await fields("timed") if key.startswith(mark)]
        stood = {key: value for key, value in (await fields("posts")).items() if key.startswith(mark)}
        posts, shown = list(stood), sum(map(is_post, stood.values()))
        names = await self._names.all_of(mailbox)
        lists = [value for each in (seqs, orders, lanes, dead, aside, timers, posts) for value in (len(each), *each)]
        told = await self._calls.submit("erase", part.tag, part.token, mailbox, *lists)
        self._check(part, told)
        counted = dict(zip(("journal", "outbox", "dead", "aside", "timer"), map(int, told[1]), strict=True))
        counted["post"] = shown
        parked, gone = await self._names.erase(sorted(names))
        return counted | {"history": told[2], "conversation": told[3], "names": gone, "parked": parked}

    async def prune(self, before: datetime) -> None:
        """Forget dedupe keys, parked replies and posts older than `before`, in our partitions."""
        for part in self._holding.parts():
            await self._calls.submit("prune", part.tag, part.token, millis(before), after=partial(self._pruned, part))

    def _pruned(self, part: Part, answer: Answer) -> None:
        if answer[0] == b"ok":
            part.counts["parked"] = int(answer[1])

    # Within

    def _part(self, mailbox: str) -> Part:
        part = self._holding.part_of(mailbox)
        if part is None:
            raise StoreError(TAKEN_OVER)
        return part

    def _check(self, part: Part, answer: Answer) -> None:
        """Raise StoreError where the partition is another's by now."""
        if answer[0] == b"fenced":
            self._holding.lose(part)
            raise StoreError(TAKEN_OVER)

    def _failed(self, tags: set[str]) -> None:
        self._holding.reload(tags)

    def _hear(self, said: str) -> None:
        what, _, mailbox = said.partition(" ")
        if what == "forget":
            self._names.forget(mailbox)
        else:
            self._holding.hear(said)

    def _dropped(self, tag: str) -> None:
        for mailbox in [mailbox for mailbox in self._cache if tag_of(mailbox) == tag]:
            del self._cache[mailbox]

    async def _load(self, mailbox: str) -> tuple[int, Conversation]:
        if mailbox in self._cache:
            self._cache.move_to_end(mailbox)
            return self._cache[mailbox]
        body = (await self._calls.submit("get", tag_of(mailbox), mailbox))[1]
        return read_conversation(body) if body else (0, Conversation(contact=mailbox))

    def _remember(self, mailbox: str, version: int, conversation: Conversation) -> None:
        self._cache[mailbox] = (version, conversation)
        self._cache.move_to_end(mailbox)
        if len(self._cache) > CACHED:
            self._cache.popitem(last=False)
