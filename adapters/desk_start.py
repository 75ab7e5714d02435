"""The form in which an agent begins a conversation. https://docs.slack.dev/surfaces/modals/"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from adapters.desk_replies import field, option, plain
from adapters.http import clean
from routing.languages import COMMON, language_name

CALLBACK = "start"
UNKNOWN = "unknown"
"""The choice of a language that nobody knows yet."""


class Start(NamedTuple):
    """Whom an agent wants to write to: the channel's id, the platform's id or phone number, a language tag, a name."""

    channel: str
    address: str
    language: str
    name: str


def draw_start_form(channels: Collection[str]) -> dict[str, Any]:
    """Draw the form."""
    ways = [option(each, each) for each in channels][:100]
    languages = [option("Not known", UNKNOWN), *(option(language_name(tag), tag) for tag in COMMON)]
    line = {"type": "plain_text_input", "max_length": 100}
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": "",
        "title": plain("New conversation"),
        "submit": plain("Open its thread"),
        "close": plain("Cancel"),
        "blocks": [
            field("channel", "Channel", {"type": "static_select", "options": ways, "initial_option": ways[0]}),
            field("address", "Phone number, or the platform's id of the customer", line),
            field("name", "Name", line, optional=True),
            field(
                "language",
                "Language that they read",
                {"type": "static_select", "options": languages, "initial_option": languages[0]},
            ),
        ],
    }


def read_start_form(view: Mapping[str, Any]) -> Start:
    """Read what an agent put in.

    Raises:
        KeyError, TypeError, AttributeError: it is malformed.
    """
    values = view["state"]["values"]
    language = clean(values["language"]["language"]["selected_option"]["value"])
    return Start(
        channel=clean(values["channel"]["channel"]["selected_option"]["value"]),
        address=clean(values["address"]["address"].get("value") or ""),
        language="" if language == UNKNOWN else language,
        name=clean(values["name"]["name"].get("value") or "").strip(),
    )
