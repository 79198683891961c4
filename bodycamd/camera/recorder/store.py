"""The store: the folder of recordings and ledger, opened by the one process that may write it, or read by anybody.

    STORE/.lock                      flock: the writer's
    STORE/recordings/000042-0001/    000000.tar 000001.tar.part …     (see `recording`)
    STORE/ledger/000042.jsonl        one file for each start

Folders are 0700 and files 0600: the service user's alone. `Store.open` reads the ledger as far as it verifies and makes a start: its number
is the next that names nothing in ledger and recordings, so that no name is ever used twice, whatever the clock says. Then it recovers what
earlier starts left open (`recovery`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path

from bodycamd import __version__
from bodycamd.camera.control.events import ResumeOffer
from bodycamd.camera.recorder.recovery import Past, Recovered, recover_store
from bodycamd.camera.recorder.reset_offer import offer_after_reset
from bodycamd.camera.recorder.resume_flag import FlagFile
from bodycamd.camera.recorder.shift import Shift, ShiftSoFar
from bodycamd.errors import DataError, PermissionDeniedError, StorageError, StoreBusyError
from bodycamd.evidence.keys import KeyFolder
from bodycamd.evidence.ledger import Ledger, last_start, next_number, open_ledger
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.ledger_reader import Line, taken_numbers
from bodycamd.linux import durable
from bodycamd.linux.clock import Clock
from bodycamd.linux.clock import boot_id as boot_id_now
from bodycamd.linux.disk import Disk, FileOperations
from bodycamd.linux.foreign import Folder, kind_of
from bodycamd.linux.reset_cause import ResetCause, reset_cause
from bodycamd.store.names import LEDGER_FOLDER, RECORDINGS_FOLDER, Stray, recording_starts


class Store:
    """An open store: the lock is held, the start has begun, earlier starts are recovered. Use `open`; `close` gives the lock back.

    `ledger` signs and numbers everything of this start; from now on it belongs to the writer's thread. `past` is what is believed of the
    ledger: read up to this start, it continues with it. `resume` is the recording that the last start left open, `shift` the shift that
    is, `flag` what lets a recording continue after a reset of the machine, `strays` what lies in the store without belonging there:
    reported, and passed over.
    """

    def __init__(
        self,
        directory: Path,
        lock: int,
        ledger: Ledger,
        past: VerifiedLedger,
        recovered: Recovered,
        shift: Shift | None,
        disk: FileOperations,
        flag: FlagFile,
        after_reset: ResumeOffer | None,
    ) -> None:
        self.directory = directory
        self.recordings_folder = directory / RECORDINGS_FOLDER
        self.ledger = ledger
        self.past = past
        self.shift = shift
        self.disk = disk
        self._lock = lock
        self._recovered = recovered
        self.flag = flag
        self._after_reset = after_reset

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        signing: Path,
        device_id: str,
        clock: Clock,
        config_sha256: str,
        software: str = f"bodycamd {__version__}",
        bundle: str | None = None,
        boot_id: str | None = None,
        disk: FileOperations | None = None,
        watch: Callable[[Line], object] = lambda _: None,
        reset: Callable[[], ResetCause] = reset_cause,
    ) -> Store:
        """Take the lock, read the ledger, begin a start, recover what earlier starts left open.

        `signing` is the folder of the signing keys, provisioned once (`evidence.keys.provision`). `boot_id` is the kernel's where not
        given. `bundle` is the name of the bundle that runs, if one does. `watch` hears of each verified line of the starts before, oldest
        first. Raises `StoreBusyError` where another process holds the store,
        `PermissionDeniedError` where it belongs to another user, `DataError` where something else is in the place of
        its folders or its lock, `StorageError` where the disk fails or the key is missing: then no start has begun.
        """
        disk = disk or Disk()
        try:
            durable.make_folder(directory)
            for name in (RECORDINGS_FOLDER, LEDGER_FOLDER):
                if not os.path.islink(directory / name):
                    durable.make_folder(directory / name)
                Folder.open(directory / name, below=directory).close()
            lock = _lock(directory / ".lock")
        except PermissionError as error:
            raise _another_owner(directory) from error
        except OSError as error:
            raise StorageError(f"{directory}: cannot open the store: {error.strerror}") from error
        flag_file = FlagFile(signing)
        try:
            ledger_folder = directory / LEDGER_FOLDER
            recordings = directory / RECORDINGS_FOLDER
            boot = boot_id or boot_id_now()
            past, left, shift = VerifiedLedger(ledger_folder), Past(boot), ShiftSoFar(boot)
            try:
                for line in past:
                    if past.chain.key is not None:
                        left.take(line, past.chain.key)
                    shift.take(line)
                    watch(line)
            except StorageError as error:  # a bad sector in an old file costs what it said, not the recordings to come
                past.stop(str(error))
            previous = last_start(ledger_folder, KeyFolder(signing), past)
            ledger = open_ledger(
                ledger_folder,
                signing,
                start=next_number(previous.number, taken_numbers(ledger_folder) | recording_starts(recordings)),
                device=device_id,
                boot_id=boot,
                clock=clock,
                software=software,
                bundle=bundle,
                config_sha256=config_sha256,
                previous=previous,
            )
            try:
                after_reset = None
                if (flag := flag_file.take()) is not None:
                    after_reset = offer_after_reset(
                        flag,
                        left.lines(clock.now_us()),
                        recordings,
                        previous_start=previous.number,
                        boot_id=boot,
                        now=clock.read(),
                        reset=reset(),
                    )
                recovered = recover_store(recordings, left, ledger, disk=disk, now_us=clock.now_us(), boot_id=boot)
            except BaseException:
                ledger.close()
                raise
        except BaseException:
            os.close(lock)
            raise
        return cls(directory, lock, ledger, past, recovered, shift.running, disk, flag_file, after_reset)

    @property
    def start(self) -> int:
        """The number of this start."""
        return self.ledger.start.number

    @property
    def resume(self) -> ResumeOffer | None:
        """The recording that an earlier start left open: of this boot, or of the one before where the one-use flag names it."""
        return self._after_reset or self._recovered.resume

    @property
    def offered_after_reset(self) -> str | None:
        """The recording whose flag this start took."""
        return self._after_reset.recording if self._after_reset is not None else None

    @property
    def strays(self) -> tuple[Stray, ...]:
        """What lies in the store and does not belong there, or could not be read."""
        return self._recovered.strays

    @property
    def recovered_segments(self) -> int:
        """How many segments of earlier starts were found open and recovered now."""
        return self._recovered.segments

    def close(self) -> None:
        """Close the ledger and give the lock back. The writer must have stopped."""
        self.ledger.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _another_owner(directory: Path) -> PermissionDeniedError:
    """What is reported where the store may not be written."""
    try:
        owner = f"user {directory.stat().st_uid}"
    except OSError:
        owner = "another user"
    whose = f"this store, or a part of it, belongs to {owner}, and user {os.geteuid()} may not write it"
    return PermissionDeniedError(f"{directory}: {whose}: give it to the service's user with chown -R")


def _lock(path: Path) -> int:
    """Take the lock; the kernel gives it back when the process ends, however that happens. Raises `StoreBusyError`, `DataError`."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(mode := os.lstat(path).st_mode):
            raise DataError(f"{path}: {kind_of(mode)} is in the place of the store's lock: remove it")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StoreBusyError(f"{path.parent}: another process holds the store; ask the running daemon, or stop it first") from error
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
