"""What keeps an agent's slip from the customer: only the assignee answers, previews, and time to undo."""

from msgspec.structs import replace

from routing import texts
from routing.effects import AskAgent, TellAgent, TellCustomer
from routing.events import AgentEdited, AgentWrote, UndoEnded
from routing.handover import answer
from routing.policy import Policy
from routing.state import Conversation, Decision, Held, Reminder, Status


def reply(was: Conversation, event: AgentWrote, order: TellCustomer, policy: Policy) -> Decision:
    """Send what an agent wrote, or ask about it where the conversation is somebody else's."""
    if not _is_anothers(was, event.agent, policy):
        return say(was, event, order, policy)
    held = Held(agent=event.agent, text=order.text, source=order.source, files=order.files)
    reason = texts.not_yours(policy.name_of(was.assignee))
    ask = AskAgent(agent=event.agent, held=event.message, reason=reason, text=order.text)
    return Decision(replace(was, held={**was.held, event.message: held}), (ask,))


def say(was: Conversation, event: AgentWrote, order: TellCustomer, policy: Policy) -> Decision:
    """Send `order`, after a preview or once its writer can't undo it any more."""
    if _is_anothers(was, event.agent, policy):
        told = texts.claim_first(policy.name_of(was.assignee))
        return Decision(was, (TellAgent(agent=event.agent, text=told),))
    if policy.confirm and not order.template and not order.phrase:
        order = replace(order, confirm=True)
    decision = answer(was, event.agent, event.message, order, policy)
    if order.confirm or not policy.undo or order not in decision.effects:
        return decision
    now = decision.conversation
    due = event.at + policy.undo
    ended = UndoEnded(id=f"undo:{was.contact}:{event.message}", to=was.contact, at=due, reply=event.message)
    effects = tuple(effect for effect in decision.effects if effect != order)
    return Decision(
        replace(now, undoable=(*now.undoable, order)), effects, (Reminder(f"undo:{event.message}", due, ended),)
    )


def undo_ended(was: Conversation, event: UndoEnded) -> Decision:
    """Send what can't be undone any more, and what was written before it."""
    replies = [order.reply for order in was.undoable]
    if event.reply not in replies:
        return Decision(was)
    count = replies.index(event.reply) + 1
    return Decision(replace(was, undoable=was.undoable[count:]), was.undoable[:count])


def waiting_edited(was: Conversation, event: AgentEdited, source: str, policy: Policy) -> Decision:
    """Have what waits, for the customer or for its undo to end, say what it says now, or go away.

    The new words, in the language `source`, are a plain answer, whatever the old ones asked for.
    """
    text = event.text.strip()
    gone = event.deleted or not text or text.startswith(("//", "!"))

    def changed(waiting: tuple[TellCustomer, ...]) -> tuple[TellCustomer, ...]:
        kept = [order for order in waiting if order.reply != event.message or not gone]
        return tuple(said(order) if order.reply == event.message else order for order in kept)

    def said(order: TellCustomer) -> TellCustomer:
        return TellCustomer(
            text=text,
            language=order.language,
            source=source,
            reply=order.reply,
            agent=order.agent,
            files=order.files,
            confirm=policy.confirm,
        )

    stopped = gone and any(order.reply == event.message for order in was.undoable)
    told = (TellAgent(agent=event.agent, text=texts.UNDONE),) if stopped else ()
    return Decision(replace(was, parked=changed(was.parked), undoable=changed(was.undoable)), told)


def _is_anothers(was: Conversation, agent: str, policy: Policy) -> bool:
    return policy.only_assignee and was.status is Status.OPEN and was.assignee not in ("", agent)
