"""What a row says: the statements that one commit is made of, without memory and without threads."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from gateway.store.contract import Claim, Order, Outcome, Progress, Result, Side, Step
from gateway.store.shape import event_key, lane_of, millis, moment, orders_of, urgency_of
from gateway.store.sqlite.posts import erase_posts, write_posts
from routing.contents import THREAD_MARK
from routing.conversation import Conversation
from routing.effects import decode_effect, encode
from routing.events import ContactMoved, CustomerWrote, Event, decode_event

decode_conversation = msgspec.json.Decoder(Conversation).decode
decode_progress = msgspec.json.Decoder(Progress).decode

Placed = tuple[str, int, Event]
"""An event's mailbox and its place in the journal."""

Fate = Literal["known", "parked", "aside"]
"""What else may become of an event: it was there before, waits for its thread, or is kept for inspection."""


def write_events(db: sqlite3.Connection, events: Iterable[Event], at: datetime) -> list[Placed | Fate]:
    """Put events into the journal, and say where each is."""
    return [_write_event(db, event, at) for event in events]


def _write_event(db: sqlite3.Connection, event: Event, at: datetime) -> Placed | Fate:
    if not db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (event_key(event), millis(at))).rowcount:
        return "known"
    body = encode(event)
    if not event.to:
        db.execute(
            "INSERT INTO aside (mailbox, event, reason, at) VALUES ('', ?, 'unknown kind', ?)", (body, millis(at))
        )
        return "aside"
    mailbox = _mailbox(db, event)
    if not mailbox:
        db.execute("INSERT INTO parked (thread, event, at) VALUES (?, ?, ?)", (event.to, body, millis(at)))
        return "parked"
    return _place(db, mailbox, event, body)


def _place(db: sqlite3.Connection, mailbox: str, event: Event, body: bytes) -> Placed:
    seq = db.execute("INSERT INTO journal (mailbox, event) VALUES (?, ?)", (mailbox, body)).lastrowid
    return mailbox, seq or 0, event


def _mailbox(db: sqlite3.Connection, event: Event) -> str:
    """Say whose mailbox an event's address stands for; "" for a thread that nobody knows yet."""
    known = _alias(db, event.to)
    if event.to.startswith(THREAD_MARK):
        return known
    also = event.also if isinstance(event, CustomerWrote | ContactMoved) else ()
    mailbox = known or next(filter(None, (_alias(db, name) for name in also)), event.to)
    if not known:
        db.execute("INSERT OR IGNORE INTO alias VALUES (?, ?, 0)", (event.to, mailbox))
    # Two customers who turn out to share a name stay two: each is known by it already, and nobody is merged.
    if also:
        db.executemany("INSERT OR IGNORE INTO alias VALUES (?, ?, 0)", ((name, mailbox) for name in also))
    return mailbox


def _alias(db: sqlite3.Connection, name: str) -> str:
    row = db.execute("SELECT mailbox FROM alias WHERE name = ?", (name,)).fetchone()
    return row[0] if row else ""


def write_step(
    db: sqlite3.Connection, claim: Claim, step: Step, at: datetime, noted: set[str]
) -> tuple[Outcome, list[Order]]:
    """Write everything a step changes, unless it is written or somebody else changed the conversation.

    In the lanes of `noted` the first order's call is noted as begun, and the lane taken out.
    """
    now = step.conversation
    if not _write_conversation(db, claim, now):
        there = claim.seqs and db.execute("SELECT 1 FROM journal WHERE seq = ?", (claim.seqs[0],)).fetchone()
        return (Outcome.CONFLICT if there else Outcome.ALREADY), []
    if now.number > claim.conversation.number:
        db.execute(
            "INSERT INTO counter VALUES ('number', ?1) ON CONFLICT (name) DO UPDATE SET value = max(value, ?1)",
            (now.number,),
        )
    if now.load and now.load != claim.conversation.load:
        db.execute("INSERT OR REPLACE INTO agent VALUES (?, ?)", (now.load, millis(at)))
    db.executemany("DELETE FROM journal WHERE seq = ?", ((seq,) for seq in claim.seqs))
    db.executemany(
        "INSERT INTO history (mailbox, event) VALUES (?, ?)", ((claim.mailbox, encode(event)) for event in step.events)
    )
    for key in step.clear:
        db.execute("DELETE FROM timer WHERE mailbox = ? AND key = ?", (claim.mailbox, key))
    for timer in step.timers:
        values = (claim.mailbox, timer.key, millis(timer.due), encode(timer.event))
        db.execute("INSERT OR REPLACE INTO timer VALUES (?, ?, ?, ?)", values)
    when = millis(at)
    return Outcome.OK, [_write_order(db, order, noted, when) for order in orders_of(claim, at, step.effects)]


