"""The passport of a message: every hop that it made between a customer and an agent, with its time."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from adapters.desk_view import Said, decode_entries, on_clocks
from adapters.slack_text import escape
from gateway.rules import Rules
from gateway.store.contract import Store
from routing.contents import EPOCH
from routing.events import (
    AgentEdited,
    AgentWrote,
    CustomerEdited,
    CustomerWrote,
    Event,
    ReceiptCame,
    ReplyFailed,
    ReplyHeld,
    ReplyParked,
    ReplySent,
)
from routing.languages import language_name

LOOK_BACK = 200
"""How many of a customer's latest events are looked at."""

NOWHERE = "Nothing is known of this message: it is none of a customer's or an agent's, or too long ago."
STATES = {"accepted": "accepted", "delivered": "delivered to their device", "read": "read"}

TO_THE_SECOND = "{date_short_pretty} {time_secs}"


class Passports:
    """Tells from what the store keeps where a message has been."""

    def __init__(self, store: Store, rules: Rules) -> None:
        self._store = store
        self._rules = rules

    async def of(self, mailbox: str, ts: str) -> str:
        """Say where the message of a post, or of an agent, has been: a line a hop, in Slack's notation."""
        events = await self._store.history(mailbox, LOOK_BACK)
        if any(isinstance(event, AgentWrote) and event.message == ts for event in events):
            return "\n".join(self._answer(events, ts))
        shown = [lines for event in events if (lines := await self._said(mailbox, events, event, ts))]
        return "\n\n".join("\n".join(lines) for lines in shown) or NOWHERE

    def _answer(self, events: Sequence[Event], ts: str) -> Iterator[str]:
        ours: set[str] = set()
        for event in events:
            match event:
                case AgentWrote() if event.message == ts:
                    who = self._rules.policy.name_of(event.agent)
                    yield _hop(event.at, f"written by {who}", _language(event.facts.language))
                    yield _hop(event.facts.at, "taken up")
                case AgentEdited() if event.message == ts:
                    yield _hop(event.at, "deleted" if event.deleted else "edited")
                case ReplyHeld() if event.reply == ts:
                    yield _hop(event.at, "held", event.reason)
                case ReplyParked() if event.parked.reply == ts:
                    yield _hop(event.at, "waits", event.reason)
                case ReplySent() if event.reply == ts:
                    yield from _sent(event, ours)
                    ours.add(event.message)
                case ReplyFailed() if event.reply == ts:
                    yield _hop(event.at, "failed", event.reason)
                case ReceiptCame() if event.message in ours:
                    yield _hop(event.at, STATES.get(event.state, event.state), event.reason)

    async def _said(self, mailbox: str, events: Sequence[Event], event: Event, ts: str) -> list[str]:
        """Tell of a customer's message, where the post at `ts` shows it."""
        if not isinstance(event, CustomerWrote):
            return []
        post = await self._store.post(mailbox, event.message)
        if post is None or post.ts != ts:
            return []
        entries = decode_entries(post.body)
        said = next((each for each in entries if isinstance(each, Said) and each.message == event.message), None)
        lines = [_hop(event.at, f"written by {event.name or 'the customer'}", f"on {mailbox.partition('/')[0]}")]
        heard = _language(event.facts.language)
        lines.append(_hop(event.facts.at, "verified, stored, and taken up", f"heard as {heard}" if heard else ""))
        lines += [
            _hop(each.at, "edited by the customer")
            for each in events
            if isinstance(each, CustomerEdited) and each.message == event.message
        ]
        if said and said.engine:
            lines.append(_hop(said.translated_at, f"translated by {_made_by(said.engine, said.version)}", said.mark))
        elif said and said.mark:
            lines.append(_hop(EPOCH, "not translated", said.mark))
        conversation = await self._store.conversation(mailbox)
        if conversation and conversation.why:
            lines.append(_hop(EPOCH, "routed", "; ".join(conversation.why)))
        lines.append(
            _hop(datetime.fromtimestamp(float(ts.rpartition("/")[2]), event.at.tzinfo), "posted to the thread")
        )
        return lines


def _sent(event: ReplySent, before: Collection[str]) -> Iterator[str]:
    """Tell of an answer, or a part of one, that went; the first, and each change, with how it was translated."""
    if event.changed or not before:
        if event.engine:
            by = _made_by(event.engine, event.version)
            yield _hop(event.made_at, f"translated into {language_name(event.language)} by {by}", event.warning)
        elif event.warning:
            yield _hop(EPOCH, "not translated", event.warning)
    yield _hop(event.at, "changed at the platform" if event.changed else f"accepted by the platform as {event.message}")


def _hop(at: datetime, what: str, more: str = "") -> str:
    when = f"{on_clocks(at, TO_THE_SECOND)} " if at > EPOCH else ""
    return f"• {when}{escape(f'{what}: {more}' if more else what)}"


def _made_by(engine: str, version: str) -> str:
    return f"{engine} (version {version})" if version else engine


def _language(tag: str) -> str:
    return language_name(tag) if tag else ""
