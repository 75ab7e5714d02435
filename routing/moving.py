"""Moving a conversation to another of the desk's channels: it goes on in a thread there, and both threads say so."""

from msgspec.structs import replace

from routing import texts
from routing.effects import LeaveCard, LeaveThread, Note, OpenThread, TellAgent, UpdateCard
from routing.events import ThreadLost, ThreadOpened
from routing.policy import Policy
from routing.state import Conversation, Decision, Status, card


def placed(now: Conversation, policy: Policy) -> Conversation:
    """Choose in which of the desk's channels a new conversation opens."""
    if not policy.desks:
        return now
    where = policy.desk_for(skill=now.skill, language=now.language, channel=now.channel, priority=now.priority)
    return replace(now, desk=where)


def move(was: Conversation, agent: str, asked: str, policy: Policy) -> Decision:
    """Move a conversation to the channel that an agent names."""
    to = policy.desk_called(asked) if asked else None
    if to is None:
        names = (policy.desk_name, *(each.name for each in policy.desks))
        return Decision(was, (TellAgent(agent=agent, text=texts.which_desk(asked, names)),))
    if to == was.desk:
        return Decision(was, (TellAgent(agent=agent, text=texts.there_already(policy.name_of_desk(to))),))
    return _to(was, to, texts.moved_by(policy.name_of(agent)))


def escalate(was: Conversation, agent: str, why: str, policy: Policy) -> Decision:
    """Make a conversation urgent, and move it to where such ones are seen to."""
    to = policy.desk_called(policy.escalation) if policy.escalation else None
    if to is None:
        return Decision(was, (TellAgent(agent=agent, text=texts.ESCALATE_HOW),))
    if was.status is Status.CLOSED:
        return Decision(was, (TellAgent(agent=agent, text=texts.CLOSED_ALREADY),))
    told = texts.escalated_by(policy.name_of(agent), why)
    if to == was.desk:
        return Decision(was, (TellAgent(agent=agent, text=texts.there_already(policy.escalation)),))
    return _to(replace(was, priority="urgent"), to, told)


def followed(was: Conversation, decision: Decision, policy: Policy) -> Decision:
    """Have a conversation go on where it belongs by what has changed of it; where that is the same, it stays."""
    now = decision.conversation
    to = placed(now, policy).desk
    if now.status is Status.CLOSED or to in (now.desk, placed(was, policy).desk):
        return decision
    moved = replace(now, desk=to)
    told = Note(text=texts.belongs(policy.name_of_desk(to)))
    others = (each for each in decision.effects if not isinstance(each, UpdateCard))
    return replace(decision, conversation=moved, effects=(OpenThread(card=card(moved)), told, *others))


def thread_opened(was: Conversation, event: ThreadOpened, policy: Policy) -> Decision:
    """Note where the card is; of a conversation that moved, the earlier thread says where it goes on.

    Its card may have changed while the new one was on its way.
    """
    if event.number not in (0, was.number):
        return Decision(was)
    now = replace(was, thread=event.thread, words=event.words or was.words)
    if was.thread in ("", event.thread):
        return Decision(now)
    moved = replace(now, moved_from=was.thread)
    shown = card(moved)
    told = texts.moved_to(policy.name_of_desk(moved.desk))
    left = LeaveCard(old=was.thread, card=shown, told=told)
    return Decision(moved, (left, UpdateCard(card=shown), LeaveThread(old=was.thread, card=shown, told=told)))


def thread_lost(was: Conversation, event: ThreadLost, policy: Policy) -> Decision:
    """Go on in the first channel, where what comes is shown anyway: outside of a thread nobody could answer it.

    Nothing is said in the thread that is lost, as nothing can be.
    """
    if not was.desk or (event.number, event.channel) != (was.number, was.desk):
        return Decision(was)
    return _to(replace(was, thread=""), "", texts.moved_for(policy.name_of_desk(was.desk)))


def _to(was: Conversation, to: str, told: str) -> Decision:
    now = replace(was, desk=to)
    return Decision(now, (OpenThread(card=card(now)), Note(text=told)))
