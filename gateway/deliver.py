"""From the outbox to the customers and the desk: translate, send, and keep what came of it."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum

from msgspec.structs import replace

from adapters.contract import (
    Capabilities,
    Channel,
    Naming,
    Outbound,
    Rejected,
    Searching,
    SendError,
    Sent,
    Templating,
    Unavailable,
    Uncertain,
    WindowClosed,
    Zoned,
)
from gateway.agent_files import AgentFiles
from gateway.changes import Changes
from gateway.hands import Hands
from gateway.interpret import Held, Interpreter, same_language
from gateway.measures import SENT, count
from gateway.retry import GiveUp, Hold, TryAt, judge
from gateway.said_before import said_before
from gateway.store.contract import Batch, Order, Progress, Result, StoreError
from routing.contents import EPOCH, Template, channel_of
from routing.conversation import Conversation
from routing.effects import ChangeSent, LearnName, TellCustomer
from routing.events import ContactNamed, Event, ReplyFailed, ReplyParked, ReplySent

TWICE = "It may have reached the customer twice: the connection broke before the platform answered."

RECEIPT_WAIT = timedelta(seconds=20)
"""How long a platform that tells by our own name what it accepted is given to tell it, before a second call."""

SEARCH_WAIT = timedelta(seconds=5)
"""How long until a platform that couldn't say whether it has a message is asked again."""

WINDOW_OVER = "the platform's time for answers, counted from the customer's last message, is over"
TEMPLATE_ADVICE = "Write them after its name, with | between them."
OFFERED = 8
"""How many templates are offered at most."""

log = logging.getLogger("dragoman.deliver")


