"""Cards: a conversation's first post in a channel of the desk's, changed in place, and left where it moves."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta

from msgspec.structs import replace

from adapters.contract import Channel, Placing, SendError, Unavailable
from adapters.desk import Desk
from adapters.desk_view import Block, Said, draw_card, draw_left
from adapters.local_time import clock_in, clock_of
from adapters.slack_api import SlackRefusal
from gateway.budget import Budget
from gateway.desk_files import find_post
from gateway.hands import Hands
from gateway.interpret import Interpreter
from gateway.people import People
from gateway.rules import Rules
from gateway.store.contract import Batch, Order, Result, Side, Store
from routing.contents import EPOCH
from routing.effects import Card, LeaveCard, LeaveThread, TellDesk, UpdateCard
from routing.events import ThreadOpened

NAME = "desk"
FIRST_WORDS, FIRST_CHARACTERS = 12, 140
"""How many of a customer's first words stand on the card at most."""

KEPT = 64
"""How many first messages are remembered as the desk reads them, until they are posted."""

THREAD_WAIT = timedelta(seconds=1)
"""How long a change of a card waits for the card itself."""

log = logging.getLogger("dragoman.deliver")


async def take_within(budget: Budget, store: Store, side: Side) -> Batch:
    """Wait until a budget allows it, and take a lane; whoever calls makes sure that nobody else does meanwhile."""
    await budget.ready()
    batch = await store.take(side)
    budget.spend()
    return batch


class DeskCards:
    """Posts cards, and keeps them up to date as fast as Slack lets us: `updates` is what it allows."""

    def __init__(
        self,
        hands: Hands,
        desk: Desk,
        channels: Mapping[str, Channel],
        people: People,
        interpreter: Interpreter,
        rules: Rules,
        updates: Budget,
    ) -> None:
        self._people = people
        self._hands = hands
        self._desk = desk
        self._channels = channels
        self._interpreter = interpreter
        self._rules = rules
        self._updates = updates
        self._turn = asyncio.Lock()
        self._said: dict[TellDesk, Said] = {}

    async def take(self) -> Batch:
        """Wait until a card may be changed, then take one."""
        async with self._turn:
            return await take_within(self._updates, self._hands.store, Side.CARD)

    async def change(self, batch: Batch) -> None:
        """Change a card in place, unless a later change waits already."""
        if await self._hands.is_held(NAME, batch):
            self._updates.spend(-1)
            return
        order = batch.orders[0]
        where = await self._hands.store.thread(order.mailbox, order.number)
        later = any(each.number == order.number and isinstance(each.effect, UpdateCard) for each in batch.orders[1:])
        try:
            if isinstance(order.effect, LeaveCard):
                left = order.effect
                await self._desk.update(left.old, *draw_left(left.card, left.told, self._desk.link(where)))
            elif isinstance(order.effect, UpdateCard) and where and not later:
                await self._desk.update(where, *self._draw(order.mailbox, order.effect.card))
            elif not where and self._hands.store.stats().waiting_orders[Side.DESK]:
                self._updates.spend(-1)
                await self._hands.postpone(batch, self._hands.clock() + THREAD_WAIT)
                return
            else:
                self._updates.spend(-1)
        except SendError as error:
            if isinstance(error, Unavailable) and error.after:
                self._updates.block(error.after.total_seconds())
            await self._hands.desk_failed(NAME, batch, error)
        else:
            await self._hands.keep(batch, Result(orders=(order.id,)))

    async def open(self, batch: Batch, order: Order, card: Card) -> int:
        """Post a card; gives how many posts that took.

        Raises:
            SendError: it may or may not be there, as the error says.
            SearchFailed: it may be there from before.
        """
        ts = await find_post(self._desk, order.id, order.at, channel=card.desk) if order.open_call else ""
        found = bool(ts)
        words = card.words or await self._first_words(batch)
        if not ts:
            (order,) = await self._hands.store.begin([order])
            ts = await self._post(order, replace(card, words=words))
        opened = ThreadOpened(
            id=f"opened:{order.id}",
            to=order.mailbox,
            at=self._hands.clock(),
            thread=ts,
            words=words,
            number=order.number,
        )
        name = self._desk.places.thread(ts)
        await self._hands.keep(batch, Result(orders=(order.id,), events=(opened,), thread=name))
        return 0 if found else 1

    async def _post(self, order: Order, card: Card) -> str:
        """Post a card under its customer's name and picture, or as the app where Slack has none of that."""
        text, blocks = self._draw(order.mailbox, card)
        try:
            face = self._people.face(order) if card.name else ""
            return await self._desk.post(text, blocks, order=order.id, channel=card.desk, name=card.name, face=face)
        except SlackRefusal as error:
            if not card.name:
                raise
            log.error("desk.post_refused", extra={"order": order.id, "error": str(error)})
            return await self._desk.post(text, blocks, order=order.id, channel=card.desk)

    async def leave(self, batch: Batch, order: Order, left: LeaveThread) -> int:
        """Say in an earlier thread where the conversation goes on; errors as of `open`."""
        where = self._desk.link(await self._hands.store.thread(order.mailbox, order.number))
        text, blocks = draw_left(left.card, left.told, where)
        found = await find_post(self._desk, order.id, order.at, thread=left.old) if order.open_call else ""
        if not found:
            (order,) = await self._hands.store.begin([order])
            await self._desk.post(text, blocks, order=order.id, thread=left.old)
        await self._hands.keep(batch, Result(orders=(order.id,)))
        return 0 if found else 1

    def said(self, told: TellDesk) -> Said | None:
        """Give once what the desk reads of a first message, so that it isn't translated again for the thread."""
        return self._said.pop(told, None)

    async def _first_words(self, batch: Batch) -> str:
        """Say in the desk's language how a conversation begins, for its card; all of it stands once, in the thread."""
        mine = (each.effect for each in batch.orders if each.number == batch.orders[0].number)
        told = next((effect for effect in mine if isinstance(effect, TellDesk)), None)
        if told is None:
            return ""
        said = await self._interpreter.for_desk(told)
        if not told.reply_to:
            self._said = {**dict(list(self._said.items())[-KEPT:]), told: said}
        words = said.text.split()
        begin = " ".join(words[: min(FIRST_WORDS, len(words) - 1)]) if len(words) > 1 else ""
        return f"{begin[:FIRST_CHARACTERS]} …" if begin else ""

    def _draw(self, mailbox: str, card: Card) -> tuple[str, list[Block]]:
        """Draw a card with when the platform's window for answers ends, and how late it is where the customer is."""
        policy, began_at = self._rules.policy, self._desk.link(card.moved_from)
        name, _, peer = mailbox.partition("/")
        channel = self._channels.get(name)
        if channel is None:
            return draw_card(card, policy, before=began_at)
        window = channel.capabilities.person_window or channel.capabilities.window
        until = card.heard_at + window if window and card.heard_at > EPOCH else EPOCH
        now = self._hands.clock()
        clock = clock_of(card.zone, now) if card.zone else ""
        if not clock and isinstance(channel, Placing):
            clock = clock_in(channel.region(peer), now)
        return draw_card(card, policy, until, began_at, clock)
