"""How things look at the desk: cards, messages and questions as Slack's blocks. https://docs.slack.dev/block-kit/"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from adapters.slack_text import escape
from adapters.text import split
from routing.contents import EPOCH, Choice
from routing.effects import Card
from routing.languages import language_name
from routing.policy import Policy
from routing.texts import stars

Block = dict[str, Any]
MAX_BLOCKS = 40
MAX_TEXT = 11_000
"""Characters in all blocks of a post, after escaping; Slack refuses somewhat above 13,000."""

A_BLOCK, A_BUTTON = 80, 200
"""Characters that a post has around a block's words at most, and for a button."""

A_HEAD, A_FOOT = 50, 100
"""Characters that a post has at most before a message's words, and after the original: what became of it, by whom."""

SECTION = 2_900
FALLBACK = 3_900

STATUS_SIGNS = {"queued": "⏳", "open": "💬", "snoozed": "💤", "closed": "✔️"}
BUTTONS = {
    "claim": "Claim",
    "assign": "Assign…",
    "language": "Language…",
    "history": "History",
    "close": "Close",
    "reopen": "Reopen",
}
NEXT = {"queued": "claim", "snoozed": "reopen", "closed": "reopen"}
"""The button that a card's reader most likely wants, by the conversation's status."""

MENU = {
    "priority urgent": "It is urgent",
    "priority normal": "It isn't urgent",
    "snooze 2h": "Put it off for 2 hours",
    "snooze 1d": "Put it off for a day",
    "lens": "Read it in my language",
}


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """A customer's message: what the desk reads, and beneath it the original where it was translated.

    `mark` says in a line what is to be known about it, such as why it wasn't translated; `late` that its translation
    follows; `named` that the post stands under the customer's name. `version` is that of the engine's model,
    `translated_at` when it made that; `edited_at` is when the customer changed it last.
    """

    message: str
    name: str
    text: str = ""
    original: str = ""
    language: str = ""
    engine: str = ""
    version: str = ""
    translated_at: datetime = EPOCH
    attachment: str = ""
    quote: str = ""
    mark: str = ""
    late: bool = False
    named: bool = False
    edited: bool = False
    edited_at: datetime = EPOCH
    deleted: bool = False


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """A line of our own; a quiet one is small, `mention` pings an agent."""

    text: str
    mention: str = ""
    quiet: bool = False


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Asks an agent about a held message."""

    agent: str
    held: str
    reason: str
    text: str
    rendering: str = ""
    back: str = ""
    changes: bool = False


Entry = Said | Line | Question
encode_entries = msgspec.json.Encoder().encode
decode_entries = msgspec.json.Decoder(tuple[Entry, ...]).decode


def draw_card(
    card: Card, policy: Policy, answer_until: datetime = EPOCH, before: str = "", clock: str = ""
) -> tuple[str, list[Block]]:
    """Draw a conversation's card: the text for notifications, and the blocks.

    `answer_until` is when the platform's window for answers ends, EPOCH where there is none; `before` the address of an
    earlier thread of the same conversation, `clock` how clocks run where the customer is, "" where nobody knows.
    """
    name = escape(card.name or "Customer")
    closed = card.status == "closed"
    title = f"*#{card.number} · {name}* on {escape(card.channel)}"
    head: Block = {"type": "section", "text": mrkdwn(f"~{title}~ · ✔️ closed" if closed else title)}
    if not closed:
        head["accessory"] = _menu(card.number)
    blocks = [head]
    if card.words:
        blocks.append({"type": "section", "text": mrkdwn(f"> {escape(card.words)}")})
    blocks.append({"type": "section", "fields": [mrkdwn(fact) for fact in _facts(card, policy, answer_until, clock)]})
    if card.why:
        why = escape("\n".join(card.why[:8]))
        blocks.append({"type": "context", "elements": [mrkdwn(why[:SECTION])]})
    if before:
        blocks.append({"type": "context", "elements": [mrkdwn(f"↪ It began <{before}|in another channel>")]})
    wanted = NEXT.get(card.status, "")
    buttons = [button(id_, BUTTONS[id_], str(card.number), primary=id_ == wanted) for id_ in BUTTONS]
    blocks.append({"type": "actions", "elements": buttons})
    return f"#{card.number} {name} on {escape(card.channel)}: {card.status}", blocks


def draw_left(card: Card, told: str, where: str) -> tuple[str, list[Block]]:
    """Draw what stands in a card's place whose conversation goes on elsewhere, at the address `where`."""
    title = f"#{card.number} · {escape(card.name or 'Customer')}"
    goes_on = f"<{where}|it goes on there>" if where else "it goes on in another channel"
    text = f"~*{title}*~ · ↪ {escape(told)}: {goes_on}"
    return text, [{"type": "section", "text": mrkdwn(text)}]


