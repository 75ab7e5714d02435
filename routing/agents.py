"""What follows from what agents do at the desk: answers, notes, commands and buttons."""

from datetime import datetime

from msgspec.structs import replace

from routing import surveys, texts
from routing.commands import Command, read_command, read_duration
from routing.contents import EPOCH, THREAD_MARK, Choice, Facts, Template
from routing.effects import (
    AskAgent,
    ChangeSent,
    Effect,
    Fix,
    Note,
    SetAway,
    SettleAsk,
    ShowHistory,
    ShowLens,
    TellAgent,
    TellCustomer,
    UpdateCard,
)
from routing.events import AgentEdited, AgentPressed, AgentWrote
from routing.handover import answer, route, taken, with_agent
from routing.held import ABOUT_MESSAGE, held_edited, message_pressed
from routing.languages import COMMON, language_name
from routing.moving import escalate, followed, move
from routing.policy import Policy
from routing.saved import saved_reply
from routing.slips import reply, say, waiting_edited
from routing.snooze import snooze
from routing.state import PRIORITIES, Conversation, Decision, Held, Status, card

BUTTONS = 20
"""How many buttons are offered at most where an agent chooses."""


def agent_wrote(was: Conversation, event: AgentWrote, policy: Policy) -> Decision:
    """Send an agent's answer, keep a note, do a command, or ask."""
    text = event.text.strip()
    if text.startswith("//") or not was.number:
        return Decision(was)
    if text.startswith("!"):
        return _command(was, read_command(text), event, policy)
    if event.addressed:
        held = Held(agent=event.agent, text=text, source=_source(event, policy), files=event.attached)
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
        files=event.attached,
    )
    decision = reply(was, event, order, policy)
    here = (f"{THREAD_MARK}{was.thread}", f"/{was.thread}")
    if was.thread and not event.to.endswith(here) and event.to.startswith(THREAD_MARK):
        told = TellAgent(agent=event.agent, text=texts.CONTINUES.format(number=was.number))
        return replace(decision, effects=(*decision.effects, told))
    return decision


def _source(event: AgentWrote | AgentEdited, policy: Policy) -> str:
    agent = policy.agent(event.agent)
    return event.facts.language or (agent.languages[0] if agent and agent.languages else policy.desk_language)


def agent_edited(was: Conversation, event: AgentEdited, policy: Policy) -> Decision:
    """Say what becomes of a message that an agent changed."""
    if event.message in was.held:
        return held_edited(was, event, _source(event, policy), policy)
    if any(order.reply == event.message for order in (*was.parked, *was.undoable)):
        return waiting_edited(was, event, _source(event, policy), policy)
    text = event.text.strip()
    gone = event.deleted or not text or text.startswith(("//", "!"))
    if was.receipts.get(event.message) == "failed":
        return Decision(was, () if gone else (TellAgent(agent=event.agent, text=texts.EDITED_FAILED),))
    if not was.number or (gone and not event.deleted and event.message not in was.receipts):
        return Decision(was)
    change = ChangeSent(
        reply=event.message,
        agent=event.agent,
        text="" if gone else text,
        language=was.language,
        source=_source(event, policy),
        confirm=policy.confirm and not gone,
    )
    return Decision(was, (change,))


def _command(was: Conversation, command: Command, event: AgentWrote, policy: Policy) -> Decision:
    agent = event.agent
    match command.name:
        case "claim":
            return _claim(was, agent, policy)
        case "assign":
            return _assign(was, agent, event.mentions, policy)
        case "skill" | "lang" | "priority":
            return _set(was, command, event, policy)
        case "close":
            return _close(was, agent, event.at, policy)
        case "snooze" | "move" | "escalate":
            return _put(was, command, event, policy)
        case "history" | "lens":
            return Decision(was, (_show(agent, command.name),))
        case "fix":
            fix = Fix(agent=agent, message=event.message, text=command.argument)
            return Decision(was, (fix if fix.text else TellAgent(agent=agent, text=texts.FIX_HOW),))
        case "template" | "reply" | "call":
            return _send(was, command, event, policy)
    if command.name == "away":
        return Decision(was, _go_away(agent, command.argument, event.at))
    return Decision(was, _tell(agent, command.name))


def _put(was: Conversation, command: Command, event: AgentWrote, policy: Policy) -> Decision:
    """Put a conversation off, or elsewhere."""
    match command.name:
        case "move":
            return move(was, event.agent, command.argument, policy)
        case "escalate":
            return escalate(was, event.agent, command.argument, policy)
    return snooze(was, event.agent, command.argument, event.at, policy)


