"""The tables, and how an older file becomes a newer one. Moments are milliseconds since 1970, UTC."""

import sqlite3

MIGRATIONS = (
    """
    CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE seen (key BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE journal (seq INTEGER PRIMARY KEY AUTOINCREMENT, mailbox TEXT NOT NULL, event BLOB NOT NULL);
    CREATE INDEX journal_mailbox ON journal (mailbox);
    CREATE TABLE parked (seq INTEGER PRIMARY KEY AUTOINCREMENT, thread TEXT NOT NULL, event BLOB NOT NULL,
        at INTEGER NOT NULL);
    CREATE INDEX parked_thread ON parked (thread);
    CREATE TABLE aside (seq INTEGER PRIMARY KEY AUTOINCREMENT, mailbox TEXT NOT NULL, event BLOB NOT NULL,
        reason TEXT NOT NULL, at INTEGER NOT NULL);
    CREATE TABLE conversation (mailbox TEXT PRIMARY KEY, version INTEGER NOT NULL, number INTEGER NOT NULL,
        status TEXT NOT NULL, agent TEXT NOT NULL, priority INTEGER NOT NULL, opened_at INTEGER NOT NULL,
        body BLOB NOT NULL);
    CREATE INDEX conversation_number ON conversation (number);
    CREATE INDEX conversation_waiting ON conversation (priority, opened_at) WHERE status = 'queued';
    CREATE INDEX conversation_agent ON conversation (agent) WHERE agent <> '';
    CREATE TABLE agent (id TEXT PRIMARY KEY, assigned_at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE alias (name TEXT PRIMARY KEY, mailbox TEXT NOT NULL, number INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX alias_mailbox ON alias (mailbox, number);
    CREATE TABLE outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, lane TEXT NOT NULL,
        mailbox TEXT NOT NULL, number INTEGER NOT NULL, effect BLOB NOT NULL, begun INTEGER NOT NULL DEFAULT 0,
        open_call TEXT NOT NULL DEFAULT '', progress BLOB NOT NULL DEFAULT '{}');
    CREATE INDEX outbox_lane ON outbox (lane);
    CREATE TABLE lane (name TEXT PRIMARY KEY, not_before INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE dead (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, lane TEXT NOT NULL,
        mailbox TEXT NOT NULL, number INTEGER NOT NULL, effect BLOB NOT NULL, reason TEXT NOT NULL,
        at INTEGER NOT NULL);
    CREATE TABLE timer (mailbox TEXT NOT NULL, key TEXT NOT NULL, due INTEGER NOT NULL, event BLOB NOT NULL,
        PRIMARY KEY (mailbox, key)) WITHOUT ROWID;
    CREATE INDEX timer_due ON timer (due);
    CREATE TABLE history (seq INTEGER PRIMARY KEY AUTOINCREMENT, mailbox TEXT NOT NULL, event BLOB NOT NULL);
    CREATE INDEX history_mailbox ON history (mailbox, seq);
    CREATE TABLE post (mailbox TEXT NOT NULL, message TEXT NOT NULL, ts TEXT NOT NULL, body BLOB NOT NULL,
        at INTEGER NOT NULL, PRIMARY KEY (mailbox, message)) WITHOUT ROWID;
    CREATE TABLE doc (kind TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (kind, key)) WITHOUT ROWID;
    """,
    """
    ALTER TABLE dead ADD COLUMN progress BLOB NOT NULL DEFAULT '{}';
    ALTER TABLE dead ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE aside ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE owed (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, lane TEXT NOT NULL,
        mailbox TEXT NOT NULL, number INTEGER NOT NULL, effect BLOB NOT NULL, at INTEGER NOT NULL DEFAULT 0,
        begun INTEGER NOT NULL DEFAULT 0, open_call TEXT NOT NULL DEFAULT '', progress BLOB NOT NULL DEFAULT '{}');
    INSERT INTO owed (seq, id, lane, mailbox, number, effect, begun, open_call, progress)
        SELECT seq, id, lane, mailbox, number, effect, begun, open_call, progress FROM outbox;
    DROP TABLE outbox;
    ALTER TABLE owed RENAME TO outbox;
    INSERT OR IGNORE INTO alias SELECT mailbox, mailbox, 0 FROM conversation;
    INSERT OR IGNORE INTO alias SELECT DISTINCT mailbox, mailbox, 0 FROM journal;
    DROP INDEX journal_mailbox;
    """,
    """
    ALTER TABLE post RENAME TO message;
    CREATE TABLE first AS SELECT mailbox, ts, min(message) AS message FROM message GROUP BY mailbox, ts
        ORDER BY min(at);
    CREATE TABLE post (seq INTEGER PRIMARY KEY, mailbox TEXT NOT NULL, ts TEXT NOT NULL, at INTEGER NOT NULL,
        body BLOB NOT NULL);
    INSERT INTO post SELECT first.rowid, mailbox, ts, at, body FROM first
        CROSS JOIN message USING (mailbox, message, ts) ORDER BY first.rowid;
    CREATE INDEX post_at ON post (at);
    CREATE TABLE placed (mailbox TEXT NOT NULL, message TEXT NOT NULL, post INTEGER NOT NULL,
        PRIMARY KEY (mailbox, message)) WITHOUT ROWID;
    INSERT INTO placed SELECT mailbox, message.message, first.rowid FROM message CROSS JOIN first USING (mailbox, ts);
    DROP TABLE message;
    DROP TABLE first;
    """,
)


class Newer(Exception):
    """The file was written by a later version of Dragoman."""


def migrate(db: sqlite3.Connection) -> None:
    """Bring the file to this version's shape, a migration a transaction.

    Raises:
        Newer: it is past that already.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise Newer(f"it has schema {version}, this version of Dragoman knows {len(MIGRATIONS)}: run the newer version")
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        db.execute("BEGIN IMMEDIATE")
        try:
            for statement in filter(str.strip, script.split(";")):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