def _write_conversation(db: sqlite3.Connection, claim: Claim, now: Conversation) -> bool:
    """Write the conversation, unless it isn't any more what it was; indexed columns only where they change."""
    body = encode(now)
    if not claim.version:
        values = (claim.mailbox, *_indexed(now), body)
        query = "INSERT OR IGNORE INTO conversation VALUES (?, 1, ?, ?, ?, ?, ?, ?)"
        return bool(db.execute(query, values).rowcount)
    at = (claim.mailbox, claim.version)
    if _indexed(now) == _indexed(claim.conversation):
        query = "UPDATE conversation SET version = version + 1, body = ? WHERE mailbox = ? AND version = ?"
        return bool(db.execute(query, (body, *at)).rowcount)
    query = (
        "UPDATE conversation SET version = version + 1, number = ?, status = ?, agent = ?, priority = ?,"
        " opened_at = ?, body = ? WHERE mailbox = ? AND version = ?"
    )
    return bool(db.execute(query, (*_indexed(now), body, *at)).rowcount)


def _indexed(now: Conversation) -> tuple[int, str, str, int, int]:
    return now.number, now.status.value, now.load, urgency_of(now), millis(now.opened_at)


def _write_order(db: sqlite3.Connection, order: Order, noted: set[str], at: int) -> Order:
    begins = order.lane in noted
    open_call = order.id if begins else ""
    noted.discard(order.lane)
    place = db.execute(
        "INSERT INTO outbox (id, lane, mailbox, number, effect, at, begun, open_call) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (order.id, order.lane, order.mailbox, order.number, encode(order.effect), at, begins, open_call),
    ).lastrowid
    return replace(order, place=place or 0)


def write_result(
    db: sqlite3.Connection, orders: Sequence[Order], result: Result, at: datetime, *, waited: bool
) -> tuple[list[Placed], list[Placed]]:
    """Strike the orders off and write what was learnt; where each event is, then those that the thread set free.

    `waited` says that the lane was to wait, which is over.
    """
    settled = [order for order in orders if order.id in result.orders]
    if result.dead:
        for order in settled:
            db.execute(
                "INSERT INTO dead (id, lane, mailbox, number, effect, progress, reason, at)"
                " SELECT id, lane, mailbox, number, effect, progress, ?, ? FROM outbox WHERE seq = ?",
                (result.dead, millis(at), order.place),
            )
    db.executemany("DELETE FROM outbox WHERE seq = ?", ((order.place,) for order in settled))
    if settled and waited:
        db.execute("DELETE FROM lane WHERE name = ?", (settled[0].lane,))
    write_posts(db, orders[0].mailbox, result.posts, millis(at))
    placed = [each for each in write_events(db, result.events, at) if isinstance(each, tuple)]
    return placed, _name_thread(db, result.thread, orders[0]) if result.thread else []


def _name_thread(db: sqlite3.Connection, thread: str, order: Order) -> list[Placed]:
    # A conversation that moved is still known by its earlier threads; where it stands is the one with its number.
    moved = "UPDATE alias SET number = -number WHERE mailbox = ? AND number = ? AND number > 0"
    db.execute(moved, (order.mailbox, order.number))
    db.execute("INSERT OR REPLACE INTO alias VALUES (?, ?, ?)", (thread, order.mailbox, order.number))
    freed = db.execute("SELECT event FROM parked WHERE thread = ? ORDER BY seq", (thread,)).fetchall()
    db.execute("DELETE FROM parked WHERE thread = ?", (thread,))
    return [_place(db, order.mailbox, decode_event(body), body) for (body,) in freed]


