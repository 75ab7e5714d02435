"""Forms that an agent fills in: Slack's modals. https://docs.slack.dev/surfaces/modals/"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from adapters.http import clean
from adapters.places import Places
from adapters.slack_text import escape
from routing.events import AgentSubmitted

LONGEST = 3_000
"""Characters that a field takes."""

ABOUT = 550
"""Characters that are shown of what a form is about, so that they fit even escaped; the thread shows all."""

WORDS = "words"
TITLES = {"edit": ("Before it is sent", "Send"), "fix": ("Put it right", "Correct")}
"""A form's title and what its button says, by what it is for."""

Json = Mapping[str, Any]


class Form(NamedTuple):
    """Asks an agent for words: `action` says what becomes of them, `about` names the message that they are for.

    `shown` stands above the field, each a label and a text; `text` stands in it. `seen` comes back with the words.
    """

    action: str
    about: str
    label: str
    text: str
    shown: Sequence[tuple[str, str]] = ()
    seen: str = ""


class _Place(msgspec.Struct, frozen=True):
    """What a form carries so that its answer finds the way."""

    thread: str
    about: str
    seen: str = ""


_decode = msgspec.json.Decoder(_Place).decode


def draw_form(form: Form, root: str) -> dict[str, Any]:
    """Draw a form that belongs to the thread `root`."""
    title, submit = TITLES[form.action]
    shown = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*{escape(label)}*\n{escape(text[:ABOUT])}"}}
        for label, text in form.shown
        if text
    ]
    field = {
        "type": "plain_text_input",
        "action_id": WORDS,
        "multiline": True,
        "max_length": LONGEST,
        "initial_value": form.text[:LONGEST],
    }
    return {
        "type": "modal",
        "callback_id": form.action,
        "private_metadata": msgspec.json.encode(_Place(root, form.about, form.seen)).decode(),
        "title": _said(title),
        "submit": _said(submit),
        "close": _said("Cancel"),
        "blocks": [*shown, {"type": "input", "block_id": WORDS, "label": _said(form.label), "element": field}],
    }


def read_form(body: Json, places: Places, at: datetime) -> Sequence[AgentSubmitted]:
    """Read a view_submission; one that isn't of a form of ours gives nothing.

    Raises:
        KeyError, TypeError, AttributeError: it is malformed.
    """
    view = body["view"]
    if view["callback_id"] not in TITLES:
        return ()
    try:
        place = _decode(view["private_metadata"])
    except msgspec.DecodeError as error:
        raise TypeError("a form of ours without its place") from error
    return (
        AgentSubmitted(
            id=f"desk:form:{view['id']}",
            to=places.thread(place.thread),
            at=at,
            agent=clean(body["user"]["id"]),
            action=view["callback_id"],
            value=place.about,
            seen=place.seen,
            text=clean(view["state"]["values"][WORDS][WORDS]["value"]),
        ),
    )


def _said(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}