def _show(agent: str, what: str) -> Effect:
    return ShowLens(agent=agent) if what == "lens" else ShowHistory(agent=agent)


def _set(was: Conversation, command: Command, event: AgentWrote, policy: Policy) -> Decision:
    """Set what the card shows."""
    match command.name:
        case "skill":
            return followed(was, _skill(was, event.agent, command.argument, event.facts, policy), policy)
        case "lang":
            return _language(was, event.agent, command.argument, policy)
    return _priority(was, event.agent, command.argument, policy)


def _send(was: Conversation, command: Command, event: AgentWrote, policy: Policy) -> Decision:
    """Send the customer something that is named."""
    match command.name:
        case "template":
            return _template(was, event, command.argument, policy)
        case "reply":
            return saved_reply(was, event, command.argument, policy)
    return _call(was, event, policy)


def _go_away(agent: str, asked: str, at: datetime) -> tuple[Effect, ...]:
    """Give an agent no new conversation, for some time or until they say so."""
    how_long = read_duration(asked)
    if asked and not how_long:
        return (TellAgent(agent=agent, text=texts.bad_away(asked)),)
    until = at + how_long if how_long else EPOCH
    return (SetAway(agent=agent, away=True, until=until), TellAgent(agent=agent, text=texts.away(asked)))


def _tell(agent: str, command: str) -> tuple[Effect, ...]:
    """Do what is about the agent alone."""
    match command:
        case "help":
            return (TellAgent(agent=agent, text=texts.HELP),)
        case "back":
            return (SetAway(agent=agent, away=False), TellAgent(agent=agent, text=texts.BACK))
    return (TellAgent(agent=agent, text=texts.unknown_command(command)),)


def agent_pressed(was: Conversation, event: AgentPressed, policy: Policy) -> Decision:
    """Do what a button says."""
    agent = event.agent
    if event.action in ABOUT_MESSAGE:
        return message_pressed(was, event, policy)
    number, _, chosen = event.value.partition(":")
    if number != str(was.number):
        return Decision(was, (TellAgent(agent=agent, text=texts.STALE.format(number=was.number)),))
    if chosen:
        return _chosen(was, event, chosen, policy)
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


def _chosen(was: Conversation, event: AgentPressed, chosen: str, policy: Policy) -> Decision:
    agent = event.agent
    match event.action:
        case "assign_to":
            return _assign(was, agent, (chosen,), policy)
        case "set_language":
            return _language(was, agent, chosen, policy)
        case "template":
            return _pressed_template(was, agent, chosen, policy)
        case "more":
            return _menu(was, agent, read_command(f"!{chosen}"), event.at, policy)
    return Decision(was)


def _menu(was: Conversation, agent: str, command: Command, at: datetime, policy: Policy) -> Decision:
    """Do what was chosen from the card's menu: the command of the same words."""
    match command.name:
        case "priority":
            return _priority(was, agent, command.argument, policy)
        case "snooze":
            return snooze(was, agent, command.argument, at, policy)
        case "lens":
            return Decision(was, (_show(agent, command.name),))
    return Decision(was, _tell(agent, command.name))


def _template(was: Conversation, event: AgentWrote, asked: str, policy: Policy) -> Decision:
    """Send a template; whether there is such a one is found out when it goes."""
    name, _, rest = asked.strip().partition(" ")
    if not name:
        return Decision(was, (TellAgent(agent=event.agent, text=texts.TEMPLATE_HOW),))
    values = tuple(value.strip() for value in rest.split("|")) if rest.strip() else ()
    template = Template(name=name, language=was.language, values=values)
    order = TellCustomer(text="", language=was.language, reply=event.message, agent=event.agent, template=template)
    return say(was, event, order, policy)


def _pressed_template(was: Conversation, agent: str, chosen: str, policy: Policy) -> Decision:
    """Send the template, of a name and a language, that an agent pressed."""
    name, _, language = chosen.partition(" ")
    template = Template(name=name, language=language.strip())
    return answer(was, agent, "", TellCustomer(text="", language=was.language, agent=agent, template=template), policy)