def _facts(card: Card, policy: Policy, answer_until: datetime, clock: str) -> list[str]:
    state = f"{STATUS_SIGNS.get(card.status, '')} {card.status}{on_clock(card.snoozed_until)}".strip()
    facts = [
        f"*Language:* {language_name(card.language) if card.language else 'not known yet'}",
        f"*Skill:* {escape(card.skill or policy.default_skill)}",
        f"*Assignee:* {f'<@{card.assignee}>' if card.assignee else 'nobody'}",
        f"*State:* {state}{' · has blocked us' if card.unreachable else ''}",
    ]
    if clock:
        facts.append(f"*Local time:* {escape(clock)}")
    if card.priority != "normal":
        facts.append(f"*Priority:* {card.priority}")
    if card.ratings:
        facts.append(f"*Satisfaction:* {_satisfaction(card.ratings)}")
    if card.waiting_since > EPOCH:
        facts.append(f"*Waiting:*{on_clock(card.waiting_since, 'since')}")
    if answer_until > EPOCH and card.status != "closed":
        facts.append(f"*Answer:*{on_clock(answer_until, 'before')}")
    return facts


def _satisfaction(ratings: Sequence[int]) -> str:
    mean = f" · {sum(ratings) / len(ratings):.1f} of 5 on average of {len(ratings)}" if len(ratings) > 1 else ""
    return stars(ratings[-1]) + mean


def _menu(number: int) -> Block:
    """Make the card's menu: each choice is a command's words."""
    options = [
        {"text": {"type": "plain_text", "text": label}, "value": f"{number}:{said}"} for said, label in MENU.items()
    ]
    return {"type": "overflow", "action_id": "more", "options": options}


def on_clock(moment: datetime, word: str = "until") -> str:
    """Say a moment after a word, as each reader's own clock has it; EPOCH is none."""
    return f" {word} {on_clocks(moment)}" if moment > EPOCH else ""


def on_clocks(moment: datetime, shape: str = "{date_short_pretty} {time}") -> str:
    """Say a moment as each reader's own clock has it; `shape` is in Slack's words for dates."""
    return f"<!date^{int(moment.timestamp())}^{shape}|{moment:%Y-%m-%d %H:%M} UTC>"


def draw(entries: Sequence[Entry]) -> tuple[str, list[Block]]:
    """Draw what one post shows: the text for notifications, and the blocks."""
    blocks = [block for entry in entries for block in _blocks(entry)]
    return "\n".join(filter(None, map(_plain, entries)))[:FALLBACK] or "…", blocks


def draw_plain(entries: Sequence[Entry]) -> str:
    """Say all that a post shows, as mere text."""
    said = [_plain(entry) + (f"\n{escape(entry.original)}" if isinstance(entry, Said) else "") for entry in entries]
    return "\n".join(filter(None, said)) or "…"


def draw_whisper(text: str, choices: Sequence[Choice] = ()) -> tuple[str, list[Block]]:
    """Draw what one agent is told, with its buttons."""
    blocks: list[Block] = [{"type": "section", "text": mrkdwn(part)} for part in _sections(text)]
    if choices:
        # Slack wants action ids that differ within a message; what follows the colon only makes them differ.
        buttons = [button(f"{each.action}:{n}", each.label, each.value) for n, each in enumerate(choices)]
        blocks.append({"type": "actions", "elements": buttons})
    return text[:FALLBACK], blocks[:MAX_BLOCKS]


