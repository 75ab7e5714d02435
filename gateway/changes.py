"""What agents change after it was sent: changed at the customer's, where the platform lets us."""

from datetime import timedelta

from adapters.contract import Channel, Editing, Outbound, SendError
from gateway.hands import Hands
from gateway.interpret import Held, Interpreter
from gateway.retry import GiveUp, Hold, TryAt, judge
from gateway.store.contract import Batch, Order, Result
from routing.conversation import Conversation
from routing.effects import ChangeSent, TellCustomer
from routing.events import AgentWrote, ChangeRefused, ReplySent

WAIT, WAIT_AT_MOST = timedelta(seconds=1), timedelta(seconds=5)
"""How long it is waited to learn what the platform calls a message that has just gone."""

LOOK_BACK = 60
"""How many events are looked through for the agent's message."""

CANNOT = "this channel doesn't let us change what was sent"
SEVERAL = "it was sent as several messages"


class Changes:
    """Delivers changes of what was sent."""

    def __init__(self, hands: Hands, interpreter: Interpreter) -> None:
        self._hands = hands
        self._interpreter = interpreter

    async def deliver(self, batch: Batch, change: ChangeSent, channel: Channel) -> None:
        """Deliver the first order of a lane, a change."""
        order = batch.orders[0]
        if await self._hands.is_held(channel.id, batch):
            return
        now = await self._hands.store.conversation(order.mailbox) or Conversation(contact=order.mailbox)
        messages = [message for message, reply in now.replies.items() if reply == change.reply]
        if not messages:
            await self._wait(batch, order, change)
            return
        if not isinstance(channel, Editing) or len(messages) > 1:
            await self._refuse(batch, change, SEVERAL if isinstance(channel, Editing) else CANNOT)
            return
        said = TellCustomer(
            text=change.text,
            language=change.language,
            source=change.source,
            reply=change.reply,
            agent=change.agent,
        )
        words = await self._interpreter.for_customer(said, channel.capabilities, name=now.name)
        if isinstance(words, Held) or len(words.parts) != 1:
            why = f"{words.reason} It would read: {words.rendering}" if isinstance(words, Held) else SEVERAL
            await self._refuse(batch, change, why)
            return
        try:
            await channel.edit(Outbound(now.peer, words.parts[0], order.id, order.mailbox), messages[0])
        except SendError as error:
            await self._failed(batch, change, error, channel.id)
            return
        self._hands.release(channel.id)
        sent = ReplySent(
            id=f"changed:{order.id}",
            to=order.mailbox,
            at=self._hands.clock(),
            message=messages[0],
            reply=change.reply,
            sent=words.parts[0],
            engine=words.engine,
            language=words.language,
            back=words.back,
            warning=words.warning,
            changed=True,
        )
        await self._hands.keep(batch, Result(orders=(order.id,), events=(sent,)))

    async def _wait(self, batch: Batch, order: Order, change: ChangeSent) -> None:
        """Wait for an answer that has just gone to be known; what was none, such as a note, is nobody's business."""
        events = await self._hands.store.history(order.mailbox, LOOK_BACK)
        written = [each for each in events if isinstance(each, AgentWrote) and each.message == change.reply]
        answered = any(not each.text.strip().startswith(("//", "!")) for each in written)
        now = self._hands.clock()
        if answered and now - order.at < WAIT_AT_MOST:
            await self._hands.postpone(batch, now + WAIT)
            return
        await self._hands.keep(batch, Result(orders=(order.id,)))

    async def _failed(self, batch: Batch, change: ChangeSent, error: SendError, channel: str) -> None:
        """Do as the error says; to change a message once more does no harm."""
        verdict = judge(error, batch.orders[0].begun + 1, now=self._hands.clock(), repeatable=True)
        match verdict:
            case TryAt():
                await self._hands.postpone(batch, verdict.at)
            case Hold():
                self._hands.hold(channel, verdict)
                await self._hands.postpone(batch, verdict.until)
            case GiveUp():
                await self._refuse(batch, change, f"{verdict.reason}. {verdict.advice}".rstrip())

    async def _refuse(self, batch: Batch, change: ChangeSent, reason: str) -> None:
        order = batch.orders[0]
        event = ChangeRefused(
            id=f"unchanged:{order.id}", to=order.mailbox, at=self._hands.clock(), agent=change.agent, reason=reason
        )
        await self._hands.keep(batch, Result(orders=(order.id,), events=(event,)))
