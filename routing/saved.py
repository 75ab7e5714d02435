"""Saved replies: `!reply NAME` sends one in the customer's language."""

import re

from routing import texts
from routing.effects import TellAgent, TellCustomer
from routing.events import AgentWrote
from routing.policy import Policy
from routing.slips import say
from routing.state import Conversation, Decision

_NAMELESS = re.compile(r"[ ,\u00a0]*\{name\}")


def saved_reply(was: Conversation, event: AgentWrote, asked: str, policy: Policy) -> Decision:
    """Send a saved reply: as it was written in the customer's language, else translated like any answer."""
    there = (*policy.replies, *event.facts.replies)
    found = next((each for each in there if each.text and each.name.casefold() == asked.casefold()), None)
    if found is None:
        known = tuple(each.name for each in there)
        return Decision(was, (TellAgent(agent=event.agent, text=texts.which_reply(asked, known)),))
    version = found.version(was.language, policy.desk_language)
    own = bool(was.language) and version.partition("-")[0] == was.language.partition("-")[0]
    order = TellCustomer(
        text=_filled(found.text[version], was, event.agent, policy),
        language=was.language,
        source=version,
        reply=event.message,
        agent=event.agent,
        ready=own,
        by=texts.saved_as(found.name) if own else "",
        files=event.attached,
    )
    return say(was, event, order, policy)


def _filled(text: str, was: Conversation, agent: str, policy: Policy) -> str:
    """Put values in the variables' places; a name that isn't known leaves no gap."""
    text = text if was.name else _NAMELESS.sub("", text).lstrip(" ,:;\u00a0")
    values = {"name": was.name, "number": f"#{was.number}", "agent": policy.name_of(agent)}
    return re.sub(r"\{(name|number|agent)\}", lambda found: values[found[1]], text)
