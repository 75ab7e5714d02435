"""What a conversation is, and everything that can happen to it: all transitions are in this file.

`decide` has no clock, no chance and no input but its arguments: the same events give the same conversation.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeVar, assert_never

import msgspec
from msgspec.structs import replace

from routing import assign, texts
from routing.commands import Command, read_command
from routing.languages import COMMON, language_name
from routing.messages import (
    EPOCH,
    THREAD_MARK,
    AgentEdited,
    AgentPressed,
    AgentWrote,
    AskAgent,
    Card,
    Choice,
    ContactMoved,
    CustomerDeleted,
    CustomerEdited,
    CustomerLeft,
    CustomerReturned,
    CustomerWrote,
    Effect,
    Event,
    Facts,
    Note,
    OpenThread,
    React,
    ReceiptCame,
    ReplyFailed,
    ReplyHeld,
    ReplySent,
    ShowEdit,
    ShowHistory,
    ShowSent,
    TellAgent,
    TellCustomer,
    TellDesk,
    ThreadOpened,
    TurnCame,
    Unrecognised,
    UpdateCard,
)
from routing.policy import Policy

REMEMBERED = 64
"""How many of the latest events, replies and receipts a conversation remembers."""

BUTTONS = 20
"""How many buttons are offered at most where an agent chooses."""

V = TypeVar("V")


class Status(StrEnum):
    """Where a conversation stands; NEW is before the customer's first message."""

    NEW = "new"
    QUEUED = "queued"
    OPEN = "open"
    SNOOZED = "snoozed"
    CLOSED = "closed"


