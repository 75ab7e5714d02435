"""What follows from what customers do."""

from msgspec.structs import replace

from routing import assign, menu, surveys, texts
from routing.contents import EPOCH
from routing.effects import Effect, LearnName, Note, OpenThread, ShowEdit, ShowFiles, TellCustomer, TellDesk, UpdateCard
from routing.events import AnsweredElsewhere, ContactNamed, CustomerEdited, CustomerWrote, PlatformNoted
from routing.handover import card_if_changed, route, taken, told_directly
from routing.moving import followed, placed
from routing.policy import Policy
from routing.snooze import wake
from routing.state import Conversation, Decision, Status, card, is_new, renewed


def customer_wrote(was: Conversation, event: CustomerWrote, policy: Policy) -> Decision:
    """Show what a customer wrote, in a conversation that may open, or open again, by it."""
    heard = _heard(was, event)
    tell = (*_shown(heard, event), *_released(was, heard))
    if rating := surveys.rating_in(was, event):
        return surveys.rated(replace(heard, waiting_since=was.waiting_since), event, rating, tell)
    if is_new(was, event.at, policy):
        return _open(heard, event, tell, policy)
    decision = _went_on(was, heard, event, tell, policy)
    settled = was.language and was.asked_at == EPOCH
    return decision if settled else followed(was, decision, policy)


def _went_on(
    was: Conversation, heard: Conversation, event: CustomerWrote, tell: tuple[Effect, ...], policy: Policy
) -> Decision:
    if heard.status is Status.OPEN:
        return Decision(heard, (*card_if_changed(was, heard), *tell))
    if heard.status is Status.SNOOZED and heard.assignee:
        return wake(heard, texts.WOKEN, tell)
    if heard.asked_at > EPOCH:
        return _answered_menu(was, heard, event, tell, policy)
    fresh = heard.status is Status.QUEUED
    routed = heard if fresh and not event.facts.roster else route(heard, event.facts, policy)
    notes = () if fresh else (Note(text=texts.REOPENED),)
    return Decision(
        _told(routed),
        (*card_if_changed(was, routed), *notes, *taken(was, routed, policy), *tell, *_waiting(routed)),
    )


def _answered_menu(
    was: Conversation, heard: Conversation, event: CustomerWrote, tell: tuple[Effect, ...], policy: Policy
) -> Decision:
    """Go by what the customer chose; other words than the menu's are taken as they are."""
    skill = menu.chosen(event.text, policy)
    rules = assign.find_skill(policy, event.text, event.facts.language or heard.language)
    routed = route(replace(heard, asked_at=EPOCH, skill=skill or rules or policy.default_skill), event.facts, policy)
    notes = (Note(text=texts.menu_answered(skill)),) if skill else ()
    return Decision(
        _told(routed),
        (*card_if_changed(was, routed), *taken(was, routed, policy), *tell, *notes, *_waiting(routed)),
    )


def _open(heard: Conversation, event: CustomerWrote, tell: tuple[Effect, ...], policy: Policy) -> Decision:
    language = event.facts.language or heard.language
    skill = assign.find_skill(policy, event.text, language, channel=heard.channel, entry=event.entry)
    fresh = replace(renewed(heard, event.facts.number, event.at), skill=skill or policy.default_skill)
    if not skill and policy.offers_menu:
        asked = placed(replace(fresh, status=Status.QUEUED, asked_at=event.at, why=(texts.MENU_ASKED,)), policy)
        unnamed = () if asked.name else (LearnName(),)
        return Decision(asked, (OpenThread(card=card(asked)), *tell, menu.offer(asked, policy), *unnamed))
    routed = placed(route(fresh, event.facts, policy), policy)
    unnamed = () if routed.name else (LearnName(),)
    after = (*_waiting(routed), *unnamed, *told_directly(routed, policy))
    return Decision(_told(routed), (OpenThread(card=card(routed)), *tell, *after))


def _shown(heard: Conversation, event: CustomerWrote) -> tuple[Effect, ...]:
    """Show the words, and the files after them; files alone name themselves."""
    name = event.name if event.author else heard.name
    files = ShowFiles(message=event.message, name=name, files=event.files, album=event.album, author=event.author)
    if event.files and not event.text and not event.reply_to:
        return (replace(files, attachment=event.attachment),)
    tell = TellDesk(
        message=event.message,
        name=name,
        at=event.at,
        text=event.text,
        attachment=event.attachment,
        language=event.facts.language or heard.language,
        reply_to=event.reply_to,
        author=event.author,
    )
    return (tell, files) if event.files else (tell,)


def customer_edited(was: Conversation, event: CustomerEdited, policy: Policy) -> Decision:
    """Show that a customer changed a message."""
    if not was.number:
        return customer_wrote(was, _as_first_message(event), policy)
    edit = ShowEdit(
        message=event.message,
        at=event.at,
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
        heard_at=was.heard_at if event.quiet else max(was.heard_at, event.at),
        waiting_since=was.waiting_since if event.quiet or was.waiting_since > EPOCH else event.at,
        parked=was.parked if event.quiet else (),
    )


def _released(was: Conversation, heard: Conversation) -> tuple[Effect, ...]:
    """Let go what waited for the customer to write."""
    if not was.parked or heard.parked:
        return ()
    return (Note(text=texts.released(len(was.parked))), *was.parked)


def reachability(was: Conversation, *, unreachable: bool) -> Decision:
    """Note that a customer can, or can't, be reached."""
    now = replace(was, unreachable=unreachable)
    if now == was or not was.number:
        return Decision(now)
    note = Note(text=texts.LEFT if unreachable else texts.RETURNED)
    return Decision(now, (UpdateCard(card=card(now)), note))


def named(was: Conversation, event: ContactNamed) -> Decision:
    """Show what a customer is called, where nothing better is known, and by which clock they live."""
    now = replace(was, name=was.name or event.name, zone=event.zone or was.zone)
    return Decision(now, card_if_changed(was, now) if was.number else ())


def answered_elsewhere(was: Conversation, event: AnsweredElsewhere) -> Decision:
    """Show what somebody answered with another program; what we sent ourselves is no news."""
    if not was.number or event.message in was.replies or event.message in was.accepted.values():
        return Decision(was)
    tell = TellDesk(
        message=event.message,
        name=texts.ELSEWHERE,
        at=event.at,
        text=event.text,
        attachment=event.attachment,
        language=was.language,
    )
    return Decision(was, (tell,))


def noted(was: Conversation, event: PlatformNoted) -> Decision:
    """Tell agents what the platform told about a conversation."""
    return Decision(was, (Note(text=event.text),) if was.number else ())


def _waiting(now: Conversation) -> tuple[Effect, ...]:
    if now.status is not Status.QUEUED or now.told_waiting:
        return ()
    return (TellCustomer(text=texts.WAITING_TEXT, source="en", language=now.language, phrase=texts.WAITING),)


def _told(now: Conversation) -> Conversation:
    return replace(now, told_waiting=now.status is Status.QUEUED)
