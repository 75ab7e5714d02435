"""Files in Slack, for the desk and for customers who write there. https://docs.slack.dev/messaging/working-with-files"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import aiohttp
from yarl import URL

from adapters.contract import Content, Unavailable, Uncertain
from adapters.http import clean
from adapters.media import Hosts
from adapters.slack_api import SlackApi, find_message
from config.credentials import Secret

UPLOAD = aiohttp.ClientTimeout(total=600, sock_connect=10, sock_read=60)


def hosts(api_base: str, token: Secret) -> Hosts:
    """Say where a workspace's files are, and that the token goes to Slack's own hosts alone."""
    return Hosts(
        URL(api_base),
        trusted=("slack.com", "slack-files.com"),
        headers={"Authorization": f"Bearer {token.reveal()}"},
    )


async def upload(api: SlackApi, session: aiohttp.ClientSession, name: str, content: Content) -> str:
    """Upload a file that nobody sees yet; gives its id. One that broke off did no harm.

    Raises:
        SendError: never Uncertain.
    """
    try:
        place = await api.read("files.getUploadURLExternal", filename=name, length=content.size)
        async with session.post(
            clean(place.get("upload_url")),
            data=content.file,
            headers={"Content-Type": "application/octet-stream"},
            timeout=UPLOAD,
        ) as answer:
            if answer.status != 200:
                raise Unavailable(f"Slack didn't take the file: status {answer.status}")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unavailable(f"the file's upload to Slack broke off: {type(error).__name__}") from error
    except Uncertain as error:
        raise Unavailable(str(error)) from error
    return clean(place.get("file_id"))


async def publish(
    api: SlackApi, files: Sequence[tuple[str, str]], channel: str, *, thread: str = "", comment: str = ""
) -> None:
    """Post uploaded files, each an id and a title, as one message."""
    await api.call(
        "files.completeUploadExternal",
        files=[{"id": id_, "title": title} for id_, title in files],
        channel_id=channel,
        thread_ts=thread or None,
        initial_comment=comment or None,
    )


async def published(api: SlackApi, file: str, channel: str, *, since: datetime, thread: str = "") -> str:
    """Give the ts of the message that shows a file since a moment, "" where none does.

    The messages tell: what the file itself says of where it is shown comes later.
    """

    def is_it(message: Mapping[str, Any]) -> bool:
        return any(each.get("id") == file for each in message.get("files") or () if isinstance(each, dict))

    return await find_message(api, channel, is_it, since=since, thread=thread)
