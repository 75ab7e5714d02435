"""A Telegram bot that customers write to. https://core.telegram.org/bots/api"""

import asyncio
import hashlib
import hmac
import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import aiohttp
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)
from yarl import URL

from adapters import telegram_updates
from adapters.contract import (
    Attachment,
    Capabilities,
    Content,
    Forged,
    Malformed,
    Outbound,
    Question,
    Receive,
    Rejected,
    Request,
    SendError,
    Sent,
    Unauthorised,
    Unavailable,
    Uncertain,
    Unfit,
    Unreachable,
)
from adapters.http import clean, not_sent, read_json, scrub
from adapters.media import Hosts, fetch
from adapters.telegram_transport import AiohttpRequest, Form, Tally
from config.credentials import Field
from config.settings import ChannelSettings
from routing.contents import File
from routing.events import Event

os.environ.setdefault("PTB_TIMEDELTA", "1")  # else the library warns at each 429

from telegram import Bot

POLL = 30
"""Seconds that a poll waits for news."""

UPLOAD_TIME = 600
"""Seconds that an upload may take; the answer to one comes late."""

MEGABYTE = 1024 * 1024
TAKES = {
    "image/jpeg": ("sendPhoto", "photo", 10),
    "image/png": ("sendPhoto", "photo", 10),
    "image/webp": ("sendPhoto", "photo", 10),
    "image/gif": ("sendAnimation", "animation", 50),
    "video/mp4": ("sendVideo", "video", 50),
    "audio/mpeg": ("sendAudio", "audio", 50),
    "audio/mp4": ("sendAudio", "audio", 50),
    "audio/x-m4a": ("sendAudio", "audio", 50),
    "audio/ogg": ("sendVoice", "voice", 50),
}
"""What Telegram shows as what, and up to how many MB; anything else, and what is larger, is a document."""

DOCUMENT = ("sendDocument", "document", 50)

log = logging.getLogger("dragoman.telegram")