def revive(db: sqlite3.Connection, at: datetime) -> tuple[list[Placed], list[Order]]:
    """Put what is wanted again back into the journal and the outbox.

    An order gets a new name, so that what becomes of it this time is news.
    """
    events = db.execute("SELECT mailbox, event FROM aside WHERE again ORDER BY seq").fetchall()
    db.execute("DELETE FROM aside WHERE again")
    placed = [_place(db, mailbox, decode_event(body), body) for mailbox, body in events]
    last = db.execute("SELECT ifnull(max(seq), 0) FROM outbox").fetchone()[0]
    db.execute(
        "INSERT INTO outbox (id, lane, mailbox, number, effect, progress, at)"
        " SELECT id || 'r', lane, mailbox, number, effect, progress, ? FROM dead WHERE again ORDER BY seq",
        (millis(at),),
    )
    db.execute("DELETE FROM dead WHERE again")
    return placed, read_orders(db, last)


AWAY = "away"
"""The kind of document that says of an agent that they are away."""


ERASED = ("parked", "aside", "outbox", "dead", "timer", "history", "conversation")
"""The tables that a contact is erased from, beside its posts and names."""


def canonical(db: sqlite3.Connection, mailbox: str) -> str:
    """Give the mailbox that a name stands for."""
    found = db.execute("SELECT mailbox FROM alias WHERE name = ?", (mailbox,)).fetchone()
    return str(found[0]) if found else mailbox


def erase(db: sqlite3.Connection, mailbox: str, waiting: Sequence[int]) -> dict[str, int]:
    """Erase a contact, and of its events those that are named; says how many rows of each kind that were."""
    places = encode(list(waiting)).decode()
    erased = {
        "journal": db.execute("DELETE FROM journal WHERE seq IN (SELECT value FROM json_each(?))", (places,)).rowcount,
        "post": erase_posts(db, mailbox),
    }
    for table in ERASED:
        of_threads = "thread IN (SELECT name FROM alias WHERE mailbox = ?)"
        where = of_threads if table == "parked" else "mailbox = ?"
        erased[table] = db.execute(f"DELETE FROM {table} WHERE {where}", (mailbox,)).rowcount  # noqa: S608 - our names
    db.execute("DELETE FROM lane WHERE name IN (SELECT value FROM json_each(?))", (json_lanes(mailbox),))
    erased["names"] = db.execute("DELETE FROM alias WHERE mailbox = ?", (mailbox,)).rowcount
    return erased


def json_lanes(mailbox: str) -> str:
    """List the lanes of a contact, as JSON."""
    return encode([lane_of(side, mailbox) for side in Side]).decode()


def read_roster(db: sqlite3.Connection) -> tuple[dict[str, int], dict[str, datetime], set[str]]:
    """Read how many open conversations each agent has, when they got the last, and who is away."""
    loads = dict(db.execute("SELECT agent, count(*) FROM conversation WHERE agent <> '' GROUP BY agent"))
    away = {agent for (agent,) in db.execute("SELECT key FROM doc WHERE kind = ?", (AWAY,))}
    return loads, {agent: moment(at) for agent, at in db.execute("SELECT id, assigned_at FROM agent")}, away


def read_orders(db: sqlite3.Connection, after: int = 0) -> list[Order]:
    """Read the outbox in order, from behind a place."""
    rows = db.execute(
        "SELECT seq, id, mailbox, number, lane, effect, at, begun, open_call, progress FROM outbox"
        " WHERE seq > ? ORDER BY seq",
        (after,),
    ).fetchall()
    return [
        Order(
            id=id_,
            mailbox=mailbox,
            number=number,
            lane=lane,
            effect=decode_effect(effect),
            at=moment(at),
            place=seq,
            begun=begun,
            open_call=open_call,
            progress=decode_progress(progress),
        )
        for seq, id_, mailbox, number, lane, effect, at, begun, open_call, progress in rows
    ]


def fire_timers(db: sqlite3.Connection, now: datetime) -> list[Placed]:
    """Turn the timers that are due into events."""
    due = db.execute(
        "SELECT mailbox, key, event FROM timer WHERE due <= ? ORDER BY due LIMIT 512", (millis(now),)
    ).fetchall()
    db.executemany("DELETE FROM timer WHERE mailbox = ? AND key = ?", (row[:2] for row in due))
    written = write_events(db, (decode_event(event) for _, _, event in due), now)
    return [each for each in written if isinstance(each, tuple)]
