"""Saved replies at the desk: the list that `/dragoman replies` shows, and the form that makes and changes one."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from adapters.desk_view import Block, button, mrkdwn
from adapters.http import clean
from adapters.slack_text import escape
from routing.languages import COMMON, language_name
from routing.policy import VARIABLES, SavedReply

MOST = 20
"""How many saved replies a list shows."""

SHOWN = 200
"""Characters of a saved reply's text in a list."""

LONGEST = 3_000
NAME = 60
CALLBACK = "saved_reply"


class Filled(NamedTuple):
    """What an agent put into the form."""

    name: str
    language: str
    text: str


def draw_replies(found: Sequence[SavedReply], fixed: Sequence[str], wanted: str) -> list[Block]:
    """Draw saved replies, each with a button to change it but those in `fixed`; `wanted` is what was looked for."""
    title = f"Saved replies with “{escape(wanted)}”" if wanted else "Saved replies"
    blocks: list[Block] = [
        {"type": "section", "text": mrkdwn(f"*{title}*" if found else f"*{title}*\nThere are none.")}
    ]
    for each in found[:MOST]:
        first = next(iter(each.text.values()), "")
        cut = f"{first[:SHOWN]}…" if len(first) > SHOWN else first
        spoken = ", ".join(map(language_name, each.text))
        words = f"`!reply {escape(each.name)}` · {spoken}\n> {escape(cut)}".replace("\n", "\n> ").replace("> > ", "> ")
        block: Block = {"type": "section", "text": mrkdwn(words)}
        if each.name not in fixed:
            block["accessory"] = button(f"reply_edit:{each.name[:200]}", "Edit…", each.name)
        blocks.append(block)
    if len(found) > MOST:
        more = f"… and {len(found) - MOST} more: say words that it has, `/dragoman replies WORDS`."
        blocks.append({"type": "context", "elements": [mrkdwn(more)]})
    blocks.append({"type": "actions", "elements": [button("reply_new", "New…", "new", primary=True)]})
    return blocks


def draw_reply_form(reply: SavedReply | None, language: str) -> dict[str, Any]:
    """Draw the form for a new saved reply, or for a version of one; its text may be left out to take it away."""
    languages = dict.fromkeys((language, *(reply.text if reply else ()), *COMMON))
    options = [option(language_name(tag), tag) for tag in languages][:100]
    known = ", ".join(f"`{{{name}}}`" for name in VARIABLES)
    about = f"{known} are filled in. In languages without a version of their own it is translated."
    shown = [f"*{language_name(tag)}*\n> {_quoted(text)}" for tag, text in (reply.text if reply else {}).items()]
    fields = [
        field(
            "language",
            "Language of this version",
            {"type": "static_select", "options": options, "initial_option": options[0]},
        ),
        field(
            "text",
            "Text (leave it empty to take this version away)" if reply else "Text",
            {
                "type": "plain_text_input",
                "multiline": True,
                "max_length": LONGEST,
                **({"initial_value": reply.text[language]} if reply and language in reply.text else {}),
            },
            optional=reply is not None,
        ),
    ]
    name = field("name", "Name, as in !reply NAME", {"type": "plain_text_input", "max_length": NAME})
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": reply.name if reply else "",
        "title": plain("Saved reply"),
        "submit": plain("Save"),
        "close": plain("Cancel"),
        "blocks": [
            {
                "type": "section",
                "text": mrkdwn("\n".join((f"*{escape(reply.name)}*" if reply else "", about)).strip()[:LONGEST]),
            },
            *([] if reply else [name]),
            *({"type": "section", "text": mrkdwn(text[:LONGEST])} for text in shown if reply and len(reply.text) > 1),
            *fields,
        ],
    }


def read_reply_form(view: Mapping[str, Any]) -> Filled:
    """Read what an agent put in.

    Raises:
        KeyError, TypeError, AttributeError: it is malformed.
    """
    values = view["state"]["values"]
    name = clean(view["private_metadata"]) or clean(values["name"]["name"]["value"])
    language = clean(values["language"]["language"]["selected_option"]["value"])
    return Filled(" ".join(name.split()), language, clean(values["text"]["text"].get("value") or "").strip())


def field(name: str, label: str, element: dict[str, Any], *, optional: bool = False) -> Block:
    """Make a field of a form."""
    return {
        "type": "input",
        "block_id": name,
        "optional": optional,
        "label": plain(label),
        "element": {"action_id": name, **element},
    }


def option(label: str, value: str) -> dict[str, Any]:
    """Make a choice of a field."""
    return {"text": plain(label), "value": value}


def _quoted(text: str) -> str:
    return escape(text).replace("\n", "\n> ")


def plain(text: str) -> dict[str, str]:
    """Make a text without notation."""
    return {"type": "plain_text", "text": text}