class Held(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An agent's message that waits for its writer to say whether it goes; `rendering` is the translation, if made."""

    agent: str
    text: str
    source: str = ""
    rendering: str = ""
    back: str = ""


class Conversation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A customer on a channel, and the conversation that they are having (`number`, 0 before the first).

    `evidence` is what was heard of their language, `pinned` that an agent set it. `replies` maps the platform's ids of
    what was sent to the agent's message, `receipts` either id to how far it got, `seen` are the latest events' ids.
    `address` is where the customer is answered, "" where that is what `contact` names. `accepted` maps what we named a
    call to the platform's id, where a receipt told before the call did.
    """

    contact: str
    address: str = ""
    name: str = ""
    number: int = 0
    status: Status = Status.NEW
    language: str = ""
    evidence: dict[str, float] = {}
    pinned: bool = False
    skill: str = ""
    assignee: str = ""
    why: tuple[str, ...] = ()
    priority: str = "normal"
    thread: str = ""
    talked: tuple[str, ...] = ()
    unreachable: bool = False
    told_waiting: bool = False
    opened_at: datetime = EPOCH
    closed_at: datetime = EPOCH
    held: dict[str, Held] = {}
    replies: dict[str, str] = {}
    receipts: dict[str, str] = {}
    accepted: dict[str, str] = {}
    seen: tuple[str, ...] = ()

    @property
    def channel(self) -> str:
        """The id of the channel that the customer writes on."""
        return self.contact.partition("/")[0]

    @property
    def peer(self) -> str:
        """The platform's id of whom to answer."""
        return self.address or self.contact.partition("/")[2]

    @property
    def load(self) -> str:
        """The agent whose room this takes, "" for none."""
        return self.assignee if self.status is Status.OPEN else ""


class Decision(msgspec.Struct, frozen=True):
    """What follows from an event: the conversation as it is now, and what is to be done."""

    conversation: Conversation
    effects: tuple[Effect, ...] = ()


def decide(was: Conversation, event: Event, policy: Policy) -> Decision:
    """Say what follows from `event`; an event that was seen before changes nothing."""
    if event.id in was.seen:
        return Decision(was)
    decision = _decide(was, event, policy)
    seen = (*was.seen, event.id)[-REMEMBERED:]
    return Decision(replace(decision.conversation, seen=seen), decision.effects)


def wants_agent(was: Conversation, event: Event, policy: Policy) -> bool:
    """Say whether deciding about `event` may choose an agent, so that it needs the roster."""
    match event:
        case CustomerWrote():
            return was.status is not Status.OPEN
        case TurnCame():
            return was.status is Status.QUEUED
        case AgentWrote() | AgentPressed():
            return True
    return False


def opens_conversation(was: Conversation, event: Event, policy: Policy) -> bool:
    """Say whether `event` begins a new conversation, so that it needs a number."""
    if isinstance(event, CustomerEdited):
        return was.number == 0
    return isinstance(event, CustomerWrote) and _is_new(was, event.at, policy)


def card(now: Conversation, policy: Policy) -> Card:
    """Say what the thread's first message shows."""
    return Card(
        number=now.number,
        name=now.name,
        channel=now.channel,
        status=now.status.value,
        language=now.language,
        skill=now.skill,
        assignee=now.assignee,
        priority=now.priority,
        why=now.why,
        unreachable=now.unreachable,
    )


def _decide(was: Conversation, event: Event, policy: Policy) -> Decision:  # noqa: C901 - the one match
    match event:
        case CustomerWrote():
            return _customer_wrote(was, event, policy)
        case CustomerEdited():
            return _customer_edited(was, event, policy)
        case CustomerDeleted():
            return Decision(was, (ShowEdit(message=event.message, deleted=True),) if was.number else ())
        case ContactMoved():
            return Decision(replace(was, address=event.address))
        case CustomerLeft():
            return _reachability(was, policy, unreachable=True)
        case CustomerReturned():
            return _reachability(was, policy, unreachable=False)
        case ReceiptCame():
            return _receipt(was, event)
        case AgentWrote():
            return _agent_wrote(was, event, policy)
        case AgentEdited():
            return _agent_edited(was, event)
        case AgentPressed():
            return _agent_pressed(was, event, policy)
        case ThreadOpened():
            return Decision(replace(was, thread=event.thread))
        case ReplySent():
            return _reply_sent(was, event)
        case ReplyFailed():
            return _reply_failed(was, event, policy)
        case ReplyHeld():
            return _reply_held(was, event)
        case TurnCame():
            return _turn_came(was, event, policy)
        case Unrecognised():
            return Decision(was)
    assert_never(event)


# The customer


def _customer_wrote(was: Conversation, event: CustomerWrote, policy: Policy) -> Decision:
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
    if _is_new(was, event.at, policy):
        return _open(heard, event, tell, policy)
    if heard.status is Status.OPEN:
        return Decision(heard, (*_card_if_changed(was, heard, policy), tell))
    fresh = heard.status is Status.QUEUED
    routed = heard if fresh and not event.facts.roster else _route(heard, event.facts, policy)
    notes = () if fresh else (Note(text=texts.REOPENED),)
    return Decision(
        _told(routed),
        (*_card_if_changed(was, routed, policy), *notes, *_taken(was, routed, policy), tell, *_waiting(routed)),
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
    routed = _route(fresh, event.facts, policy)
    return Decision(_told(routed), (OpenThread(card=card(routed, policy)), tell, *_waiting(routed)))


def _customer_edited(was: Conversation, event: CustomerEdited, policy: Policy) -> Decision:
    if not was.number:
        return _customer_wrote(was, _as_first_message(event), policy)
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


def _is_new(was: Conversation, at: datetime, policy: Policy) -> bool:
    if was.status is Status.CLOSED:
        return at - was.closed_at > policy.reopen_window
    return was.status is Status.NEW


def _reachability(was: Conversation, policy: Policy, *, unreachable: bool) -> Decision:
    now = replace(was, unreachable=unreachable)
    if now == was or not was.number:
        return Decision(now)
    note = Note(text=texts.LEFT if unreachable else texts.RETURNED)
    return Decision(now, (UpdateCard(card=card(now, policy)), note))


# Who has it


def _route(now: Conversation, facts: Facts, policy: Policy) -> Conversation:
    """Give the conversation to an agent, or put it in the queue."""
    choice = assign.choose(
        policy, facts.roster or (), language=now.language, skill=now.skill or policy.default_skill, talked=now.talked
    )
    if not choice.agent:
        return replace(now, status=Status.QUEUED, assignee="", why=choice.why)
    return replace(_with_agent(now, choice.agent), why=choice.why)


def _with_agent(now: Conversation, agent: str, *why: str) -> Conversation:
    talked = (*(each for each in now.talked if each != agent), agent)[-8:]
    return replace(now, status=Status.OPEN, assignee=agent, talked=talked, why=why)


def _turn_came(was: Conversation, event: TurnCame, policy: Policy) -> Decision:
    if was.status is not Status.QUEUED:
        return Decision(was)
    now = _route(was, event.facts, policy)
    if now.status is Status.QUEUED:
        return Decision(was)
    return Decision(now, (UpdateCard(card=card(now, policy)), *_taken(was, now, policy)))


def _taken(was: Conversation, now: Conversation, policy: Policy) -> tuple[Effect, ...]:
    """Tell the one who has it now; the card alone pings nobody when it changes."""
    if not now.assignee or (now.assignee == was.assignee and was.status is Status.OPEN):
        return ()
    why = next((line.partition(": ")[2] for line in now.why), "")
    return (Note(text=texts.assigned(policy.name_of(now.assignee), why), mention=now.assignee),)


def _waiting(now: Conversation) -> tuple[Effect, ...]:
    if now.status is not Status.QUEUED or now.told_waiting:
        return ()
    return (TellCustomer(text=texts.WAITING_TEXT, source="en", language=now.language, phrase=texts.WAITING),)


def _told(now: Conversation) -> Conversation:
    return replace(now, told_waiting=now.status is Status.QUEUED)


def _card_if_changed(was: Conversation, now: Conversation, policy: Policy) -> tuple[Effect, ...]:
    shown = card(now, policy)
    return (UpdateCard(card=shown),) if shown != card(was, policy) else ()


# The agent writes


def _agent_wrote(was: Conversation, event: AgentWrote, policy: Policy) -> Decision:
    text = event.text.strip()
    if text.startswith("//") or not was.number:
        return Decision(was)
    if text.startswith("!"):
        return _command(was, read_command(text), event, policy)
    if event.files:
        told = TellAgent(agent=event.agent, text=texts.ONLY_TEXT)
        if not text:
            return Decision(was, (React(message=event.message, emoji="failed"), told))
        decision = _reply(was, event, policy)
        return Decision(decision.conversation, (*decision.effects, told))
    if event.addressed:
        held = Held(agent=event.agent, text=text, source=_source(event, policy))
        ask = AskAgent(agent=event.agent, held=event.message, reason=texts.ADDRESSED, text=text)
        return Decision(replace(was, held={**was.held, event.message: held}), (ask,))
    return _reply(was, event, policy)


def _reply(was: Conversation, event: AgentWrote, policy: Policy) -> Decision:
    order = TellCustomer(
        text=event.text.strip(),
        language=was.language,
        source=_source(event, policy),
        reply=event.message,
        agent=event.agent,
    )
    decision = _answer(was, event.agent, event.message, order, policy)
    if was.thread and not event.to.endswith(f"/{was.thread}") and event.to.startswith(THREAD_MARK):
        told = TellAgent(agent=event.agent, text=texts.CONTINUES.format(number=was.number))
        return Decision(decision.conversation, (*decision.effects, told))
    return decision


def _answer(was: Conversation, agent: str, message: str, order: TellCustomer, policy: Policy) -> Decision:
    """Send `order`, and let whoever answers have what nobody has."""
    if was.unreachable:
        note = Note(text=texts.failed(texts.UNREACHABLE, texts.UNREACHABLE_ADVICE), mention=agent)
        return Decision(was, (React(message=message, emoji="failed"), note))
    if was.status is Status.OPEN:
        return Decision(was, (order,))
    now = _with_agent(was, agent, f"{policy.name_of(agent)}: answered")
    notes = (Note(text=texts.REOPENED_BY_ANSWER),) if was.status is Status.CLOSED else ()
    return Decision(now, (order, UpdateCard(card=card(now, policy)), *notes))


def _source(event: AgentWrote, policy: Policy) -> str:
    agent = policy.agent(event.agent)
    return event.facts.language or (agent.languages[0] if agent and agent.languages else policy.desk_language)


def _agent_edited(was: Conversation, event: AgentEdited) -> Decision:
    if event.message in was.held:
        others = {key: held for key, held in was.held.items() if key != event.message}
        if event.deleted:
            return Decision(replace(was, held=others))
        held = Held(agent=was.held[event.message].agent, text=event.text.strip(), source=was.held[event.message].source)
        return Decision(replace(was, held={**others, event.message: held}))
    if event.message not in was.receipts:
        return Decision(was)
    return Decision(was, (TellAgent(agent=event.agent, text=texts.DELETED if event.deleted else texts.EDITED),))


# Commands and buttons


def _command(was: Conversation, command: Command, event: AgentWrote, policy: Policy) -> Decision:
    agent = event.agent
    match command.name:
        case "help":
            return Decision(was, (TellAgent(agent=agent, text=texts.HELP),))
        case "claim":
            return _claim(was, agent, policy)
        case "assign":
            return _assign(was, agent, event.mentions, policy)
        case "skill":
            return _skill(was, agent, command.argument, event.facts, policy)
        case "lang":
            return _language(was, agent, command.argument, policy)
        case "close":
            return _close(was, agent, event.at, policy)
        case "history":
            return Decision(was, (ShowHistory(agent=agent),))
    return Decision(was, (TellAgent(agent=agent, text=texts.unknown_command(command.name)),))


def _agent_pressed(was: Conversation, event: AgentPressed, policy: Policy) -> Decision:
    agent = event.agent
    if event.action in ("send", "send_original", "keep"):
        return _release(was, event, policy)
    number, _, chosen = event.value.partition(":")
    if number != str(was.number):
        return Decision(was, (TellAgent(agent=agent, text=texts.STALE.format(number=was.number)),))
    if chosen:
        return _chosen(was, agent, event.action, chosen, policy)
    match event.action:
        case "claim":
            return _claim(was, agent, policy)
        case "assign":
            return Decision(was, (_ask_whom(was, agent, policy),))
        case "language":
            return Decision(was, (_ask_language(was, agent),))
        case "history":
            return Decision(was, (ShowHistory(agent=agent),))
        case "close":
            return _close(was, agent, event.at, policy)
        case "reopen":
            return _reopen(was, agent, policy)
    return Decision(was)


def _chosen(was: Conversation, agent: str, action: str, chosen: str, policy: Policy) -> Decision:
    match action:
        case "assign_to":
            return _assign(was, agent, (chosen,), policy)
        case "set_language":
            return _language(was, agent, chosen, policy)
    return Decision(was)


def _ask_whom(was: Conversation, agent: str, policy: Policy) -> TellAgent:
    choices = tuple(
        Choice(action="assign_to", label=each.name, value=f"{was.number}:{each.id}") for each in policy.agents[:BUTTONS]
    )
    return TellAgent(agent=agent, text=texts.ASSIGN_HOW, choices=choices)


def _ask_language(was: Conversation, agent: str) -> TellAgent:
    choices = tuple(
        Choice(action="set_language", label=language_name(tag), value=f"{was.number}:{tag}") for tag in COMMON
    )
    return TellAgent(agent=agent, text=texts.LANGUAGE_HOW, choices=choices)


def _claim(was: Conversation, agent: str, policy: Policy) -> Decision:
    if was.assignee == agent and was.status is Status.OPEN:
        return Decision(was)
    now = _with_agent(was, agent, f"{policy.name_of(agent)}: claimed it")
    return Decision(now, (UpdateCard(card=card(now, policy)), Note(text=texts.claimed_by(policy.name_of(agent)))))


def _assign(was: Conversation, agent: str, mentions: tuple[str, ...], policy: Policy) -> Decision:
    if not mentions:
        return Decision(was, (TellAgent(agent=agent, text=texts.ASSIGN_WHOM),))
    if was.assignee == mentions[0] and was.status is Status.OPEN:
        return Decision(was)
    by = f"{policy.name_of(mentions[0])}: asked by {policy.name_of(agent)}"
    now = _with_agent(was, mentions[0], by)
    return Decision(now, (UpdateCard(card=card(now, policy)), *_taken(was, now, policy)))


def _skill(was: Conversation, agent: str, name: str, facts: Facts, policy: Policy) -> Decision:
    if not policy.has_skill(name):
        known = ", ".join(dict.fromkeys((policy.default_skill, *(skill.name for skill in policy.skills))))
        return Decision(was, (TellAgent(agent=agent, text=texts.bad_skill(name, known)),))
    asked = replace(was, skill=name)
    has = policy.agent(was.assignee)
    stays = was.status is Status.CLOSED or (has and name in (policy.default_skill, *has.skills))
    now = asked if stays else _route(asked, facts, policy)
    queued = (Note(text=texts.QUEUED),) if now.status is Status.QUEUED else ()
    said = Note(text=texts.skill_set(name, policy.name_of(agent)))
    return Decision(now, (UpdateCard(card=card(now, policy)), said, *queued, *_taken(was, now, policy)))


def _language(was: Conversation, agent: str, code: str, policy: Policy) -> Decision:
    if not _is_tag(code):
        return Decision(was, (TellAgent(agent=agent, text=texts.BAD_LANGUAGE),))
    now = replace(was, language=code.lower(), pinned=True)
    said = Note(text=texts.language_set(now.language, policy.name_of(agent)))
    return Decision(now, (UpdateCard(card=card(now, policy)), said))


def _is_tag(code: str) -> bool:
    primary, *rest = code.split("-")
    return primary.isascii() and primary.isalpha() and len(primary) in (2, 3) and all(part.isalnum() for part in rest)


def _close(was: Conversation, agent: str, at: datetime, policy: Policy) -> Decision:
    if was.status is Status.CLOSED:
        return Decision(was, (TellAgent(agent=agent, text=texts.CLOSED_ALREADY),))
    now = replace(was, status=Status.CLOSED, closed_at=at, held={}, told_waiting=False)
    return Decision(now, (UpdateCard(card=card(now, policy)), Note(text=texts.closed_by(policy.name_of(agent)))))


def _reopen(was: Conversation, agent: str, policy: Policy) -> Decision:
    if was.status is not Status.CLOSED:
        return Decision(was, (TellAgent(agent=agent, text=texts.OPEN_ALREADY),))
    now = _with_agent(was, agent, f"{policy.name_of(agent)}: reopened it")
    return Decision(now, (UpdateCard(card=card(now, policy)), Note(text=texts.reopened_by(policy.name_of(agent)))))


def _release(was: Conversation, event: AgentPressed, policy: Policy) -> Decision:
    """Let a held message go, or keep it as a note."""
    held = was.held.get(event.value)
    if held is None:
        return Decision(was, (TellAgent(agent=event.agent, text=texts.NOT_HELD),))
    now = replace(was, held={key: each for key, each in was.held.items() if key != event.value})
    if event.action == "keep":
        return Decision(now, (TellAgent(agent=event.agent, text=texts.HELD_KEPT),))
    ready = bool(held.rendering) or event.action == "send_original"
    order = TellCustomer(
        text=held.rendering if held.rendering and event.action == "send" else held.text,
        language=was.language,
        source=held.source,
        reply=event.value,
        agent=held.agent,
        ready=ready,
        back=held.back if event.action == "send" else "",
    )
    return _answer(now, event.agent, event.value, order, policy)


# What became of an answer


def _reply_sent(was: Conversation, event: ReplySent) -> Decision:
    replies = _latest(was.replies, {event.message: event.reply}) if event.reply else was.replies
    now = replace(was, replies=replies)
    if not event.final:
        return Decision(now)
    if not event.reply:
        return Decision(now, (_shown(event),))
    early = was.receipts.get(event.message, "")
    state = early if early in ("read", "failed") else "accepted"
    now = replace(now, receipts=_latest(now.receipts, {event.reply: state}))
    return Decision(now, (React(message=event.reply, emoji=state), _shown(event)))


def _shown(event: ReplySent) -> ShowSent:
    return ShowSent(
        text=event.sent, language=event.language, engine=event.engine, back=event.back, warning=event.warning
    )


def _receipt(was: Conversation, event: ReceiptCame) -> Decision:
    reply = was.replies.get(event.message, "")
    if event.outbox and not reply:
        was = replace(was, accepted=_latest(was.accepted, {event.outbox: event.message}))
    if event.state not in ("read", "failed"):
        return Decision(was)
    failure = Note(text=texts.failed(event.reason, event.advice))
    if not reply:
        early = replace(was, receipts=_latest(was.receipts, {event.message: event.state}))
        return Decision(early, (failure,) if event.state == "failed" and was.number else ())
    if was.receipts.get(reply) in (event.state, "failed"):
        return Decision(was)
    now = replace(was, receipts=_latest(was.receipts, {reply: event.state}))
    react = React(message=reply, emoji=event.state)
    return Decision(now, (react, failure) if event.state == "failed" else (react,))


def _reply_failed(was: Conversation, event: ReplyFailed, policy: Policy) -> Decision:
    now = replace(was, unreachable=was.unreachable or event.unreachable)
    note = Note(text=texts.failed(event.reason, event.advice))
    if not event.reply:
        return Decision(now, (*_card_if_changed(was, now, policy), note))
    now = replace(now, receipts=_latest(now.receipts, {event.reply: "failed"}))
    return Decision(now, (React(message=event.reply, emoji="failed"), note, *_card_if_changed(was, now, policy)))


def _reply_held(was: Conversation, event: ReplyHeld) -> Decision:
    held = Held(agent=event.agent, text=event.text, rendering=event.rendering, back=event.back)
    ask = AskAgent(
        agent=event.agent,
        held=event.reply,
        reason=event.reason,
        text=event.text,
        rendering=event.rendering,
        back=event.back,
    )
    return Decision(replace(was, held={**was.held, event.reply: held}), (ask,))


def _latest(was: Mapping[str, V], more: Mapping[str, V]) -> dict[str, V]:
    """Add to a map that forgets its oldest entries."""
    merged: Iterable[tuple[str, V]] = [*((key, value) for key, value in was.items() if key not in more), *more.items()]
    return dict(list(merged)[-REMEMBERED:])
