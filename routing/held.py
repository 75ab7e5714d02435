"""What becomes of words in doubt: answers that are held, and translations that agents put right."""

from msgspec.structs import replace

from routing import texts
from routing.effects import AskAgent, AskWords, ChangeSent, Fix, SettleAsk, ShowPassport, TellAgent, TellCustomer
from routing.events import AgentEdited, AgentPressed, AgentSubmitted
from routing.handover import answer, card_if_changed, with_agent
from routing.policy import Policy
from routing.state import Conversation, Decision, Held

ABOUT_MESSAGE = ("send", "send_original", "keep", "edit", "fix", "passport")
"""The buttons, and a message's menu, that are about one message."""


def message_pressed(was: Conversation, event: AgentPressed, policy: Policy) -> Decision:
    """Do what a button about a message says."""
    if event.action == "passport":
        return Decision(was, (ShowPassport(agent=event.agent, about=event.message),) if was.number else ())
    if event.action in ("edit", "fix"):
        return _ask_words(was, event)
    return _release(was, event.agent, event.action, event.value, policy)


def agent_submitted(was: Conversation, event: AgentSubmitted, policy: Policy) -> Decision:
    """Take the words of a form."""
    text = event.text.strip()
    if not text:
        return Decision(was)
    if event.action == "fix":
        return Decision(was, (Fix(agent=event.agent, text=text, about=event.value, seen=event.seen),))
    if event.value not in was.held:
        return Decision(was, (TellAgent(agent=event.agent, text=texts.not_held(text)),))
    return _release(was, event.agent, event.action, event.value, policy, words=text)


def held_edited(was: Conversation, event: AgentEdited, source: str, policy: Policy) -> Decision:
    """Ask about the new words, in the language `source`, or send them where only a translation was in doubt."""
    held = was.held[event.message]
    now = replace(was, held={key: each for key, each in was.held.items() if key != event.message})
    text = event.text.strip()
    if held.changes:
        return _changed(now, event, replace(held, source=source), "" if event.deleted else text, policy)
    if event.deleted:
        return Decision(now, (SettleAsk(held=event.message, text=texts.HELD_DELETED),))
    if held.shown or held.rendering:
        order = TellCustomer(
            text=text,
            language=was.language,
            source=source,
            reply=event.message,
            agent=held.agent,
            files=held.files,
            confirm=policy.confirm,
        )
        decision = answer(now, held.agent, event.message, order, policy)
        settled = SettleAsk(held=event.message, text=texts.HELD_REPLACED)
        return Decision(decision.conversation, (settled, *decision.effects))
    ask = AskAgent(agent=held.agent, held=event.message, reason=texts.ADDRESSED, text=text)
    kept = replace(now, held={**now.held, event.message: replace(held, text=text, source=source)})
    return Decision(kept, (SettleAsk(held=event.message, text=texts.HELD_EDITED), ask))


def _changed(now: Conversation, event: AgentEdited, held: Held, text: str, policy: Policy) -> Decision:
    """Change what was sent into still other words, or take it back: those that were held are no more."""
    change = ChangeSent(
        reply=event.message,
        agent=held.agent,
        text=text,
        language=now.language,
        source=held.source,
        confirm=policy.confirm and bool(text),
    )
    settled = SettleAsk(held=event.message, text=texts.HELD_REPLACED if text else texts.HELD_GONE)
    return Decision(now, (settled, change))


def _ask_words(was: Conversation, event: AgentPressed) -> Decision:
    """Ask for better words in a form: for a held answer, or for a translation that has gone or come."""
    about = event.value or event.message
    if event.action == "fix":
        return Decision(was, (AskWords(agent=event.agent, trigger=event.trigger, action="fix", about=about),))
    held = was.held.get(about)
    if held is None:
        return Decision(was, (TellAgent(agent=event.agent, text=texts.NOT_HELD),))
    ask = AskWords(
        agent=event.agent,
        trigger=event.trigger,
        action="edit",
        about=about,
        text=held.rendering,
        original=held.text,
        language=was.language,
    )
    return Decision(was, (ask,))


def _change(order: TellCustomer) -> ChangeSent:
    """Put an answer in the place of what was sent for the same message."""
    return ChangeSent(
        reply=order.reply,
        agent=order.agent,
        text=order.text,
        language=order.language,
        source=order.source,
        ready=order.ready,
        back=order.back,
        by=order.by,
    )


def _release(was: Conversation, agent: str, action: str, message: str, policy: Policy, *, words: str = "") -> Decision:
    """Let a held message go, as it is or in other `words`, or keep it as a note."""
    held = was.held.get(message)
    if held is None:
        return Decision(was, (TellAgent(agent=agent, text=texts.NOT_HELD),))
    now = replace(was, held={key: each for key, each in was.held.items() if key != message})
    if action != "keep" and policy.only_assignee and was.assignee not in ("", agent):
        now = with_agent(now, agent, f"{policy.name_of(agent)}: took it over with an answer")
    name = policy.name_of(agent)
    settled = SettleAsk(held=message, text=texts.held_settled(action, name, changes=held.changes))
    if action == "keep":
        return Decision(now, (settled,))
    as_shown = action == "send" and bool(held.rendering)
    order = TellCustomer(
        text=words or (held.rendering if as_shown else held.text),
        language=was.language,
        source=held.source,
        reply=message,
        agent=held.agent,
        ready=bool(words or held.rendering) or action == "send_original",
        back=held.back if action == "send" else "",
        by=texts.edited_by(name) if words and words != held.rendering else "",
        files=held.files,
        confirm=policy.confirm and action == "send" and not held.shown,
    )
    if held.changes:
        return Decision(now, (settled, _change(order), *card_if_changed(was, now)))
    decision = answer(now, agent, message, order, policy)
    return Decision(decision.conversation, (settled, *decision.effects, *card_if_changed(was, now)))
