"""What agents change after it was sent: changed at the customer's, where the platform lets us."""

from collections.abc import Sequence
from datetime import timedelta

from adapters.contract import Channel, Editing, SendError
from gateway.edits import put_instead, wordy
from gateway.hands import Hands
from gateway.interpret import Held, Interpreter
from gateway.retry import GiveUp, Hold, TryAt, judge
from gateway.store.contract import Batch, Order, Result
from routing.conversation import Conversation
from routing.effects import ChangeSent, TellCustomer
from routing.events import AgentWrote, ChangeRefused, Event, ReplySent, ReplyTakenBack

WAIT, WAIT_AT_MOST = timedelta(seconds=1), timedelta(seconds=5)
"""How long it is waited to learn what the platform calls a message that has just gone."""

LOOK_BACK = 60
"""How many events are looked through for the agent's message."""

CANNOT = "this channel doesn't let us change or take back what was sent"
LONGER = "it would take more messages than it was sent as"
WORDLESS = "it was sent without words"


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
        try:
            event = await self._done(order, change, channel, now, messages)
        except SendError as error:
            await self._failed(batch, change, error, channel.id)
            return
        if not isinstance(event, ChangeRefused):
            self._hands.release(channel.id)
        await self._hands.keep(batch, Result(orders=(order.id,), events=(event,)))

    async def _done(
        self, order: Order, change: ChangeSent, channel: Channel, now: Conversation, messages: Sequence[str]
    ) -> Event:
        """Change or take back what was sent, and say what came of it."""
        if not isinstance(channel, Editing):
            return self._refused(order, change, CANNOT)
        if not change.text:
            for message in messages:
                await channel.delete(now.peer, message)
            at = self._hands.clock()
            return ReplyTakenBack(id=f"gone:{order.id}", to=order.mailbox, at=at, reply=change.reply)
        texts = wordy(messages, await self._files(order, change))
        if not texts:
            return self._refused(order, change, WORDLESS)
        said = TellCustomer(
            text=change.text,
            language=change.language,
            source=change.source,
            reply=change.reply,
            agent=change.agent,
            ready=change.ready,
            back=change.back,
            by=change.by,
            confirm=change.confirm,
        )
        words = await self._interpreter.for_customer(said, channel.capabilities, name=now.name)
        if isinstance(words, Held):
            return words.told(order, said, self._hands.clock(), changes=True)
        if not await put_instead(channel, now.peer, words.parts, texts, order):
            return self._refused(order, change, LONGER)
        return ReplySent(
            id=f"changed:{order.id}",
            to=order.mailbox,
            at=self._hands.clock(),
            message=texts[0],
            reply=change.reply,
            sent="\n".join(words.parts),
            engine=words.engine,
            version=words.version,
            made_at=words.made_at,
            language=words.language,
            back=words.back,
            warning=words.warning,
            changed=True,
        )

    async def _files(self, order: Order, change: ChangeSent) -> int:
        """Count the files that came with the agent's message: they went after its words."""
        events = await self._hands.store.history(order.mailbox, LOOK_BACK)
        written = (each for each in events if isinstance(each, AgentWrote) and each.message == change.reply)
        return next((len(each.attached) for each in written), 0)

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
        order = batch.orders[0]
        verdict = judge(error, order.begun + 1, now=self._hands.clock(), repeatable=True)
        match verdict:
            case TryAt():
                await self._hands.postpone(batch, verdict.at)
            case Hold():
                self._hands.hold(channel, verdict)
                await self._hands.postpone(batch, verdict.until)
            case GiveUp():
                refused = self._refused(order, change, f"{verdict.reason}. {verdict.advice}".rstrip())
                await self._hands.keep(batch, Result(orders=(order.id,), events=(refused,)))

    def _refused(self, order: Order, change: ChangeSent, reason: str) -> ChangeRefused:
        return ChangeRefused(
            id=f"unchanged:{order.id}",
            to=order.mailbox,
            at=self._hands.clock(),
            agent=change.agent,
            reason=reason,
            deleted=not change.text,
        )
