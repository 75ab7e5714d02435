"""The manifest of the desk's Slack app: all that it asks for, as the configuration wants it.

https://docs.slack.dev/reference/app-manifest
"""

import json
from pathlib import Path
from typing import Any

import config
from config.settings import Settings

FILE = Path(config.__file__).parent / "slack-manifest.json"
GUEST_SCOPES = ("im:history", "im:read", "app_mentions:read")
GUEST_EVENTS = ("message.im", "app_mention")
"""What it takes for customers to write to the desk's own app."""


def manifest(settings: Settings, *, guests: bool = False) -> str:
    """Give it as JSON, ready to paste; `guests` says that customers write to the app, too."""
    told: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    public_url = settings.gateway.public_url
    if settings.desk.mode == "http" and public_url:
        url = f"{public_url}/slack/events"
        told["settings"]["socket_mode_enabled"] = False
        told["settings"]["event_subscriptions"]["request_url"] = url
        told["settings"]["interactivity"]["request_url"] = url
        for command in told["features"]["slash_commands"]:
            command["url"] = url
    if public_url.startswith("https://"):
        told["oauth_config"]["redirect_urls"] = [f"{public_url}/admin/slack/back"]
    if guests or _has_guests(settings):
        told["oauth_config"]["scopes"]["bot"] += GUEST_SCOPES
        told["settings"]["event_subscriptions"]["bot_events"] += GUEST_EVENTS
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _has_guests(settings: Settings) -> bool:
    token = settings.desk.bot_token
    slack = [each for each in settings.channels.values() if each.kind == "slack"]
    return any(each.secrets["bot_token"] == token for each in slack)
