"""Who has a conversation, and how it comes to somebody else."""

from datetime import timedelta

from msgspec.structs import replace

from routing import assign, texts
from routing.contents import EPOCH, Facts
from routing.effects import Effect, Note, React, TellCustomer, TellDirectly, UpdateCard
from routing.events import TurnCame
from routing.policy import Policy
from routing.state import Conversation, Decision, Status, card, looks_the_same

MENU_PATIENCE = timedelta(minutes=2)
"""How long a customer's answer to the menu is waited for."""


def route(now: Conversation, facts: Facts, policy: Policy) -> Conversation:
    """Give the conversation to an agent, or put it in the queue."""
    choice = assign.choose(
        policy, facts.roster or (), language=now.language, skill=now.skill or policy.default_skill, talked=now.talked
    )
    if not choice.agent:
        return replace(now, status=Status.QUEUED, assignee="", why=choice.why, snoozed_until=EPOCH)
    return replace(with_agent(now, choice.agent), why=choice.why)


def with_agent(now: Conversation, agent: str, *why: str) -> Conversation:
    """Give the conversation to an agent; `why` is for the card."""
    talked = (*(each for each in now.talked if each != agent), agent)[-8:]
    open_ = replace(now, status=Status.OPEN, assignee=agent, talked=talked, why=why)
    return replace(open_, asked_at=EPOCH, snoozed_until=EPOCH)


def turn_came(was: Conversation, event: TurnCame, policy: Policy) -> Decision:
    """Give a conversation that waits to whoever has room now."""
    if was.status is not Status.QUEUED or event.at - was.asked_at < MENU_PATIENCE:
        return Decision(was)
    now = route(replace(was, asked_at=EPOCH), event.facts, policy)
    if now.status is Status.QUEUED:
        return Decision(was)
    return Decision(now, (UpdateCard(card=card(now)), *taken(was, now, policy)))


def taken(was: Conversation, now: Conversation, policy: Policy) -> tuple[Effect, ...]:
    """Tell the one who has it now; the card alone pings nobody when it changes."""
    if not now.assignee or (now.assignee == was.assignee and was.status is Status.OPEN):
        return ()
    why = next((line.partition(": ")[2] for line in now.why), "")
    note = Note(text=texts.assigned(policy.name_of(now.assignee), why), mention=now.assignee)
    return (note, *told_directly(now, policy))


def told_directly(now: Conversation, policy: Policy) -> tuple[Effect, ...]:
    """Tell the one who has it in a message of their own, where the admin wants that."""
    if not policy.direct_messages or not now.assignee:
        return ()
    return (TellDirectly(agent=now.assignee, text=texts.yours(now.number, now.name)),)


def card_if_changed(was: Conversation, now: Conversation) -> tuple[Effect, ...]:
    """Change the card where it shows something else now."""
    if looks_the_same(was, now):
        return ()
    shown = card(now)
    return (UpdateCard(card=shown),) if shown != card(was) else ()


def answer(was: Conversation, agent: str, message: str, order: TellCustomer, policy: Policy) -> Decision:
    """Send `order`, and let whoever answers have what nobody has."""
    if was.unreachable:
        note = Note(text=texts.failed(texts.UNREACHABLE, texts.UNREACHABLE_ADVICE), mention=agent)
        return Decision(was, (React(message=message, emoji="failed"), note))
    told = replace(was, waiting_since=EPOCH, rates_until=EPOCH)
    if was.status is Status.OPEN:
        return Decision(told, (order, *card_if_changed(was, told)))
    now = with_agent(told, agent, f"{policy.name_of(agent)}: answered")
    notes = (Note(text=texts.REOPENED_BY_ANSWER),) if was.status is Status.CLOSED else ()
    return Decision(now, (order, UpdateCard(card=card(now)), *notes))