class Telegram:
    """A Telegram bot; `session` carries its calls."""

    kind: ClassVar[str] = "telegram"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="token",
            label="Bot token",
            secret=True,
            where="Telegram: @BotFather, /newbot",
            pattern=r"\d+:[\w-]+",
            looks="digits, a colon and some 35 letters, such as 123456789:AAH…",
        ),
        Field(name="mode", label="How updates come", default="polling", choices=("polling", "webhook")),
        Field(
            name="webhook_secret",
            label="Webhook secret",
            secret=True,
            default="",
            help="Empty: made from the token",
            pattern=r"[\w-]{1,256}",
            looks="letters, digits, - and _",
        ),
        Field(name="api_base", label="API address", default="https://api.telegram.org"),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(max_text=4096)

    def __init__(self, settings: ChannelSettings, session: aiohttp.ClientSession) -> None:
        self.ends_at: datetime | None = None
        self.concerns: Sequence[str] = ()
        self.id = settings.id
        token = settings.secrets["token"].reveal()
        self._polls = settings.values["mode"] == "polling"
        self._secret = settings.secrets["webhook_secret"].reveal() or _secret_from(token)
        self._bot_id = token.partition(":")[0]
        base = settings.values["api_base"].rstrip("/")
        self._url = f"{base}/bot{token}"
        self._session = session
        self._files = URL(f"{base}/file/bot{token}")
        self._request = AiohttpRequest(session)
        self._bot = Bot(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=self._request,
            get_updates_request=self._request,
        )

    def verify(self, request: Request) -> None:
        """Compare the secret that Telegram repeats with the one we registered."""
        repeated = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(repeated.encode(), self._secret.encode()):
            raise Forged(f"{self.id}: wrong or missing secret")

    def parse(self, request: Request) -> Sequence[Event]:
        """Read an update."""
        update = read_json(request.body)
        if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
            raise Malformed("this isn't a Telegram update: it has no update_id")
        return self._read(update, request.at)

    async def send(self, message: Outbound) -> Sent:
        """Send text."""
        chat, connection, topic = _addressee(message.peer)
        try:
            sent = await self._bot.send_message(
                chat, message.text, business_connection_id=connection, message_thread_id=topic
            )
        except TelegramError as error:
            raise explain(error) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Uncertain(f"Telegram's answer can't be read: {type(error).__name__}") from error
        return Sent(str(sent.message_id))

    async def edit(self, message: Outbound, sent: str) -> None:
        """Change the text of a message of ours."""
        chat, connection, _ = _addressee(message.peer)
        try:
            await self._bot.edit_message_text(
                message.text, chat_id=chat, message_id=int(sent), business_connection_id=connection
            )
        except BadRequest as error:
            if "not modified" not in error.message.lower():
                raise explain(error) from error
        except TelegramError as error:
            raise explain(error) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Uncertain(f"Telegram's answer can't be read: {type(error).__name__}") from error

    async def delete(self, peer: str, sent: str) -> None:
        """Take back a message of ours."""
        chat, connection, _ = _addressee(peer)
        try:
            if connection:
                await self._bot.delete_business_messages(connection, [int(sent)])
            else:
                await self._bot.delete_message(chat, int(sent))
        except BadRequest as error:
            if "not found" not in error.message.lower():
                raise explain(error) from error
        except TelegramError as error:
            raise explain(error) from error

    async def attach(self, message: Outbound, attachment: Attachment) -> Sent:
        """Upload a file and send it as what it is; one that breaks off in the middle never arrived."""
        content = attachment.content
        method, field, most = TAKES.get(content.mime, DOCUMENT)
        if content.size > most * MEGABYTE:
            method, field, most = DOCUMENT
        if content.size > most * MEGABYTE:
            raise Unfit(f"Telegram takes files of at most {most} MB from bots")
        chat, connection, topic = _addressee(message.peer)
        form = Form(chat_id=chat, business_connection_id=connection, message_thread_id=topic)
        tally = Tally(content.file)
        form.upload = (field, attachment, tally)
        try:
            sent = await self._request.post(
                f"{self._url}/{method}",
                form,  # type: ignore[arg-type]  # only our own `do_request` reads it
                read_timeout=UPLOAD_TIME,
            )
            if isinstance(sent, dict) and "message_id" in sent:
                return Sent(str(sent["message_id"]))
            raise Uncertain("Telegram's answer can't be read")
        except TelegramError as error:
            if isinstance(error, NetworkError) and tally.sent < content.size:
                raise Unavailable("the file's upload to Telegram broke off") from error
            raise explain(error) from error

    @asynccontextmanager
    async def fetch(self, file: File) -> AsyncIterator[Content]:
        """Ask where a file is, and fetch it; bots get 20 MB at most."""
        try:
            answer = await self._request.post(
                f"{self._url}/getFile",
                Form(file_id=file.ref),  # type: ignore[arg-type]  # as above
            )
        except TelegramError as error:
            if "too big" in error.message.lower():
                raise Rejected("Telegram gives bots no files above 20 MB") from error
            raise explain(error) from error
        path = clean(answer.get("file_path")) if isinstance(answer, dict) else ""
        url = self._files.joinpath(*path.lstrip("/").split("/"))
        async with fetch(self._session, str(url), Hosts(self._files.origin())) as content:
            yield content

    @asynccontextmanager
    async def picture(self) -> AsyncIterator[Content]:
        """Fetch the bot's latest profile photo, as small as Telegram has it."""
        photo = await self._photo_of(self._bot_id)
        if not photo:
            raise Rejected("the bot has no picture", "Give it one at @BotFather: /setuserpic.")
        async with self.fetch(File(ref=photo, kind="photo")) as content:
            yield content

    @asynccontextmanager
    async def portrait(self, peer: str) -> AsyncIterator[Content]:
        """Fetch a person's latest profile photo; groups are asked for none."""
        chat, *_ = _addressee(peer)
        photo = await self._photo_of(str(chat)) if chat > 0 else ""
        if not photo:
            raise Rejected("no picture is shown to the bot")
        async with self.fetch(File(ref=photo, kind="photo")) as content:
            yield content

    async def _photo_of(self, user: str) -> str:
        """Give the file of somebody's latest profile photo, "" where none is shown to us."""
        try:
            answer = await self._request.post(
                f"{self._url}/getUserProfilePhotos",
                Form(user_id=user, limit=1),  # type: ignore[arg-type]  # as above
            )
        except TelegramError as error:
            raise explain(error) from error
        photos = answer.get("photos") if isinstance(answer, dict) else None
        return clean(photos[0][0].get("file_id")) if photos and photos[0] else ""

    def questions(self) -> Sequence[Question]:
        """Give what Telegram can be asked: whose token it is."""
        return (Question("token", ("token",), self.probe),)

    async def probe(self) -> str:
        """Ask whose token it is."""
        try:
            me = await self._request.post(f"{self._url}/getMe")
        except TelegramError as error:
            raise explain(error) from error
        return f"@{me.get('username', '?')}" if isinstance(me, dict) else "?"

    @property
    def waits_for_calls(self) -> bool:
        """Say whether Telegram is to call us."""
        return not self._polls

    async def reach(self, url: str) -> None:
        """Ask Telegram whether updates wait because it doesn't reach us."""
        try:
            told = await self._request.post(f"{self._url}/getWebhookInfo")
        except TelegramError:
            return
        hook = told if isinstance(told, dict) else {}
        failed = clean(hook.get("last_error_message"))
        if failed and hook.get("url") and hook.get("pending_update_count"):
            cure = "Check gateway.public_url, and that it can be reached from outside over https."
            raise SendError(f"Telegram can't deliver to {clean(hook['url'])}: {failed}", cure)

    async def hook(self, url: str) -> None:
        """Have updates sent to `url`; in polling mode there is nothing to do."""
        if self._polls:
            return
        try:
            await self._bot.set_webhook(url, secret_token=self._secret, allowed_updates=telegram_updates.WANTED)
        except TelegramError as error:
            raise explain(error) from error

    async def listen(self, receive: Receive) -> None:
        """Poll for updates; each is confirmed by asking for the next, once `receive` has it."""
        if not self._polls:
            return
        offset, wait = 0, 1.0
        hooked = True
        while True:
            try:
                if hooked:
                    await self._request.post(f"{self._url}/deleteWebhook")
                    hooked = False
                # Whether the other program is gone is asked without waiting for an update.
                form = Form(
                    offset=offset, timeout=0 if self.concerns else POLL, allowed_updates=list(telegram_updates.WANTED)
                )
                updates = await self._request.post(
                    f"{self._url}/getUpdates",
                    form,  # type: ignore[arg-type]  # as above
                    read_timeout=POLL + 10,
                )
                for update in updates if isinstance(updates, list) else ():
                    if isinstance(update.get("update_id"), int):
                        await receive(self._read(scrub(update), datetime.now(UTC)))
                        offset = max(offset, update["update_id"] + 1)
                wait = 1.0
                self.concerns = ()
            except TelegramError as error:
                hooked = isinstance(error, Conflict)
                told = explain(error)
                self.concerns = (f"nothing comes: {told}",) if hooked else ()
                log.warning("telegram.poll_failed", extra={"channel": self.id, "error": str(told)})
                after = told.after.total_seconds() if isinstance(told, Unavailable) else 0
                await asyncio.sleep(max(wait, after))
                wait = min(wait * 2, 30)

    def _read(self, update: Any, at: datetime) -> Sequence[Event]:
        return telegram_updates.read_update(update, self.id, self._bot_id, at)


