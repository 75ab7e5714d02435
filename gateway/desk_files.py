"""Customers' files on their way into the thread: fetched, uploaded, and posted together where they belong together."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from adapters.contract import Channel, Fetching, SendError, Unavailable
from adapters.desk import Desk
from adapters.desk_view import Said
from adapters.media import named
from adapters.slack_text import escape
from gateway.hands import Hands
from gateway.store.contract import Batch, Order, Result
from routing.contents import File, channel_of
from routing.effects import ShowFiles

ALBUM_WAIT = timedelta(seconds=1.5)
"""How long after a part of an album the next may come to be shown with it."""

ALBUM_LONGEST = timedelta(seconds=6)
"""How long the first part of an album waits at most."""

PATIENCE = timedelta(minutes=2)
"""How long a file that can't be had now is tried, while what comes after it in its thread waits."""

FAILED = "!"
"""How a file's place in an order's progress begins where it can't be shown; why follows."""

log = logging.getLogger("dragoman.deliver")


class SearchFailed(Exception):
    """Whether a post was accepted couldn't be found out; `error` says why."""

    def __init__(self, error: SendError) -> None:
        super().__init__(str(error))
        self.error = error


async def find_post(desk: Desk, order: str, since: datetime, *, thread: str = "", channel: str = "") -> str:
    """Look for a post that may have been accepted since its order is there.

    Raises:
        SearchFailed: that can't be found out just now.
    """
    try:
        return await desk.find(order, since=since, thread=thread, channel=channel)
    except SendError as error:
        raise SearchFailed(error) from error


class DeskFiles:
    """Shows customers' files at the desk."""

    def __init__(self, hands: Hands, desk: Desk, channels: Mapping[str, Channel]) -> None:
        self._hands = hands
        self._desk = desk
        self._channels = channels

    async def waits(self, batch: Batch) -> bool:
        """Let an album wait for its other parts, if nothing else waits behind it."""
        album = together(batch.orders)
        first, last = album[0], album[-1]
        until = min(last.at + ALBUM_WAIT, first.at + ALBUM_LONGEST)
        is_album = isinstance(first.effect, ShowFiles) and first.effect.album
        if not is_album or len(album) < len(batch.orders) or self._hands.clock() >= until:
            return False
        await self._hands.postpone(batch, until, open_call=bool(first.open_call))
        return True

    async def upload(self, orders: Sequence[Order]) -> list[Order]:
        """Bring the files of orders to Slack, unseen yet; their progress then names each, or says why it failed.

        Raises:
            Unavailable: one can't be had just now.
        """
        uploaded = []
        for order in orders:
            done = order
            for file in _files(order)[len(order.progress.sent) :]:
                said = await self._upload(done, file)
                progress = replace(done.progress, sent=(*done.progress.sent, said))
                done = await self._hands.store.advance(replace(done, progress=progress))
            uploaded.append(done)
        return uploaded

    async def publish(self, batch: Batch, orders: Sequence[Order], where: str) -> bool:
        """Post what was uploaded as one message; False where there is nothing to post.

        Raises:
            SendError: it isn't posted, or (Uncertain) may be.
            SearchFailed: it may have been before, and Slack doesn't tell.
        """
        files = [(id_, file.kind) for order in orders for id_, file in _shown(order)]
        if not files:
            return False
        said = [entry for order in orders if (entry := told(order)) is not None]
        if not await self._is_published(orders[0], files[0][0], where):
            await self._hands.store.begin(orders)
            await self._desk.publish(files, thread=where, comment="\n".join(map(_comment, said)))
        await self._hands.keep(batch, Result(orders=tuple(order.id for order in orders)))
        return True

    async def _is_published(self, order: Order, file: str, where: str) -> bool:
        """Say whether a call that broke off was accepted."""
        if not order.open_call:
            return False
        try:
            return bool(await self._desk.published(file, since=order.at, thread=where))
        except SendError as error:
            raise SearchFailed(error) from error

    async def _upload(self, order: Order, file: File) -> str:
        channel = self._channels.get(channel_of(order.mailbox))
        if channel is None or not isinstance(channel, Fetching):
            return f"{FAILED}its channel isn't there any more"
        try:
            async with channel.fetch(file) as content:
                if not content.size:
                    return f"{FAILED}it is empty"
                if content.mime == "text/html" and file.kind != "file":
                    return f"{FAILED}the platform gave a web page in its place"
                return await self._desk.upload(named(file.name, content.mime, file.kind), content)
        except Unavailable as error:
            if self._hands.clock() - order.at < PATIENCE:
                raise
            return f"{FAILED}{error}"
        except SendError as error:
            log.warning("file.failed", extra={"order": order.id, "error": str(error)})
            return f"{FAILED}{error}"


def together(orders: Sequence[Order]) -> list[Order]:
    """Give the orders whose files are shown as one post: the first, and what belongs to its album directly after it."""
    first = orders[0]
    album = first.effect.album if isinstance(first.effect, ShowFiles) else ""
    found = [first]
    for order in orders[1:]:
        same = isinstance(order.effect, ShowFiles) and order.effect.album == album
        if not album or not same or order.number != first.number or order.open_call != first.open_call:
            break
        found.append(order)
    return found


def told(order: Order) -> Said | None:
    """Say what is said beside an order's files: what they are where nothing else says it, and which failed, and why."""
    effect = order.effect
    if not isinstance(effect, ShowFiles):
        return None
    failed = [said.removeprefix(FAILED) for said in order.progress.sent if said.startswith(FAILED)]
    mark = f"⚠️ {len(failed)} of its files can't be shown: {'; '.join(dict.fromkeys(failed))}" if failed else ""
    if not mark and not effect.attachment:
        return None
    attachment = effect.attachment or "[file]"
    return Said(message=effect.message, name=effect.name, attachment=attachment, mark=mark)


def _comment(said: Said) -> str:
    named = f"*{escape(said.name or 'Customer')}:* {escape(said.attachment)}"
    return "\n".join(filter(None, (named, escape(said.mark))))


def _files(order: Order) -> tuple[File, ...]:
    return order.effect.files if isinstance(order.effect, ShowFiles) else ()


def _shown(order: Order) -> list[tuple[str, File]]:
    pairs = zip(order.progress.sent, _files(order), strict=False)
    return [(said, file) for said, file in pairs if not said.startswith(FAILED)]
