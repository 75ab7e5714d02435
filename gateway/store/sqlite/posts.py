"""Where customers' messages stand at the desk: each post once, however many messages it shows."""

import sqlite3
from collections.abc import Iterable

from gateway.store.contract import Post

STANDS = "SELECT ts, body FROM placed JOIN post ON seq = post WHERE placed.mailbox = ? AND message = ?"
_PLACES = "SELECT seq, ts FROM placed JOIN post ON seq = post WHERE placed.mailbox = ? AND message = ?"


def write_posts(db: sqlite3.Connection, mailbox: str, posts: Iterable[Post], at: int) -> None:
    """Write what stands in each post now; one that was drawn anew stays as old as it was."""
    for post in posts:
        were = dict(row for message in post.messages for row in db.execute(_PLACES, (mailbox, message)))
        seq = next((seq for seq, ts in were.items() if ts == post.ts), None)
        if seq is None:
            values = (mailbox, post.ts, at, post.body)
            seq = db.execute("INSERT INTO post (mailbox, ts, at, body) VALUES (?, ?, ?, ?)", values).lastrowid
        else:
            db.execute("UPDATE post SET body = ? WHERE seq = ?", (post.body, seq))
        placed = ((mailbox, message, seq) for message in post.messages)
        db.executemany("INSERT OR REPLACE INTO placed VALUES (?, ?, ?)", placed)
        # What shows no message any more is nobody's: it would outlive the contact.
        empty = "DELETE FROM post WHERE seq = ? AND NOT EXISTS (SELECT 1 FROM placed WHERE mailbox = ? AND post = seq)"
        db.executemany(empty, ((left, mailbox) for left in were.keys() - {seq}))


def erase_posts(db: sqlite3.Connection, mailbox: str) -> int:
    """Erase a contact's posts; says how many there were."""
    ours = "DELETE FROM post WHERE seq IN (SELECT post FROM placed WHERE mailbox = ?)"
    gone = db.execute(ours, (mailbox,)).rowcount
    db.execute("DELETE FROM placed WHERE mailbox = ?", (mailbox,))
    return gone


def prune_posts(db: sqlite3.Connection, before: int) -> None:
    """Forget posts older than `before`, looking at no others."""
    db.execute(
        "DELETE FROM placed WHERE mailbox IN (SELECT mailbox FROM post WHERE at < ?1)"
        " AND post IN (SELECT seq FROM post WHERE at < ?1)",
        (before,),
    )
    db.execute("DELETE FROM post WHERE at < ?", (before,))
