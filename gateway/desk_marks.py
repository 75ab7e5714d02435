"""What the desk's agents get beside posts: signs on what they wrote, whispers, and forms."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from adapters.contract import SendError
from adapters.desk import Desk
from adapters.desk_forms import LONGEST, Form
from adapters.desk_view import draw_whisper
from adapters.slack_text import escape
from gateway.corrections import Fixes
from gateway.hands import Hands
from gateway.lens import Lens
from gateway.passport import Passports
from gateway.store.contract import Batch, Order, Result
from routing import texts
from routing.contents import Choice
from routing.effects import AskWords, React, SetAway, ShowHistory, ShowLens, ShowPassport, TellAgent, TellDirectly
from routing.events import CustomerWrote, Event, ReplySent
from routing.languages import language_name

NAME = "desk marks"
"""Signs and whispers need scopes of their own: where one is missing, posts go on."""

THREAD_WAIT, THREAD_PATIENCE = timedelta(seconds=1), timedelta(minutes=5)
"""How long until a thread is looked for again that a direct message is to link to, and how long in all."""

HISTORY = 200
"""How many of a customer's latest events are looked at for their history."""


class DeskMarks:
    """Delivers what is for agents alone; `freed` is told when one has room again."""

    def __init__(
        self,
        hands: Hands,
        desk: Desk,
        fixes: Fixes,
        passports: Passports,
        lens: Lens,
        freed: Callable[[str], Awaitable[None]],
    ) -> None:
        self._passports = passports
        self._lens = lens
        self._hands = hands
        self._desk = desk
        self._fixes = fixes
        self._freed = freed

    async def deliver(self, batch: Batch) -> None:
        """Deliver the first order of a lane."""
        if await self._hands.is_held(NAME, batch):
            return
        order = batch.orders[0]
        try:
            if isinstance(order.effect, TellDirectly) and await self._waits_for_thread(batch, order):
                return
            await self._do(order)
        except SendError as error:
            await self._hands.desk_failed(NAME, batch, error)
        else:
            self._hands.release(NAME)
            await self._hands.keep(batch, Result(orders=(order.id,)))

    async def _do(self, order: Order) -> None:
        match order.effect:
            case React():
                await self._desk.react(order.effect.message, order.effect.emoji)
            case TellAgent():
                await self._whisper(order, order.effect.agent, escape(order.effect.text), order.effect.choices)
            case TellDirectly():
                where = await self._hands.store.thread(order.mailbox, order.number)
                await self._desk.tell_directly(order.effect.agent, order.effect.text, where)
            case AskWords():
                await self._ask_words(order, order.effect)
            case SetAway():
                await self._set_away(order, order.effect)
            case ShowHistory() | ShowPassport() | ShowLens():
                await self._whisper(order, order.effect.agent, await self._told(order.mailbox, order.effect))

    async def _waits_for_thread(self, batch: Batch, order: Order) -> bool:
        """Let what links to a thread wait until there is one."""
        age = self._hands.clock() - order.at
        if age > THREAD_PATIENCE or await self._hands.store.thread(order.mailbox, order.number):
            return False
        await self._hands.postpone(batch, self._hands.clock() + THREAD_WAIT)
        return True

    async def _set_away(self, order: Order, said: SetAway) -> None:
        await self._hands.store.set_away(said.agent, away=said.away, until=said.until)
        if not said.away:
            await self._freed(f"back:{order.id}")

    async def _told(self, mailbox: str, asked: ShowHistory | ShowPassport | ShowLens) -> str:
        """Say what an agent asked to see, in Slack's notation."""
        match asked:
            case ShowPassport():
                return await self._passports.of(mailbox, asked.about)
            case ShowLens():
                return await self._lens.of(mailbox, asked.agent)
        return tell_history(await self._hands.store.history(mailbox, HISTORY))

    async def _whisper(self, order: Order, agent: str, text: str, choices: Sequence[Choice] = ()) -> None:
        await whisper(self._hands, self._desk, order, agent, text, choices)

    async def _ask_words(self, order: Order, ask: AskWords) -> None:
        """Open a form with the words as they stand; say so where there is nothing to put right, or Slack won't."""
        form = await self._form(order, ask)
        if isinstance(form, Form):
            where = await self._hands.store.thread(order.mailbox, order.number)
            form = await self._desk.open_form(ask.trigger, form, thread=where)
        if form:
            await self._whisper(order, ask.agent, form)

    async def _form(self, order: Order, ask: AskWords) -> Form | str:
        if ask.action == "fix":
            return await self._fixes.form(order.mailbox, ask.about)
        if len(ask.text) > LONGEST:
            return texts.FORM_TOO_LONG
        label = f"What the customer reads, in {language_name(ask.language)}"
        return Form("edit", ask.about, label, ask.text, (("You wrote", ask.original),))


async def whisper(
    hands: Hands, desk: Desk, order: Order, agent: str, text: str, choices: Sequence[Choice] = ()
) -> None:
    """Tell an agent alone something, in Slack's notation, in the thread of an order's conversation."""
    where = await hands.store.thread(order.mailbox, order.number)
    words, blocks = draw_whisper(text, choices)
    await desk.whisper(agent, words, blocks, thread=where)


def tell_history(events: Sequence[Event]) -> str:
    """Say what a customer and the desk said to each other, a line each, in Slack's notation."""
    lines = []
    for event in events:
        at = f"{event.at:%Y-%m-%d %H:%M}"
        if isinstance(event, CustomerWrote):
            words = " ".join(filter(None, (event.attachment, event.text)))
            lines.append(f"{at} *{escape(event.name or 'Customer')}:* {escape(words)}")
        elif isinstance(event, ReplySent) and event.final and event.sent:
            lines.append(f"{at} *Desk:* {escape(event.sent)}")
    return "\n".join(lines[-40:])[-6000:] or "Nothing was said before."
