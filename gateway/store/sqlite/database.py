"""The file, its lock and its threads: everything that waits to be written is one commit, and one sync of the disk."""

import asyncio
import contextlib
import fcntl
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from gateway.store.contract import StoreError
from gateway.store.sqlite.schema import Newer, migrate

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

FILE = "dragoman.db"
CHECKPOINT_EVERY = 0.5
"""Seconds between checkpoints, made beside the writer so that no commit waits for one."""

BUSY = 3
"""After so many operations in one commit the next one lingers: more come meanwhile, and share its sync."""

LONGEST_LOG = 65_536
"""Pages of 4 KB in the log (256 MB) from which on the writer waits until they are in the file."""


def take_lock(folder: Path) -> IO[str]:
    """Have the folder to ourselves until the file is closed.

    Raises:
        StoreError: another process has it, or it can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a")
    except OSError as error:
        raise StoreError(f"data_dir {folder} isn't writable: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        told = f"another dragoman is running on {folder}: stop it, or set another data_dir"
        raise StoreError(told) from error
    return lock


def _prepare(file: Path) -> sqlite3.Connection:
    db = connect(file)
    try:
        migrate(db)
        file.chmod(0o600)
    except BaseException:
        db.close()
        raise
    return db


def connect(file: Path, *, query_only: bool = False) -> sqlite3.Connection:
    """Open the file as every connection of ours does."""
    db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=10)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("PRAGMA cache_size = -16384")
    db.execute("PRAGMA temp_store = MEMORY")
    if query_only:
        db.execute("PRAGMA query_only = ON")
    return db


class _Job(Generic[T]):
    """An operation that waits for its commit; `after` runs in the loop once it is durable, in the order of commits."""

    def __init__(self, work: Operation[T], after: Callable[[T], None] | None, future: "asyncio.Future[T]") -> None:
        self.work = work
        self.after = after
        self.future = future
        self.result: Any = None
        self.error: Exception | None = None

    def settle(self) -> None:
        """Tell the one who waits; memory follows the disk even where nobody waits any more."""
        if self.error is not None:
            if not self.future.done():
                self.future.set_exception(self.error)
            return
        if self.after is not None:
            self.after(self.result)
        if not self.future.done():
            self.future.set_result(self.result)


class Database:
    """One process's hold of the file: runs operations in order, as many as wait in one transaction."""

    linger = 0.0005
    """Seconds that a commit waits where there is much to do."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._jobs: deque[_Job[Any]] = deque()
        self._bell = threading.Condition()
        self._closing = False
        self._idle = threading.Event()
        self._log_is_long = False

    async def open(self, recover: Operation[None]) -> None:
        """Lock the folder, bring the file to this version's shape, have `recover` read it, and start the threads.

        Raises:
            StoreError: the folder isn't usable, or another process has it.
        """
        self._loop = asyncio.get_running_loop()
        self._lock = take_lock(self._file.parent)
        try:
            self._db = await asyncio.to_thread(_prepare, self._file)
        except (sqlite3.Error, Newer) as error:
            self._lock.close()
            raise StoreError(f"{self._file} can't be used: {error}") from error
        self._checkpointer = connect(self._file)
        self._reader = connect(self._file, query_only=True)
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="store-reader")
        recover(self._db)
        self._threads = [
            threading.Thread(target=self._write, name="store-writer", daemon=True),
            threading.Thread(target=self._checkpoint, name="store-checkpoint", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    async def read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Read what is committed, beside the writer.

        Raises:
            StoreError: it can't be read.
        """

        def work() -> list[tuple[Any, ...]]:
            try:
                return self._reader.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise explain(error, "read") from error

        return await self._loop.run_in_executor(self._reading, work)

    def submit(self, work: Operation[T], after: Callable[[T], None] | None = None) -> "asyncio.Future[T]":
        """Run `work` within the next commit.

        The future has its result once that is durable, or StoreError when nothing of it was kept.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        with self._bell:
            if self._closing:
                future.set_exception(StoreError("the store is closed: the gateway is stopping"))
                return future
            self._jobs.append(_Job(work, after, future))
            self._wake()
        return future

    def _wake(self) -> None:
        self._bell.notify()

    async def close(self) -> None:
        """Finish what waits, fold the log into the file, and let go of it."""
        with self._bell:
            self._closing = True
            self._bell.notify()
        self._idle.set()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        await asyncio.to_thread(self._reading.shutdown)
        self._reader.close()
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()
        self._checkpointer.close()
        self._lock.close()

    def _write(self) -> None:
        busy = False
        while True:
            if self._log_is_long:
                self._log_is_long = False
                _fold(self._db)
            with self._bell:
                while not self._jobs and not self._closing:
                    self._bell.wait()
            if busy:
                time.sleep(self.linger)
            with self._bell:
                jobs = list(self._jobs)
                self._jobs.clear()
            if not jobs:
                return
            busy = len(jobs) >= BUSY
            if not self._commit(jobs):
                for job in jobs:
                    job.error = None
                    self._commit([job])
            self._loop.call_soon_threadsafe(_settle, jobs)

    def _commit(self, jobs: Sequence[_Job[Any]]) -> bool:
        """Try jobs in one transaction; where one fails none is kept, and a lone job learns why."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for job in jobs:
                job.result = job.work(self._db)
            self._db.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever breaks an operation is its caller's to hear
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            if len(jobs) == 1:
                jobs[0].error = explain(error)
            return False
        return True

    def _checkpoint(self) -> None:
        """Fold the log into the file beside the writer.

        A log that is written on meanwhile is never folded to its end, and grows for as long as that goes on. So where
        it is long the writer folds the little that is left, while nobody writes; the next commit then begins it anew.
        """
        while not self._idle.wait(CHECKPOINT_EVERY):
            if _fold(self._checkpointer) > LONGEST_LOG:
                _fold(self._checkpointer)
                self._log_is_long = True


def _fold(db: sqlite3.Connection) -> int:
    """Fold the log into the file, as far as nobody is in the way; gives its pages."""
    try:
        return int(db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])
    except sqlite3.Error:
        return 0


def explain(error: Exception, verb: str = "write") -> Exception:
    """Say what the database's error means for an admin; what isn't the database's stays itself."""
    if not isinstance(error, sqlite3.Error):
        return error
    told = StoreError(f"the store can't {verb}: {error}")
    told.__cause__ = error
    return told


def _settle(jobs: Sequence[_Job[Any]]) -> None:
    for job in jobs:
        job.settle()
