"""Conversations that an agent begins: their thread opens, and what the agent writes there goes to the customer."""

from routing import texts
from routing.effects import Note, OpenThread
from routing.events import AgentStarted
from routing.handover import with_agent
from routing.moving import placed
from routing.policy import Policy
from routing.state import Conversation, Decision, Status, card


def agent_started(was: Conversation, event: AgentStarted, policy: Policy) -> Decision:
    """Open a thread for a customer, or lead the agent to the one that there is."""
    name = policy.name_of(event.agent)
    if was.number and was.status is not Status.CLOSED:
        return Decision(was, (Note(text=texts.started_already(name), mention=event.agent),))
    fresh = Conversation(
        contact=was.contact,
        address=was.address,
        name=was.name or event.name,
        number=event.facts.number,
        language=event.language or was.language,
        evidence=was.evidence,
        pinned=bool(event.language) or was.pinned,
        skill=policy.default_skill,
        talked=was.talked,
        opened_at=event.at,
        heard_at=was.heard_at,
        seen=was.seen,
    )
    now = placed(with_agent(fresh, event.agent, texts.began(name)), policy)
    return Decision(now, (OpenThread(card=card(now, policy)), Note(text=texts.STARTED, mention=event.agent)))
