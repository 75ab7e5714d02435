"""Conversations that an agent begins: their thread opens, and what the agent writes there goes to the customer."""

from msgspec.structs import replace

from routing import texts
from routing.effects import Note, OpenThread
from routing.events import AgentStarted
from routing.handover import with_agent
from routing.moving import placed
from routing.policy import Policy
from routing.state import Conversation, Decision, Status, card, renewed


def agent_started(was: Conversation, event: AgentStarted, policy: Policy) -> Decision:
    """Open a thread for a customer, or lead the agent to the one that there is."""
    name = policy.name_of(event.agent)
    if was.number and was.status is not Status.CLOSED:
        return Decision(was, (Note(text=texts.started_already(name), mention=event.agent),))
    fresh = replace(
        renewed(was, event.facts.number, event.at),
        name=was.name or event.name,
        language=event.language or was.language,
        pinned=bool(event.language) or was.pinned,
        skill=policy.default_skill,
    )
    now = placed(with_agent(fresh, event.agent, texts.began(name)), policy)
    return Decision(now, (OpenThread(card=card(now)), Note(text=texts.STARTED, mention=event.agent)))
