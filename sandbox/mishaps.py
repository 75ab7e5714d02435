"""What goes wrong in set-up, to be switched on and off: an admin sees what the gateway says of it, and its cure."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.front import Front
from sandbox.messenger import MessagingSandbox
from sandbox.slack import SlackSandbox
from sandbox.telegram import TelegramSandbox
from sandbox.whatsapp import WhatsAppSandbox

IN_THREE_DAYS = 3 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Mishap:
    """Something that goes wrong: `title` tells an admin what was done, `happen` does it, or with False undoes it."""

    title: str
    happen: Callable[[bool], None]


def mishaps(
    telegram: TelegramSandbox, slack: SlackSandbox, whatsapp: WhatsAppSandbox, messenger: MessagingSandbox, front: Front
) -> Mapping[str, Mishap]:
    """Give what can go wrong on these platforms, by name."""
    token, bot, app_token = telegram.token, slack.token, slack.app_token
    scopes, channel = list(slack.scopes), slack.channel

    def take_scope(on: bool) -> None:
        slack.scopes[:] = [scope for scope in scopes if not on or scope != "reactions:write"]

    def put_out(on: bool) -> None:
        if on:
            slack.places.discard(channel)
            slack.visible[channel] = "support"
        else:
            slack.places.add(channel)
            slack.visible.pop(channel, None)

    def end_soon(on: bool) -> None:
        whatsapp.token_told = {"is_valid": True, "expires_at": int(time.time()) + IN_THREE_DAYS if on else 0}

    def flag(on: bool) -> None:
        whatsapp.standing = {"quality_rating": "RED" if on else "GREEN", "status": "FLAGGED" if on else "CONNECTED"}

    def unregister(on: bool) -> None:
        whatsapp.pin = "123456" if on else ""

    return {
        "telegram-revoked": Mishap("Telegram: the token was revoked at @BotFather", _set(telegram, "token", token)),
        "telegram-elsewhere": Mishap("Telegram: another program polls the same bot", telegram.poll_elsewhere),
        "slack-revoked": Mishap("Slack: the app was removed from the workspace", _set(slack, "token", bot)),
        "slack-app-token": Mishap("Slack: the app-level token was deleted", _set(slack, "app_token", app_token)),
        "slack-scope": Mishap("Slack: the app lacks a scope, reactions:write", take_scope),
        "slack-not-invited": Mishap("Slack: the app isn't in #support", put_out),
        "whatsapp-expired": Mishap("WhatsApp: the access token has expired", _turn(whatsapp, "expired")),
        "whatsapp-ending": Mishap("WhatsApp: the access token ends in three days", end_soon),
        "whatsapp-flagged": Mishap("WhatsApp: customers blocked and reported the number", flag),
        "whatsapp-unregistered": Mishap("WhatsApp: the number isn't registered", unregister),
        "whatsapp-unsubscribed": Mishap("WhatsApp: Meta tells the app of nothing any more", _turn(whatsapp, "cut_off")),
        "messenger-expired": Mishap("Messenger: the Page's token has expired", _turn(messenger, "expired")),
        "messenger-unsubscribed": Mishap("Messenger: the Page's app was taken off", _turn(messenger, "cut_off")),
        "unreachable": Mishap("The public address leads nowhere: the proxy is down", _turn(front, "broken")),
    }


def _set(what: object, name: str, right: str) -> Callable[[bool], None]:
    """Have a platform want another secret than ours."""
    return lambda on: setattr(what, name, f"{right}-another" if on else right)


def _turn(what: object, name: str) -> Callable[[bool], None]:
    return lambda on: setattr(what, name, on)
