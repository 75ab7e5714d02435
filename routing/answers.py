"""What became of an answer: sent, read, failed, held."""

from msgspec.structs import replace

from routing import texts
from routing.contents import EPOCH, Choice
from routing.effects import AskAgent, Note, React, SettleAsk, ShowSent, TellAgent
from routing.events import ReceiptCame, ReplyFailed, ReplyHeld, ReplyParked, ReplySent
from routing.handover import card_if_changed
from routing.state import Conversation, Decision, Held, Status, latest


def reply_sent(was: Conversation, event: ReplySent) -> Decision:
    """Show that an answer was accepted, and what was really sent."""
    if event.changed:
        return _changed(was, event)
    replies = latest(was.replies, {event.message: event.reply}) if event.reply else was.replies
    now = replace(was, replies=replies)
    if not event.final:
        return Decision(now)
    if not event.reply:
        return Decision(now, (_shown(was, event),))
    early = was.receipts.get(event.message, "")
    state = (
        early if early in ("read", "failed") else "read" if event.unread and event.at <= was.read_until else "accepted"
    )
    now = replace(now, receipts=latest(now.receipts, {event.reply: state}))
    if event.unread and state == "accepted":
        now = replace(now, unread=latest(now.unread, {event.reply: event.at}))
    return Decision(now, (React(message=event.reply, emoji=state), _shown(was, event)))


def _changed(was: Conversation, event: ReplySent) -> Decision:
    """Show that other words took an answer's place; those that were asked about before them are no more."""
    held = was.held.get(event.reply)
    if held is None or not held.changes:
        return Decision(was, (_shown(was, event),))
    now = replace(was, held={key: each for key, each in was.held.items() if key != event.reply})
    return Decision(now, (SettleAsk(held=event.reply, text=texts.HELD_REPLACED), _shown(was, event)))


def _shown(was: Conversation, event: ReplySent) -> ShowSent:
    return ShowSent(
        text=event.sent,
        language=event.language,
        engine=event.engine,
        back=event.back,
        warning=event.warning,
        name=was.name,
        changed=event.changed,
    )


def receipt(was: Conversation, event: ReceiptCame) -> Decision:
    """Show how far an answer got; it never goes back."""
    reply = was.replies.get(event.message, "")
    if event.outbox and not reply:
        was = replace(was, accepted=latest(was.accepted, {event.outbox: event.message}))
    if event.state not in ("read", "failed"):
        return Decision(was)
    failure = Note(text=texts.failed(event.reason, event.advice))
    if not reply:
        early = replace(was, receipts=latest(was.receipts, {event.message: event.state}))
        return Decision(early, (failure,) if event.state == "failed" and was.number else ())
    if was.receipts.get(reply) in (event.state, "failed"):
        return Decision(was)
    now = replace(was, receipts=latest(was.receipts, {reply: event.state}))
    react = React(message=reply, emoji=event.state)
    return Decision(now, (react, failure) if event.state == "failed" else (react,))


def read_until(was: Conversation, event: ReceiptCame) -> Decision:
    """Show that a customer has read all that was accepted until a moment, and all before the message that is named."""
    named = was.unread.get(was.replies.get(event.message, ""), event.until)
    until = max(event.until, named, was.read_until)
    read = [reply for reply, at in was.unread.items() if at <= until]
    now = replace(
        was,
        read_until=until,
        unread={reply: at for reply, at in was.unread.items() if reply not in read},
        receipts=latest(was.receipts, dict.fromkeys(read, "read")),
    )
    return Decision(now, tuple(React(message=reply, emoji="read") for reply in read))


def reply_failed(was: Conversation, event: ReplyFailed) -> Decision:
    """Tell that an answer won't go, and what to do."""
    now = replace(was, unreachable=was.unreachable or event.unreachable)
    note = Note(text=texts.failed(event.reason, event.advice))
    if not event.reply:
        return Decision(now, (*card_if_changed(was, now), note))
    waiting = now.waiting_since if now.waiting_since > EPOCH or now.status is Status.CLOSED else now.heard_at
    now = replace(now, waiting_since=waiting, receipts=latest(now.receipts, {event.reply: "failed"}))
    return Decision(now, (React(message=event.reply, emoji="failed"), note, *card_if_changed(was, now)))


def reply_parked(was: Conversation, event: ReplyParked) -> Decision:
    """Keep an answer until the customer writes, and offer what may go before that."""
    order = event.parked
    now = replace(was, parked=(*was.parked, order))
    note = Note(text=texts.parked(event.reason), mention=order.agent)
    if not event.templates:
        return Decision(now, (React(message=order.reply, emoji="waits"), note))
    choices = tuple(
        Choice(action="template", label=each.name, value=f"{was.number}:{each.name} {each.language}")
        for each in event.templates
        if not each.wants
    )
    listed = TellAgent(agent=order.agent, text=texts.templates(event.templates), choices=choices)
    return Decision(now, (React(message=order.reply, emoji="waits"), note, listed))


def reply_held(was: Conversation, event: ReplyHeld) -> Decision:
    """Ask about an answer whose translation may be wrong."""
    held = Held(
        agent=event.agent,
        text=event.text,
        source=event.source,
        rendering=event.rendering,
        back=event.back,
        files=event.files,
        shown=True,
        changes=event.changes,
    )
    ask = AskAgent(
        agent=event.agent,
        held=event.reply,
        reason=event.reason,
        text=event.text or " ".join(f"[{file.name or file.kind}]" for file in event.files),
        rendering=event.rendering,
        back=event.back,
        changes=event.changes,
    )
    return Decision(replace(was, held={**was.held, event.reply: held}), (ask,))