class Customers:
    """Sends what agents and the gateway say to customers."""

    def __init__(
        self, hands: Hands, channels: Mapping[str, Channel], interpreter: Interpreter, files: AgentFiles
    ) -> None:
        self._files = files
        self._hands = hands
        self._channels = channels
        self._interpreter = interpreter
        self._changes = Changes(hands, interpreter)
        self._waited: set[str] = set()

    async def deliver(self, batch: Batch) -> None:
        """Deliver the first order of a lane."""
        order = batch.orders[0]
        effect = order.effect
        name = channel_of(order.mailbox)
        channel = self._channels.get(name)
        if channel is None:
            await self._give_up(batch, order, GiveUp(f"there is no channel {name} any more"))
            return
        if await self._hands.is_paused(name, batch):
            return
        match effect:
            case ChangeSent():
                await self._changes.deliver(batch, effect, channel)
            case TellCustomer() if not await self._hands.is_held(name, batch):
                await self._say(batch, order, effect, channel)
            case LearnName():
                await self._learn_name(batch, order, channel)

    async def _say(self, batch: Batch, order: Order, effect: TellCustomer, channel: Channel) -> None:
        """Send an answer, or a notice of ours, in the customer's language."""
        conversation = await self._hands.store.conversation(order.mailbox) or Conversation(contact=order.mailbox)
        window = _window(effect, channel.capabilities, conversation, self._hands.clock())
        if window is Window.OVER:
            await self._park(batch, order, effect, channel, WINDOW_OVER)
            return
        progress = order.progress
        if not progress.parts and effect.template:
            try:
                progress = await self._words_of(channel, effect.template)
            except SendError as error:
                await self._failed(batch, order, error, channel.id)
                return
        elif not progress.parts:
            store = self._hands.store
            before = await said_before(store, order, effect.reply) if self._interpreter.contextual else ()
            words = await self._interpreter.for_customer(
                effect, channel.capabilities, name=conversation.name, before=before
            )
            if isinstance(words, Held):
                await self._hold_back(batch, order, effect, words)
                return
            progress = words
        known = await self._settle_open_call(batch, replace(order, progress=progress), channel, conversation)
        if known is not None:
            self._waited.discard(order.id)
            blank = Outbound(conversation.peer, "", "", order.mailbox, window is Window.LATE)
            await self._send(batch, order, known, effect, channel, blank)

    async def _settle_open_call(
        self, batch: Batch, order: Order, channel: Channel, conversation: Conversation
    ) -> Progress | None:
        """Find out what became of a call that broke off; None where the lane waits to know."""
        progress = order.progress
        index = len(progress.sent)
        if accepted := conversation.accepted.get(f"{order.id}.{index}", ""):
            return replace(progress, sent=(*progress.sent, accepted))
        if not order.open_call or self._is_remembered(order, channel):
            return progress
        if isinstance(channel, Searching) and index < len(progress.parts):
            message = Outbound(conversation.peer, progress.parts[index], f"{order.id}.{index}", order.mailbox)
            try:
                found = await channel.find(message, since=order.at)
            except SendError as error:
                log.warning("send.search_failed", extra={"order": order.id, "error": str(error)})
                await self._hands.postpone(batch, self._hands.clock() + SEARCH_WAIT, open_call=True)
                return None
            return replace(progress, sent=(*progress.sent, found)) if found else progress
        if channel.capabilities.receipts and order.id not in self._waited:
            self._waited.add(order.id)
            await self._hands.postpone(batch, self._hands.clock() + RECEIPT_WAIT, open_call=True)
            return None
        return replace(progress, warning=TWICE)

    def _is_remembered(self, order: Order, channel: Channel) -> bool:
        """Say whether the platform still knows a message that it has got: then sending it again does no harm."""
        return timedelta() <= self._hands.clock() - order.at < channel.capabilities.remembers

    async def _learn_name(self, batch: Batch, order: Order, channel: Channel) -> None:
        """Ask what a customer is called and by which clock they live; who doesn't tell now isn't asked again."""
        name = zone = ""
        conversation = await self._hands.store.conversation(order.mailbox)
        peer = conversation.peer if conversation else order.mailbox.partition("/")[2]
        with contextlib.suppress(SendError):
            name = await channel.name_of(peer) if isinstance(channel, Naming) else ""
            zone = await channel.zone_of(peer) if isinstance(channel, Zoned) else ""
        named = ContactNamed(id=f"named:{order.id}", to=order.mailbox, at=self._hands.clock(), name=name, zone=zone)
        await self._hands.keep(batch, Result(orders=(order.id,), events=(named,) if name or zone else ()))

    async def bury(self, batch: Batch, reason: str) -> None:
        """Set the first order of a lane apart, and tell its agent."""
        await self._give_up(batch, batch.orders[0], GiveUp(reason, "Send it again, or in other words."))

    async def _send(
        self, batch: Batch, order: Order, progress: Progress, effect: TellCustomer, channel: Channel, blank: Outbound
    ) -> None:
        """Send part after part, then the files; each waits until the one before was accepted."""
        whole = len(progress.parts) + len(effect.files)
        for index in range(len(progress.sent), whole):
            (order,) = await self._hands.store.begin([replace(order, progress=progress)])
            try:
                sent = await self._send_part(channel, blank, order, effect, index)
            except SendError as error:
                count(SENT, channel.id, type(error).__name__)
                await self._failed(batch, order, error, channel.id)
                return
            count(SENT, channel.id, "accepted")
            self._hands.release(channel.id)
            progress = replace(progress, sent=(*progress.sent, sent.message))
            if len(progress.sent) < whole:
                order = await self._advance(replace(order, progress=progress))
        await self._hands.keep(batch, Result(orders=(order.id,), events=self._sent(order, progress, channel)))

    async def _send_part(
        self, channel: Channel, blank: Outbound, order: Order, effect: TellCustomer, index: int
    ) -> Sent:
        parts = order.progress.parts
        text = parts[index] if index < len(parts) else ""
        message = Outbound(blank.peer, text, f"{order.id}.{index}", order.mailbox, blank.late)
        if effect.template and isinstance(channel, Templating):
            return await channel.send_template(message, replace(effect.template, language=order.progress.language))
        if index < len(parts):
            return await channel.send(message)
        return await self._files.send(channel, message, effect.files[index - len(parts)])

    async def _words_of(self, channel: Channel, asked: Template) -> Progress:
        """Find a template that the platform has approved, in the customer's language or the one that is named."""
        if not isinstance(channel, Templating):
            raise Rejected("this channel has no templates", "Only WhatsApp does.")
        try:
            known = [each for each in await channel.templates() if each.name == asked.name]
        except Uncertain as error:
            raise Unavailable(str(error)) from error
        fits = (each for each in known if same_language(each.language.replace("_", "-"), asked.language))
        template = next(fits, None)
        if template is None:
            there = ", ".join(each.language for each in known)
            raise Rejected(
                f"there is no approved template {asked.name} in {asked.language or 'the language'}",
                f"It is there in {there}: see `!lang`." if there else "An admin can have it approved.",
            )
        if len(asked.values) != template.wants:
            raise Rejected(f"{asked.name} wants {template.wants} values: {template.text}", TEMPLATE_ADVICE)
        filled = replace(template, values=asked.values).filled
        return Progress(parts=(filled,), language=template.language)

    async def _park(self, batch: Batch, order: Order, effect: TellCustomer, channel: Channel, reason: str) -> None:
        """Keep an answer until the customer writes; a notice of ours is no use by then."""
        if not effect.reply or effect.template:
            await self._give_up(batch, order, GiveUp(reason))
            return
        templates: Sequence[Template] = ()
        if isinstance(channel, Templating):
            conversation = await self._hands.store.conversation(order.mailbox)
            language = conversation.language if conversation else ""
            with contextlib.suppress(SendError):
                found = await channel.templates()
                templates = [each for each in found if same_language(each.language.replace("_", "-"), language)]
        event = ReplyParked(
            id=f"parked:{order.id}",
            to=order.mailbox,
            at=self._hands.clock(),
            parked=effect,
            reason=reason,
            templates=tuple(templates[:OFFERED]),
        )
        await self._hands.keep(batch, Result(orders=(order.id,), events=(event,)))

    async def _advance(self, order: Order) -> Order:
        while True:
            try:
                return await self._hands.store.advance(order)
            except StoreError as error:
                log.error("deliver.outcome_waits", extra={"lane": order.lane, "error": str(error)})
                await asyncio.sleep(0.5)

    def _sent(self, order: Order, progress: Progress, channel: Channel) -> tuple[Event, ...]:
        unread = channel.capabilities.read_until
        effect = order.effect
        reply = effect.reply if isinstance(effect, TellCustomer) else ""
        named = [f"[{file.name or file.kind}]" for file in effect.files] if isinstance(effect, TellCustomer) else []
        now = self._hands.clock()
        return tuple(
            ReplySent(
                id=f"sent:{order.id}:{index}",
                to=order.mailbox,
                at=now,
                message=message,
                reply=reply,
                sent="\n".join((*progress.parts, *named)),
                engine=progress.engine,
                version=progress.version,
                made_at=progress.made_at,
                language=progress.language,
                back=progress.back,
                warning=progress.warning,
                final=index == len(progress.sent) - 1,
                unread=unread,
            )
            for index, message in enumerate(progress.sent)
        )

    async def _hold_back(self, batch: Batch, order: Order, effect: TellCustomer, held: Held) -> None:
        event = held.told(order, effect, self._hands.clock())
        await self._hands.keep(batch, Result(orders=(order.id,), events=(event,)))

    async def _failed(self, batch: Batch, order: Order, error: SendError, channel: str) -> None:
        if isinstance(error, WindowClosed) and isinstance(order.effect, TellCustomer) and not order.progress.sent:
            await self._park(batch, order, order.effect, self._channels[channel], str(error))
            return
        safe = self._is_remembered(order, self._channels[channel])
        verdict = judge(error, order.begun, now=self._hands.clock(), repeatable=safe)
        log.warning(
            "send.failed",
            extra={"channel": channel, "order": order.id, "error": str(error), "verdict": type(verdict).__name__},
        )
        match verdict:
            case TryAt():
                await self._hands.postpone(batch, verdict.at, open_call=verdict.open_call)
            case GiveUp():
                await self._give_up(batch, order, verdict)
            case Hold():
                self._hands.hold(channel, verdict)
                await self._hands.postpone(batch, verdict.until)

    async def _give_up(self, batch: Batch, order: Order, verdict: GiveUp) -> None:
        reply = order.effect.reply if isinstance(order.effect, TellCustomer) else ""
        event = ReplyFailed(
            id=f"failed:{order.id}",
            to=order.mailbox,
            at=self._hands.clock(),
            reply=reply,
            reason=verdict.reason,
            advice=verdict.advice,
            unreachable=verdict.unreachable,
        )
        await self._hands.keep(batch, Result(orders=(order.id,), events=(event,), dead=verdict.reason))


class Window(Enum):
    """Where an answer stands in the platform's time for answers: within it, in a person's longer one, or after it."""

    OPEN = "open"
    LATE = "late"
    OVER = "over"


def _window(effect: TellCustomer, can: Capabilities, now: Conversation, at: datetime) -> Window:
    """Say whether an answer may go at `at`; a template always may, and where nothing was heard nothing is known."""
    age = at - now.heard_at
    if can.window is None or effect.template or now.heard_at == EPOCH or age <= can.window:
        return Window.OPEN
    return Window.LATE if effect.reply and can.person_window and age <= can.person_window else Window.OVER