class Room:
    """The room of one post, which entries take until it is full."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._blocks = self._characters = 0

    def take(self, entries: Sequence[Entry]) -> bool:
        """Put more into the post, where it surely can show all of them as well; else it stays as it was."""
        together = [*self.entries, *entries]
        blocks, characters = self._blocks, self._characters
        for entry in entries:
            more = _most(entry)
            blocks, characters = blocks + more[0], characters + more[1]
        if (blocks > MAX_BLOCKS or characters > MAX_TEXT) and (self.entries or not _fit(together)):
            return False
        self.entries, self._blocks, self._characters = together, blocks, characters
        return True


def fits(entries: Sequence[Entry]) -> bool:
    """Say whether one post can show all of these."""
    return Room().take(entries)


def _fit(entries: Sequence[Entry]) -> bool:
    """Try whether one post can show all of these."""
    blocks = [block for entry in entries for block in _blocks(entry)]
    return len(blocks) <= MAX_BLOCKS and _characters(blocks) <= MAX_TEXT


def _most(entry: Entry) -> tuple[int, int]:
    """Say how many blocks and characters an entry takes at most, without drawing it."""
    around, blocks = A_HEAD, 1
    match entry:
        case Question():
            words = f"{entry.agent}{entry.reason}{entry.text}{entry.rendering}{entry.back}{4 * entry.held}"
            around, blocks = A_HEAD + A_FOOT + 4 * A_BUTTON, 2
        case Line():
            words = f"{entry.mention}{entry.text}"
        case Said():
            words = f"{entry.name}{entry.quote[:150]}{entry.attachment}{entry.text}{entry.original}{entry.mark}"
            blocks += bool(entry.original) + bool(entry.mark)
            if entry.original:
                words += 2 * entry.message
                around += A_FOOT + A_BUTTON
    if isinstance(entry, Question) or (isinstance(entry, Said) and entry.deleted):
        # Each line is quoted, or struck out.
        around += 2 * len(words.splitlines())
    characters = _characters(escape(words)) + around
    # A long text has a block for each section.
    blocks += characters // (SECTION // 2)
    return blocks, characters + A_BLOCK * blocks


def _characters(shown: object) -> int:
    return len(msgspec.json.encode(shown).decode())


def pieces(entry: Entry) -> list[Entry]:
    """Cut an entry that no post can show whole; nothing of it is lost."""
    if fits([entry]):
        return [entry]
    if isinstance(entry, Said):
        parts: list[Entry] = [replace(entry, text=text, original="") for text in split(entry.text, 1500)]
        parts += [
            replace(entry, text="", original=text, attachment="", quote="") for text in split(entry.original, 1500)
        ]
        return parts
    if isinstance(entry, Line):
        return [replace(entry, text=text, mention="") for text in split(entry.text, 1500)]
    notes: list[Entry] = [Line(text=text, quiet=True) for text in split(entry.rendering or entry.text, 1500)]
    return [*notes, replace(entry, text=entry.text[:700], rendering=entry.rendering[:700], back=entry.back[:700])]


def _blocks(entry: Entry) -> list[Block]:
    match entry:
        case Said():
            return _said(entry)
        case Line():
            ping = f"<@{entry.mention}> " if entry.mention else ""
            if entry.quiet:
                return [_context(part) for part in _sections(escape(entry.text))]
            return [{"type": "section", "text": mrkdwn(ping + part)} for part in _sections(escape(entry.text))]
        case Question():
            return _question(entry)


def _said(said: Said) -> list[Block]:
    name = "" if said.named else f"*{escape(said.name or 'Customer')}*"
    notes = [word for word, holds in (("edited", said.edited), ("deleted by the customer", said.deleted)) if holds]
    head = " ".join(filter(None, (name, f"_({', '.join(notes)})_" if notes else "")))
    quote = f"> {escape(said.quote[:150])}" if said.quote else ""
    words = "\n".join(filter(None, (escape(said.attachment), escape(said.text))))
    if said.deleted:
        words = "\n".join(f"~{line}~" for line in words.splitlines() if line.strip())
    blocks: list[Block] = [
        {"type": "section", "text": mrkdwn(part)}
        for part in _sections("\n".join(filter(None, (head, quote, words))) or "…")
    ]
    if said.original and said.engine and not said.deleted:
        blocks[0]["accessory"] = button(f"fix:{said.message[-200:]}", "Fix", said.message)
    if said.original:
        by = " · ".join(filter(None, (language_name(said.language), said.engine)))
        original = f"{by}: {said.original}" if by else said.original
        blocks += [_context(part) for part in _sections(escape(original))]
    if said.mark:
        follows = "; its translation follows" if said.late else ""
        blocks.append(_context(escape(f"⚠️ {said.mark}{follows}")))
    return blocks


def _question(ask: Question) -> list[Block]:
    said = f"<@{ask.agent}> Not {'changed' if ask.changes else 'sent'} yet. {escape(ask.reason)}\n> {_quoted(ask.text)}"
    if ask.rendering:
        said += f"\nThe customer would read:\n> {_quoted(ask.rendering)}"
    if ask.back:
        said += f"\nwhich means:\n> {_quoted(ask.back)}"
    buttons = [button("send", "Send", ask.held, primary=True)]
    if ask.rendering:
        buttons.append(button("edit", "Edit…", ask.held))
        buttons.append(button("send_original", "Send the original", ask.held))
    buttons.append(button("keep", "Leave it as it is" if ask.changes else "Keep as a note", ask.held))
    sections: list[Block] = [{"type": "section", "text": mrkdwn(part)} for part in _sections(said)]
    return [*sections, {"type": "actions", "elements": buttons}]


def _quoted(text: str) -> str:
    return escape(text).replace("\n", "\n> ")


def _plain(entry: Entry) -> str:
    match entry:
        case Said():
            words = " ".join(filter(None, (entry.attachment, entry.text, "" if entry.text else entry.original)))
            return escape(f"{entry.name}: {words}")
        case Line():
            return escape(entry.text)
        case Question():
            return escape(f"Not sent yet. {entry.reason}")


def _sections(text: str) -> list[str]:
    """Cut escaped text into what a block takes; a cut that falls within an entity moves before it."""
    parts = []
    while len(text) > SECTION:
        cut = max(text.rfind("\n", SECTION // 2, SECTION), text.rfind(" ", SECTION // 2, SECTION)) + 1 or SECTION
        entity = text.rfind("&", cut - 4, cut)
        cut = entity if entity > 0 and ";" not in text[entity:cut] else cut
        parts.append(text[:cut].rstrip())
        text = text[cut:]
    return [part for part in (*parts, text) if part]


def mrkdwn(text: str) -> dict[str, Any]:
    """Make a text in Slack's notation."""
    return {"type": "mrkdwn", "text": text}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text)]}


def button(action: str, label: str, value: str, *, primary: bool = False) -> Block:
    """Make a button."""
    button: Block = {
        "type": "button",
        "action_id": action,
        "text": {"type": "plain_text", "text": label},
        "value": value,
    }
    return {**button, "style": "primary"} if primary else button
