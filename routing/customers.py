"""What follows from what customers do."""

from msgspec.structs import replace

from routing import assign, texts
from routing.handover import card_if_changed, route, taken
from routing.messages import (
    CustomerEdited,
    CustomerWrote,
    Effect,
    Note,
    OpenThread,
    ShowEdit,
    TellCustomer,
    TellDesk,
    UpdateCard,
)
from routing.policy import Policy
from routing.state import Conversation, Decision, Status, card, is_new


def customer_wrote(was: Conversation, event: CustomerWrote, policy: Policy) -> Decision:
    """Show what a customer wrote, in a conversation that may open, or open again, by it."""
    heard = _heard(was, event)
    tell = TellDesk(
        message=event.message,
        name=heard.name,
        at=event.at,
        text=event.text,
        attachment=event.attachment,
        language=event.facts.language or heard.language,
        reply_to=event.reply_to,
    )
    if is_new(was, event.at, policy):
        return _open(heard, event, tell, policy)
    if heard.status is Status.OPEN:
        return Decision(heard, (*card_if_changed(was, heard, policy), tell))
    fresh = heard.status is Status.QUEUED
    routed = heard if fresh and not event.facts.roster else route(heard, event.facts, policy)
    notes = () if fresh else (Note(text=texts.REOPENED),)
    return Decision(
        _told(routed),
        (*card_if_changed(was, routed, policy), *notes, *taken(was, routed, policy), tell, *_waiting(routed)),
    )


def _open(heard: Conversation, event: CustomerWrote, tell: TellDesk, policy: Policy) -> Decision:
    fresh = Conversation(
        contact=heard.contact,
        address=heard.address,
        name=heard.name,
        number=event.facts.number,
        language=heard.language,
        evidence=heard.evidence,
        pinned=heard.pinned,
        skill=assign.find_skill(policy, event.text, event.facts.language or heard.language),
        talked=heard.talked,
        opened_at=event.at,
        seen=heard.seen,
    )
    routed = route(fresh, event.facts, policy)
    return Decision(_told(routed), (OpenThread(card=card(routed, policy)), tell, *_waiting(routed)))


def customer_edited(was: Conversation, event: CustomerEdited, policy: Policy) -> Decision:
    """Show that a customer changed a message."""
    if not was.number:
        return customer_wrote(was, _as_first_message(event), policy)
    edit = ShowEdit(
        message=event.message,
        text=event.text,
        attachment=event.attachment,
        language=event.facts.language or was.language,
    )
    return Decision(was, (edit,))


def _as_first_message(event: CustomerEdited) -> CustomerWrote:
    """What was edited was never seen here, so it is news."""
    return CustomerWrote(
        id=event.id,
        to=event.to,
        at=event.at,
        message=event.message,
        text=event.text,
        attachment=event.attachment,
        facts=event.facts,
    )


def _heard(was: Conversation, event: CustomerWrote) -> Conversation:
    language = was.language if was.pinned else event.facts.language or was.language
    return replace(
        was,
        address=event.address or was.address,
        name=event.name or was.name,
        language=language,
        evidence=event.facts.evidence or was.evidence,
        unreachable=False,
    )


def reachability(was: Conversation, policy: Policy, *, unreachable: bool) -> Decision:
    """Note that a customer can, or can't, be reached."""
    now = replace(was, unreachable=unreachable)
    if now == was or not was.number:
        return Decision(now)
    note = Note(text=texts.LEFT if unreachable else texts.RETURNED)
    return Decision(now, (UpdateCard(card=card(now, policy)), note))


def _waiting(now: Conversation) -> tuple[Effect, ...]:
    if now.status is not Status.QUEUED or now.told_waiting:
        return ()
    return (TellCustomer(text=texts.WAITING_TEXT, source="en", language=now.language, phrase=texts.WAITING),)


def _told(now: Conversation) -> Conversation:
    return replace(now, told_waiting=now.status is Status.QUEUED)
