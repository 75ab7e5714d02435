"""A conversation in the language of one agent, who reads another one than the desk's."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from adapters.slack_text import escape
from gateway.interpret import Interpreter, same_language
from gateway.rules import Rules
from gateway.store.contract import Store
from routing import texts
from routing.conversation import Conversation
from routing.events import AgentWrote, CustomerDeleted, CustomerEdited, CustomerWrote, Event, ReplySent
from routing.languages import language_name
from routing.policy import Policy

LOOK_BACK = 200
"""How many of a customer's latest events are looked at."""

LATEST = 20
"""How many messages are shown at most."""


class Heard(NamedTuple):
    """Something that was said to the other side: by whom, what, and in which language ("" where that isn't known)."""

    who: str
    text: str
    language: str
    attachment: str = ""


class Lens:
    """Translates a conversation for one agent; the thread stays as it is."""

    def __init__(self, store: Store, interpreter: Interpreter, rules: Rules) -> None:
        self._store = store
        self._interpreter = interpreter
        self._rules = rules

    async def of(self, mailbox: str, agent: str) -> str:
        """Say what was said lately, in the agent's own language and Slack's notation."""
        listed = self._rules.policy.agent(agent)
        mine = listed.languages[0] if listed and listed.languages else self._rules.policy.desk_language
        if same_language(mine, self._rules.policy.desk_language):
            return texts.lens_is_desk(language_name(mine))
        was = await self._store.conversation(mailbox) or Conversation(contact=mailbox)
        said = said_lately(await self._store.history(mailbox, LOOK_BACK), was, self._rules.policy)[-LATEST:]
        lines = [texts.lens_head(language_name(mine))]
        for each in said:
            words = await self._interpreter.meaning(each.text, each.language, mine, name=was.name)
            told = words or each.text
            unread = not words and each.language and not same_language(each.language, mine) and each.text
            mark = f" _({language_name(each.language)})_" if unread else ""
            lines.append(f"*{escape(each.who)}:* {escape(' '.join(filter(None, (each.attachment, told))))}{mark}")
        return "\n".join(lines)


def said_lately(events: Sequence[Event], was: Conversation, policy: Policy) -> list[Heard]:
    """Give what was said to the other side, in order, as it stands now."""
    changed = {event.message: event for event in events if isinstance(event, CustomerEdited)}
    gone = {event.message for event in events if isinstance(event, CustomerDeleted)}
    written = {event.message: event for event in events if isinstance(event, AgentWrote)}
    return [
        heard
        for event in events
        for heard in _heard(event, changed, written, was, policy)
        if not (isinstance(event, CustomerWrote) and event.message in gone)
    ]


def _heard(
    event: Event,
    changed: dict[str, CustomerEdited],
    written: dict[str, AgentWrote],
    was: Conversation,
    policy: Policy,
) -> Iterator[Heard]:
    if isinstance(event, CustomerWrote):
        now = changed.get(event.message, event)
        language = now.facts.language or was.language
        yield Heard(event.name or was.name or "Customer", now.text, language, now.attachment)
    elif isinstance(event, ReplySent) and event.final and event.sent:
        by = written.get(event.reply)
        if by is None or event.changed:
            yield Heard("Desk", event.sent, event.language)
        else:
            listed = policy.agent(by.agent)
            usual = listed.languages[0] if listed and listed.languages else policy.desk_language
            yield Heard(policy.name_of(by.agent), by.text, by.facts.language or usual)
