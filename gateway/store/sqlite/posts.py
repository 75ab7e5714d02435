"""Where customers' messages stand at the desk: each post once, however many messages it shows."""

import sqlite3
from collections.abc import Iterable

from gateway.store.contract import Post

STANDS = "SELECT seq, ts, body FROM placed JOIN post ON seq = post WHERE mailbox = ? AND message = ?"


def write_posts(db: sqlite3.Connection, mailbox: str, posts: Iterable[Post], at: int) -> None:
    """Write what stands in each post now; one that was drawn anew stays as old as it was."""
    for post in posts:
        were = [row for message in post.messages for row in db.execute(STANDS, (mailbox, message))]
        seq = next((seq for seq, ts, _ in were if ts == post.ts), None)
        if seq is None:
            seq = db.execute("INSERT INTO post (ts, at, body) VALUES (?, ?, ?)", (post.ts, at, post.body)).lastrowid
        else:
            db.execute("UPDATE post SET body = ? WHERE seq = ?", (post.body, seq))
        values = ((mailbox, message, seq) for message in post.messages)
        db.executemany("INSERT OR REPLACE INTO placed VALUES (?, ?, ?)", values)
        for left in {was for was, *_ in were} - {seq}:
            # What shows no message any more is nobody's: it would outlive the contact.
            shows = "SELECT 1 FROM placed WHERE mailbox = ? AND post = seq"
            db.execute(f"DELETE FROM post WHERE seq = ? AND NOT EXISTS ({shows})", (left, mailbox))  # noqa: S608 - ours


def erase_posts(db: sqlite3.Connection, mailbox: str) -> int:
    """Erase a contact's posts; says how many there were."""
    of_contact = "seq IN (SELECT post FROM placed WHERE mailbox = ?)"
    gone = db.execute(f"DELETE FROM post WHERE {of_contact}", (mailbox,)).rowcount  # noqa: S608 - ours
    db.execute("DELETE FROM placed WHERE mailbox = ?", (mailbox,))
    return gone


def prune_posts(db: sqlite3.Connection, before: int) -> None:
    """Forget posts older than `before`, which stand in front."""
    (oldest,) = db.execute("SELECT min(seq) FROM post").fetchone()
    young = db.execute("SELECT seq FROM post WHERE at >= ? ORDER BY seq LIMIT 1", (before,)).fetchone()
    if oldest is None or (young and young[0] == oldest):
        return
    (last,) = db.execute("SELECT max(seq) FROM post").fetchone()
    cut = young[0] if young else last + 1
    db.execute("DELETE FROM placed WHERE post < ?", (cut,))
    db.execute("DELETE FROM post WHERE seq < ?", (cut,))
