"""The storage of the ledger, and the lease that admits one driver at a time.

The ledger is a journal file in the sweep's folder, or a database that several machines can reach.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import filelock
import psycopg
import sqlalchemy.exc
import tenacity
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from experiments.errors import LedgerError

PATIENCE = 600.0  # seconds to retry a database that can't be reached
FAULTS = (StorageInternalError, sqlalchemy.exc.DBAPIError, psycopg.OperationalError)

T = TypeVar("T")


class Storage:
    """The ledger's storage: the database at the address ROSETTA_LEDGER, or a journal file in the sweep's folder."""

    def __init__(self, lease: "Lease"):
        """Raises LedgerError if the storage can't be opened."""
        self.lease = lease
        try:
            self.backend: BaseStorage = _database(lease.url) if lease.url else _journal(lease.folder / "ledger.journal")
        except Exception as error:
            raise LedgerError(f"the ledger at {lease.place} can't be opened: {str(error).splitlines()[0]}") from error

    def with_retries(self, call: Callable[[bool], T]) -> T:
        """The result of call(False). While the database can't be reached, call(True) is retried.

        Raises LedgerError after PATIENCE seconds.
        """
        wait = tenacity.wait_exponential_jitter(initial=0.5, max=15)
        retry = tenacity.retry_if_exception_type(FAULTS)
        try:
            stop = tenacity.stop_after_delay(PATIENCE)
            for attempt in tenacity.Retrying(wait=wait, retry=retry, stop=stop, reraise=True):
                with attempt:
                    again = attempt.retry_state.attempt_number > 1
                    if again:
                        self.lease.renew()
                    return call(again)
        except FAULTS as error:
            cause = str(error).splitlines()[0]
            raise LedgerError(
                f"the ledger at {self.lease.place} could not be reached for {PATIENCE / 60:g} minutes: {cause}; "
                f"completed trials are saved; rerun the same command to resume"
            ) from error
        raise AssertionError("tenacity returned without a result or an error")


def _database(url: str) -> RDBStorage:
    # pool_pre_ping replaces connections that a restarted server has closed.
    return RDBStorage(url.replace("postgresql://", "postgresql+psycopg://", 1), engine_kwargs={"pool_pre_ping": True})


def _journal(path: Path) -> JournalStorage:
    _drop_torn_line(path)
    lock: Any = JournalLock(path)  # the base class of such locks is private
    return JournalStorage(JournalFileBackend(str(path), lock))


def _drop_torn_line(path: Path) -> None:
    """Remove an incomplete last line, which a killed driver or a full disk leaves.

    Optuna would append to it, and then read none of the lines after it.
    """
    content = path.read_bytes() if path.is_file() else b""
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


class JournalLock:
    """A lock that ends with its process. Optuna's own locks outlive it and block the next driver for half a minute."""

    def __init__(self, path: Path):
        self.lock = filelock.FileLock(path.with_suffix(".lock"))

    def acquire(self) -> bool:
        self.lock.acquire()
        return True

    def release(self) -> None:
        self.lock.release()


class Lease:
    """The right to drive a sweep, held by one process at a time and released when it ends.

    With a database as the ledger, this holds for all machines.
    """

    def __init__(self, folder: Path, name: str):
        self.folder, self.name, self.url = folder, name, os.environ.get("ROSETTA_LEDGER", "")
        self.place = self.url.rpartition("@")[2] if self.url else str(folder)
        self.holder = f"process {os.getpid()} on {socket.gethostname()}"
        self.connection: psycopg.Connection | None = None

    @property
    def shared(self) -> bool:
        """Whether several machines can reach the ledger."""
        return self.url.startswith("postgresql")

    def renew(self) -> None:
        """Hold the database's lock; acquire it again if the connection was lost.

        Raises LedgerError if another driver holds it.
        """
        if not self.shared or (self.connection and _alive(self.connection)):
            return
        address = "postgresql://" + self.url.partition("://")[2]  # without the name of a Python driver
        connection = psycopg.connect(
            address, autocommit=True, connect_timeout=10, application_name=f"rosetta-sweep {self.holder}"[:63]
        )
        if not _one(connection, "select pg_try_advisory_lock(hashtextextended(%s, 0))", self.name):
            raise LedgerError(
                f"sweep '{self.name}' is being run by {_other(connection, self.name)}; wait for it or stop it"
            )
        self.connection = connection


def _one(connection: psycopg.Connection, query: str, *values: str) -> object:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None


def _alive(connection: psycopg.Connection) -> bool:
    try:
        return _one(connection, "select true") is True
    except psycopg.OperationalError:
        return False


def _other(connection: psycopg.Connection, name: str) -> str:
    found = _one(
        connection,
        "select application_name from pg_stat_activity join pg_locks using (pid) "
        "where locktype = 'advisory' and granted "
        "and ((classid::bigint << 32) | objid::bigint) = hashtextextended(%s, 0)",
        name,
    )
    return str(found or "another process").removeprefix("rosetta-sweep ")


@contextmanager
def lease(folder: Path, name: str) -> Iterator[Lease]:
    """Hold a sweep's lease. Raises LedgerError with the holder's name if another driver holds it."""
    held, lock, holder = Lease(folder, name), filelock.FileLock(folder / "driver.lock"), folder / "driver.txt"
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        who = holder.read_text() if holder.is_file() else "another process"
        raise LedgerError(f"sweep '{name}' is being run by {who}; wait for it or stop it") from None
    try:
        holder.write_text(held.holder)
        try:
            held.renew()
        except psycopg.Error as error:
            raise LedgerError(f"the ledger at {held.place} can't be opened: {str(error).splitlines()[0]}") from error
        yield held
    finally:
        if held.connection:
            held.connection.close()
        lock.release()