def _call(was: Conversation, event: AgentWrote, policy: Policy) -> Decision:
    """Send the customer a link to a room where the agent waits."""
    if not policy.call_link:
        return Decision(was, (TellAgent(agent=event.agent, text=texts.CALL_HOW),))
    link = policy.call_link.replace("{room}", event.facts.room)
    order = TellCustomer(
        text=texts.CALL_TEXT,
        source="en",
        language=was.language,
        reply=event.message,
        agent=event.agent,
        phrase=texts.CALL,
        lines=(link,),
    )
    return say(was, event, order, policy)


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
    now = with_agent(was, agent, f"{policy.name_of(agent)}: claimed it")
    return Decision(now, (UpdateCard(card=card(now)), Note(text=texts.claimed_by(policy.name_of(agent)))))


def _assign(was: Conversation, agent: str, mentions: tuple[str, ...], policy: Policy) -> Decision:
    if not mentions:
        return Decision(was, (TellAgent(agent=agent, text=texts.ASSIGN_WHOM),))
    if was.assignee == mentions[0] and was.status is Status.OPEN:
        return Decision(was)
    by = f"{policy.name_of(mentions[0])}: asked by {policy.name_of(agent)}"
    now = with_agent(was, mentions[0], by)
    return Decision(now, (UpdateCard(card=card(now)), *taken(was, now, policy)))


def _skill(was: Conversation, agent: str, name: str, facts: Facts, policy: Policy) -> Decision:
    if not policy.has_skill(name):
        known = ", ".join(dict.fromkeys((policy.default_skill, *(skill.name for skill in policy.skills))))
        return Decision(was, (TellAgent(agent=agent, text=texts.bad_skill(name, known)),))
    asked = replace(was, skill=name)
    has = policy.agent(was.assignee)
    stays = was.status is Status.CLOSED or (has and name in (policy.default_skill, *has.skills))
    now = asked if stays else route(asked, facts, policy)
    queued = (Note(text=texts.QUEUED),) if now.status is Status.QUEUED else ()
    said = Note(text=texts.skill_set(name, policy.name_of(agent)))
    return Decision(now, (UpdateCard(card=card(now)), said, *queued, *taken(was, now, policy)))


def _priority(was: Conversation, agent: str, wanted: str, policy: Policy) -> Decision:
    priority = wanted.lower()
    if priority not in PRIORITIES:
        return Decision(was, (TellAgent(agent=agent, text=texts.bad_priority(wanted)),))
    if priority == was.priority:
        return Decision(was)
    now = replace(was, priority=priority)
    said = Note(text=texts.priority_set(priority, policy.name_of(agent)))
    return followed(was, Decision(now, (UpdateCard(card=card(now)), said)), policy)


def _language(was: Conversation, agent: str, code: str, policy: Policy) -> Decision:
    if not _is_tag(code):
        return Decision(was, (TellAgent(agent=agent, text=texts.BAD_LANGUAGE),))
    now = replace(was, language=code.lower(), pinned=True)
    said = Note(text=texts.language_set(now.language, policy.name_of(agent)))
    return followed(was, Decision(now, (UpdateCard(card=card(now)), said)), policy)


def _is_tag(code: str) -> bool:
    primary, *rest = code.split("-")
    return primary.isascii() and primary.isalpha() and len(primary) in (2, 3) and all(part.isalnum() for part in rest)


def _close(was: Conversation, agent: str, at: datetime, policy: Policy) -> Decision:
    if was.status is Status.CLOSED:
        return Decision(was, (TellAgent(agent=agent, text=texts.CLOSED_ALREADY),))
    closed = replace(was, status=Status.CLOSED, closed_at=at, held={}, parked=(), undoable=(), told_waiting=False)
    now = replace(closed, snoozed_until=EPOCH, waiting_since=EPOCH)
    settled = tuple(SettleAsk(held=held, text=texts.HELD_CLOSED) for held in was.held)
    dropped = (*settled, *((Note(text=texts.PARKED_DROPPED),) if was.parked else ()))
    said = Note(text=texts.closed_by(policy.name_of(agent)))
    return Decision(now, (*was.undoable, UpdateCard(card=card(now)), *dropped, said), surveys.remind(now, policy))


def _reopen(was: Conversation, agent: str, policy: Policy) -> Decision:
    if was.status not in (Status.CLOSED, Status.SNOOZED):
        return Decision(was, (TellAgent(agent=agent, text=texts.OPEN_ALREADY),))
    now = with_agent(was, agent, f"{policy.name_of(agent)}: reopened it")
    return Decision(now, (UpdateCard(card=card(now)), Note(text=texts.reopened_by(policy.name_of(agent)))))
