"""What the desk sees: cards, messages and questions posted in order, what waits for one thread as one post."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from weakref import WeakValueDictionary

from msgspec.structs import replace

from adapters.contract import SendError, Unavailable
from adapters.desk import Desk
from adapters.desk_view import (
    Entry,
    Line,
    Question,
    Room,
    Said,
    decode_entries,
    draw,
    draw_plain,
    encode_entries,
    fits,
    pieces,
)
from adapters.slack_api import SlackRefusal
from adapters.slack_text import escape
from gateway.budget import Budget
from gateway.corrections import Fixes, Reply
from gateway.desk_cards import DeskCards, take_within
from gateway.desk_files import DeskFiles, SearchFailed, find_post, together, told
from gateway.desk_marks import whisper
from gateway.hands import Hands
from gateway.interpret import Interpreter
from gateway.measures import SENT, count
from gateway.people import People
from gateway.said_before import said_before
from gateway.store.contract import Batch, Order, Post, Result, Side
from routing.effects import (
    AskAgent,
    Fix,
    LeaveThread,
    Note,
    OpenThread,
    SettleAsk,
    ShowEdit,
    ShowFiles,
    ShowLate,
    ShowSent,
    TellDesk,
)
from routing.events import Event, ThreadLost, TranslationMissed
from routing.languages import language_name

NAME = "desk"
log = logging.getLogger("dragoman.deliver")


LATE_LEAST, LATE_MOST = timedelta(seconds=2), timedelta(minutes=5)
"""Between attempts to translate what no engine could; half of its age so far, within these."""

LATE_AT_MOST = timedelta(days=1)
"""How long it is attempted."""

FOLLOWED = "The translation of what was shown as written, above"


class DeskPosts:
    """Posts for the desk, as fast as Slack lets us."""

    def __init__(
        self,
        hands: Hands,
        desk: Desk,
        cards: DeskCards,
        files: DeskFiles,
        people: People,
        interpreter: Interpreter,
        budget: Budget,
        updates: Budget,
        fixes: Fixes,
    ) -> None:
        self._fixes = fixes
        self._drawing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._cards = cards
        self._files = files
        self._people = people
        self._hands = hands
        self._desk = desk
        self._interpreter = interpreter
        self._budget = budget
        self._updates = updates
        self._turn = asyncio.Lock()

    async def take(self) -> Batch:
        """Wait until a post may go, then take the most urgent lane with all that waits in it."""
        async with self._turn:
            return await take_within(self._budget, self._hands.store, Side.DESK)

    async def deliver(self, batch: Batch) -> None:
        """Deliver the beginning of a lane: as much as one call takes."""
        if await self._hands.is_held(NAME, batch):
            self._budget.spend(-1)
            return
        order = batch.orders[0]
        try:
            posts = await self._do(batch, order)
            self._budget.spend(posts - 1)
        except SearchFailed as failed:
            await self._failed(batch, failed.error, searching=True)
        except SendError as error:
            await self._failed(batch, error)
        else:
            count(SENT, NAME, "accepted")
            self._hands.release(NAME)

    async def _do(self, batch: Batch, order: Order) -> int:
        """Deliver what begins with an order; gives how many posts that took."""
        match order.effect:
            case OpenThread():
                return await self._cards.open(batch, order, order.effect.card)
            case LeaveThread():
                return await self._cards.leave(batch, order, order.effect)
            case ShowEdit():
                return await self._edit(batch, order, order.effect)
            case Fix():
                return await self._fix(batch, order, order.effect)
            case SettleAsk():
                return await self._settle_ask(batch, order, order.effect)
            case ShowFiles():
                return await self._show_files(batch)
            case _:
                return await self._entries(batch)

    async def show_late(self, batch: Batch) -> None:
        """Translate a message where it stands, if an engine works by now; else later, less and less often."""
        order = batch.orders[0]
        if await self._hands.is_held(NAME, batch) or not isinstance(order.effect, ShowLate):
            return
        was = await self._said(order.mailbox, order.effect.message)
        made = await self._interpreter.again(was) if was and was.late and not was.deleted else None
        age = self._hands.clock() - order.at
        if made and made.late and age < LATE_AT_MOST:
            wait = max(LATE_LEAST, min(age / 2, LATE_MOST))
            await self._hands.postpone(batch, self._hands.clock() + wait)
            return
        if made is None or made.late:
            await self._hands.keep(batch, Result(orders=(order.id,)))
            return

        async def change(entry: Entry) -> Entry:
            return made if entry == was else entry

        try:
            await self._updates.ready()
            self._updates.spend()
            if not await self._redraw(batch, order, made.message, change):
                where = await self._hands.store.thread(order.mailbox, order.number)
                await self._long(batch, order, made, where, follows=True)
        except SearchFailed as failed:
            await self._failed(batch, failed.error, searching=True)
        except SendError as error:
            await self._failed(batch, error, budget=self._updates)

    async def bury(self, batch: Batch, reason: str) -> None:
        """Set the first order of a lane apart; it stays among the dead letters."""
        await self._hands.keep(batch, Result(orders=(batch.orders[0].id,), dead=reason))

    async def _edit(self, batch: Batch, order: Order, edit: ShowEdit) -> int:
        async def change(entry: Entry) -> Entry:
            same = isinstance(entry, Said) and entry.message == edit.message
            return await self._changed(entry, edit) if same and isinstance(entry, Said) else entry

        return 0 if await self._redraw(batch, order, edit.message, change) else await self._entries(batch)

    async def _fix(self, batch: Batch, order: Order, fix: Fix) -> int:
        """Correct a customer's message where it stands, or say beneath an answer what became of its correction."""
        found = await self._fixes.find(order.mailbox, fix)
        if isinstance(found, Said):
            right = await self._fixes.of_said(found, fix)

            async def change(entry: Entry) -> Entry:
                return right if isinstance(entry, Said) and entry.message == right.message else entry

            if await self._redraw(batch, order, right.message, change):
                return 0
        if isinstance(found, str):
            await whisper(self._hands, self._desk, order, fix.agent, escape(found))
            await self._hands.keep(batch, Result(orders=(order.id,)))
            return 0
        return await self._entries(batch)

    async def _fixed(self, order: Order, fix: Fix) -> Entry:
        found = await self._fixes.find(order.mailbox, fix)
        if isinstance(found, Reply):
            return Line(text=await self._fixes.of_reply(found, fix, order), quiet=True)
        return Line(text=found, quiet=True) if isinstance(found, str) else await self._fixes.of_said(found, fix)

    async def _show_files(self, batch: Batch) -> int:
        """Put a customer's files into the thread, or say why they can't be shown."""
        if await self._files.waits(batch):
            return 0
        uploaded = await self._files.upload(together(batch.orders))
        orders = [await self._people.named(order) for order in uploaded]
        first = orders[0]
        where = await self._hands.store.thread(first.mailbox, first.number)
        if await self._files.publish(batch, orders, where):
            return 1
        return await self._entries(Batch(batch.lane, tuple(orders), batch.hold))

    async def _settle_ask(self, batch: Batch, order: Order, settled: SettleAsk) -> int:
        async def change(entry: Entry) -> Entry:
            asks = isinstance(entry, Question) and entry.held == settled.held
            return Line(text=settled.text, quiet=True) if asks else entry

        if not await self._redraw(batch, order, question_key(settled.held), change):
            await self._hands.keep(batch, Result(orders=(order.id,)))
        return 0

    async def _redraw(self, batch: Batch, order: Order, key: str, change: Callable[[Entry], Awaitable[Entry]]) -> bool:
        """Draw the post that holds `key` anew; False where there is none, or it can't show so much."""
        async with self._drawing.setdefault(order.mailbox, asyncio.Lock()):
            post = await self._hands.store.post(order.mailbox, key)
            if post is None:
                return False
            entries = decode_entries(post.body)
            changed = [await change(entry) for entry in entries]
            posts: tuple[Post, ...] = ()
            if not fits(changed):
                return False
            if changed != list(entries):
                text, blocks = draw(changed)
                await self._desk.update(post.ts, text, blocks)
                posts = _posts(changed, post.ts)
            missed = self._missed(order, [entry for entry in changed if entry not in entries])
            await self._hands.keep(batch, Result(orders=(order.id,), posts=posts, events=missed))
            return True

    def _missed(self, order: Order, entries: Sequence[Entry]) -> tuple[Event, ...]:
        """Tell which messages stand there untranslated for now."""
        late = [entry.message for entry in entries if isinstance(entry, Said) and entry.late]
        now = self._hands.clock()
        return tuple(
            TranslationMissed(id=f"late:{order.id}:{message}", to=order.mailbox, at=now, message=message)
            for message in late
        )

    def _lost(self, order: Order, where: str, ts: str) -> tuple[Event, ...]:
        """Tell that a post had to go to another channel than its thread's."""
        meant = self._desk.places.find(where).channel
        if self._desk.places.find(ts).channel == meant:
            return ()
        now = self._hands.clock()
        lost = ThreadLost(id=f"lost:{order.id}", to=order.mailbox, at=now, channel=meant, number=order.number)
        return (lost,)

    async def _said(self, mailbox: str, message: str) -> Said | None:
        post = await self._hands.store.post(mailbox, message)
        entries = decode_entries(post.body) if post else ()
        return next((each for each in entries if isinstance(each, Said) and each.message == message), None)

    async def _changed(self, was: Said, edit: ShowEdit) -> Said:
        if edit.deleted:
            return replace(was, deleted=True)
        if was.deleted or edit.at < was.edited_at:
            return was
        if edit.text in (was.text, was.original) and edit.text and edit.attachment == was.attachment:
            return was
        return await self._interpreter.for_edit(was, edit)

    async def _entries(self, batch: Batch) -> int:
        """Post what waits for one thread together; give how many posts that took."""
        first = batch.orders[0]
        where = await self._hands.store.thread(first.mailbox, first.number)
        group: list[Order] = []
        room = Room()
        for order in _alike(batch.orders):
            more = await self._entry(order)
            if not room.take(more):
                break
            group.append(order)
        if not group:
            return await self._long(batch, first, more[0], where)
        entries = room.entries
        ts = await find_post(self._desk, first.open_call, first.at, thread=where) if first.open_call else ""
        found = bool(ts)
        if found:
            await self._correct(ts, entries)
        else:
            group = list(await self._hands.store.begin(group))
            ts, entries = await self._post(entries, first, first.id, where)
        events = (*self._missed(group[0], entries), *self._lost(group[0], where, ts))
        orders = tuple(order.id for order in group)
        await self._hands.keep(batch, Result(orders=orders, posts=_posts(entries, ts), events=events))
        return 0 if found else 1

    async def _long(self, batch: Batch, order: Order, entry: Entry, where: str, *, follows: bool = False) -> int:
        """Post what no single post can show, piece by piece; what `follows` stands there already, untranslated."""
        parts = pieces(replace(entry, original="", mark=FOLLOWED) if follows and isinstance(entry, Said) else entry)
        progress = order.progress
        for index in range(len(progress.sent), len(parts)):
            id_ = f"{order.id}/{index}"
            ts = await find_post(self._desk, id_, order.at, thread=where) if order.open_call else ""
            if not ts:
                (order,) = await self._hands.store.begin([replace(order, progress=progress)])
                ts, parts[index : index + 1] = await self._post(parts[index : index + 1], order, id_, where)
            progress = replace(progress, sent=(*progress.sent, ts))
            order = await self._hands.store.advance(replace(order, progress=progress))
        events = (*self._missed(order, [entry]), *self._lost(order, where, progress.sent[0]))
        # A question's buttons are on its last piece.
        last = isinstance(entry, Question)
        whole = replace(entry, named=_named(parts)) if isinstance(entry, Said) else entry
        posts = _posts(parts[-1:], progress.sent[-1]) if last else _posts([whole], progress.sent[0])
        await self._hands.keep(batch, Result(orders=(order.id,), posts=posts, events=events))
        return len(parts)

    async def _correct(self, ts: str, entries: Sequence[Entry]) -> None:
        """Have a post that was found say what it would say now: an engine may have failed then, and works now."""
        try:
            await self._desk.update(ts, *draw(entries))
        except SendError as error:
            raise SearchFailed(error) from error

    async def _post(self, entries: Sequence[Entry], order: Order, id_: str, where: str) -> tuple[str, list[Entry]]:
        """Post, under the customer's name where all of it is theirs; give the post's place, and what it shows."""
        name = _speaker(entries) if self._desk.may_customize else ""
        if name:
            named = [replace(entry, named=True) if isinstance(entry, Said) else entry for entry in entries]
            face = self._people.face(order)
            try:
                ts = await self._desk.post(*draw(named), order=id_, thread=where, name=name, face=face)
            except SlackRefusal as error:
                log.error("desk.post_refused", extra={"order": id_, "error": str(error)})
            else:
                return ts, named
        text, blocks = draw(entries)
        try:
            return await self._desk.post(text, blocks, order=id_, thread=where), list(entries)
        except SlackRefusal as error:
            log.error("desk.post_refused", extra={"order": id_, "error": str(error)})
        channel = self._desk.places.find(where).channel
        # What a customer wrote must be seen: in the channel where the thread is gone, and as mere text.
        try:
            return await self._desk.post(text, blocks, order=id_, channel=channel), list(entries)
        except SlackRefusal:
            return await self._desk.post(draw_plain(entries), (), order=id_, channel=channel), list(entries)

    async def _entry(self, order: Order) -> list[Entry]:
        effect = (await self._people.named(order)).effect
        match effect:
            case TellDesk():
                if said := self._cards.said(effect):
                    return [said]
                quote = await self._quote(order.mailbox, effect.reply_to) if effect.reply_to else ""
                store = self._hands.store
                before = await said_before(store, order, effect.message) if self._interpreter.contextual else ()
                return [await self._interpreter.for_desk(effect, quote=quote, before=before)]
            case ShowEdit():
                return [await self._late_edit(effect)]
            case ShowFiles():
                return [named] if (named := told(order)) else []
            case Fix():
                return [await self._fixed(order, effect)]
            case Note():
                return [Line(text=effect.text, mention=effect.mention)]
            case ShowSent():
                return shown(await self._interpreter.shown_sent(effect))
            case AskAgent():
                ask = Question(
                    agent=effect.agent,
                    held=effect.held,
                    reason=effect.reason,
                    text=effect.text,
                    rendering=effect.rendering,
                    back=effect.back,
                    changes=effect.changes,
                )
                return [ask]
        return []

    async def _late_edit(self, edit: ShowEdit) -> Said:
        """Show a change of a message that we never showed, or that stands too far back."""
        if edit.deleted:
            return Said(message=edit.message, name="", text="[deleted an earlier message]")
        return await self._interpreter.for_edit(Said(message=edit.message, name=""), edit)

    async def _quote(self, mailbox: str, message: str) -> str:
        said = await self._said(mailbox, message)
        return " ".join(filter(None, (said.attachment, said.text))) if said else ""

    async def _failed(
        self, batch: Batch, error: SendError, *, searching: bool = False, budget: Budget | None = None
    ) -> None:
        """Do as the error says; where it was the search that failed, the call before is as open as it was."""
        if isinstance(error, Unavailable) and error.after:
            (budget or self._budget).block(error.after.total_seconds())
        await self._hands.desk_failed(NAME, batch, error, searching=searching)