def explain(error: TelegramError) -> SendError:
    """Say what an error of Telegram's asks us to do; its texts are compared in lower case."""
    said = error.message
    lower = said.lower()
    match error:
        case RetryAfter():
            after = error.retry_after
            seconds = after if isinstance(after, timedelta) else timedelta(seconds=after)
            return Unavailable("Telegram asks us to slow down", seconds)
        case ChatMigrated():
            return Rejected("the group has become a supergroup with a new address", "Ask the customer to write again.")
        case Forbidden():
            return Unreachable(_FORBIDDEN.get(lower.removeprefix("forbidden: "), f"Telegram refuses: {said}"))
        case InvalidToken():
            return Unauthorised("Telegram refuses the bot token", "Get the token from @BotFather and set it anew.")
        case Conflict():
            return Unavailable("another program polls this bot: stop it, or make a bot for each")
        case BadRequest():
            return _bad_request(said, lower)
    if not_sent(error.__cause__):
        return Unavailable("Telegram can't be reached")
    if lower.startswith("too many requests"):
        return Unavailable("Telegram asks us to slow down", timedelta(seconds=1))
    return Uncertain(f"Telegram didn't answer: {type(error.__cause__ or error).__name__}")


_FORBIDDEN = {
    "bot was blocked by the user": "the customer has blocked the bot",
    "user is deactivated": "the customer's account is gone",
    "bot can't initiate conversation with a user": "the customer has to write to the bot first",
    "bot was kicked from the group chat": "the bot was removed from the group",
    "bot was kicked from the supergroup chat": "the bot was removed from the group",
}


def _bad_request(said: str, lower: str) -> SendError:
    if "chat not found" in lower:
        return Unreachable("Telegram doesn't know this chat any more")
    if "too long" in lower:
        return Rejected("it is too long for Telegram", "Send it in shorter messages.")
    if "text is empty" in lower:
        return Rejected("there is nothing in it to send", "Write some words.")
    if "can't be deleted" in lower:
        return Rejected("Telegram doesn't let us take this message back any more", "Write to the customer instead.")
    if "message to edit not found" in lower or "can't be edited" in lower:
        return Rejected("Telegram doesn't let us change this message any more", "Write it again.")
    if "not enough rights" in lower:
        return Rejected("the bot may not write in this group", "Ask the group's admin to let it.")
    return Rejected(f"Telegram refuses it: {said}")


def _addressee(peer: str) -> tuple[int, str | None, int | None]:
    chat, _, connection = peer.partition("@")
    chat, _, topic = chat.partition(":")
    return int(chat), connection or None, int(topic) if topic else None


def _secret_from(token: str) -> str:
    return hmac.new(token.encode(), b"dragoman webhook", hashlib.sha256).hexdigest()
