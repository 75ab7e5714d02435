"""Reading and copying an installation beside the gateway that runs on it."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from gateway.store.contract import StoreError
from gateway.store.sqlite import rows
from gateway.store.sqlite.store import FILE
from routing.messages import EPOCH, Standing


def read_roster(folder: Path) -> Sequence[Standing]:
    """Say how many open conversations each agent has; nobody has any where there is no store yet."""
    if not (folder / FILE).exists():
        return ()
    try:
        with closing(sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True)) as db:
            loads = dict(db.execute("SELECT agent, count(*) FROM conversation WHERE agent <> '' GROUP BY agent"))
            assigned = {agent: rows.moment(at) for agent, at in db.execute("SELECT id, assigned_at FROM agent")}
    except sqlite3.Error as error:
        raise StoreError(f"{folder / FILE} can't be read: {error}") from error
    return [
        Standing(agent=agent, load=loads.get(agent, 0), idle_since=assigned.get(agent, EPOCH))
        for agent in sorted(loads.keys() | assigned.keys())
    ]


def copy_database(folder: Path, into: Path) -> Path:
    """Copy the database as it is at one moment, also while a gateway writes to it, and check the copy.

    Raises:
        StoreError: there is nothing to copy, or it can't be.
    """
    if not (folder / FILE).exists():
        raise StoreError(f"there is nothing to copy: {folder / FILE} doesn't exist")
    target = into / FILE
    try:
        with closing(sqlite3.connect(folder / FILE)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{folder / FILE} can't be copied: {error}") from error
    if verdict != "ok":
        raise StoreError(f"the copy of {folder / FILE} is damaged: {verdict}")
    target.chmod(0o600)
    return target