def shown(sent: ShowSent) -> list[Entry]:
    """Say quietly what the customer really got."""
    by = f" · {sent.engine}" if sent.engine else ""
    into = f" in {language_name(sent.language)}" if sent.engine or sent.back else ""
    lines = [f"{'Changed' if sent.changed else 'Sent'}{into}{by}: {sent.text}"]
    if sent.back:
        lines.append(f"which means: {sent.back}")
    if sent.warning:
        lines.append(f"⚠️ {sent.warning}")
    return [Line(text="\n".join(lines), quiet=True)]


def _speaker(entries: Sequence[Entry]) -> str:
    """Name the customer who said all that a post shows, "" where it shows anything else."""
    names = {entry.name if isinstance(entry, Said) else "" for entry in entries}
    return names.pop() if len(names) == 1 else ""


def _named(entries: Sequence[Entry]) -> bool:
    """Say whether all of these were posted under the customer's name."""
    return all(isinstance(entry, Said) and entry.named for entry in entries)


def _alike(orders: Sequence[Order]) -> Sequence[Order]:
    """Give the orders that may leave as one post: of one conversation, and of one open call if there is one."""
    first = orders[0]
    alike: list[Order] = []
    for order in orders:
        if order.number != first.number or order.open_call != first.open_call:
            break
        if isinstance(order.effect, OpenThread | LeaveThread | SettleAsk):
            break
        if isinstance(order.effect, ShowEdit | ShowFiles | Fix) and alike and type(alike[0].effect) is not ShowFiles:
            break
        alike.append(order)
    return alike


def _posts(entries: Sequence[Entry], ts: str) -> tuple[Post, ...]:
    keys = [
        entry.message if isinstance(entry, Said) else question_key(entry.held)
        for entry in entries
        if isinstance(entry, Said | Question)
    ]
    return (Post(messages=tuple(keys), ts=ts, body=encode_entries(tuple(entries))),) if keys else ()


def question_key(held: str) -> str:
    """Name the place of a question among the posts' places."""
    return f"ask:{held}"
