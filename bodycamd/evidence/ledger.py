"""The ledger: one file for each start, one signed line for each thing that happened, chained across starts.

A line is `base64(signature) SP json LF`. The signature is over the JSON: the text between the space and the line end. `prev` is the SHA-256
of the whole line before it, without its line end, also across files; 64 zeros in the very first. Whoever reads with a shell: `printf %s
"$line" | sha256sum`.

An entry is durable when `append` returns. A cut can leave one torn line at the end of a file; that file is never changed again, and the
next start's entry states how many bytes of it are good.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Collection, Mapping
from pathlib import Path

from msgspec import Struct

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence import signed_line
from bodycamd.evidence.entries import LEDGER_FORMAT, TYPE_NAMES, KeyChanged, StartDetail, TornFile
from bodycamd.evidence.keys import EvolvingSigner, KeyFolder, PublicKey, SigningKey
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.ledger_reader import KeyInForce, Rest, file_name, first_line, lines, open_ledger_file, rest_of, starts
from bodycamd.evidence.signing import SignedEntry, Start
from bodycamd.evidence.statements import LAST_NUMBER, ZERO_HASH, JsonValue, Stated
from bodycamd.linux import durable
from bodycamd.linux.clock import Clock

log = logging.getLogger(__name__)

MAX_TORN_LISTED = 100


class Ledger:
    """The ledger of the running start, open for appending. Used by one thread; the store's lock keeps other processes out.

    `start` signs and numbers everything of this run, also the statements of segments (`segment.GrowingSegment`). `head` is the SHA-256 of
    the last whole line: the first `prev` of a new segment, and what anchors are made of. The keys are replaced here and nowhere else:
    by `open_ledger` at the start, then by `change_key`.
    """

    def __init__(self, path: Path, start: Start, signer: EvolvingSigner, head: str) -> None:
        """Create the file. Use `open_ledger`, which also takes the keys a step further. `signer` is the one of `start`."""
        self.path = path
        self.start = start
        self.head = head
        self._signer = signer
        self._size = 0
        self._broken = ""
        try:
            durable.make_folder(path.parent)
            self._descriptor = durable.open_new(path)
        except OSError as error:
            raise StorageError(f"{path}: cannot create the ledger: {error.strerror}") from error

    @property
    def durable_bytes(self) -> int:
        """How much of the file is durable: whole lines, all that `append` has returned for."""
        return self._size

    def append(self, type: str, detail: Mapping[str, JsonValue] | Stated = {}) -> SignedEntry:  # noqa: B006 - never changed
        """Sign an entry and write it; when this returns it survives a power cut.

        `detail` may leave out or set to `None` what does not apply. Raises `DataError` for values that a reader would refuse: then nothing
        was written. Raises `StorageError` where the disk fails: then the entry is taken back and the ledger stays usable, or, where even
        that fails, every later append first tries to take it back, and raises as long as that fails.
        """
        if self._broken and not self._take_back():
            raise StorageError(f"{self.path}: the ledger cannot be written since: {self._broken}")
        signed = self.start.entry(type, detail, prev=self.head)
        line = signed_line.join(signed.signature, signed.json)
        try:
            durable.write_all(self._descriptor, (line + b"\n",))
            durable.sync(self._descriptor)
            if self._size == 0:
                durable.sync_folder(self.path.parent)
        except OSError as error:
            self._take_back()
            raise StorageError(f"{self.path}: cannot write {type!r}: {error.strerror}") from error
        self._size += len(line) + 1
        self.head = hashlib.sha256(line).hexdigest()
        return signed

    def note(self, detail: Stated) -> SignedEntry:
        """Append a typed entry of `entries`; otherwise like `append`."""
        return self.append(TYPE_NAMES[type(detail)], detail)

    def change_key(self) -> bool:
        """Name a new key of memory, durably, and sign with it from then on: what was signed so far can never be signed again.

        Does nothing while the key in use has signed no footage; returns whether it was changed. Raises `StorageError` like `append`: then
        the old key stays. (Where the disk fails so that the entry cannot even be taken back, it may stand there all the same, and what the
        old key signs after it will be judged as signed too late.)
        """
        if not self.start.key_signed_footage:
            return False
        following = SigningKey.generate()
        self.note(KeyChanged(public_key=following.public.raw.hex()))
        self._signer.replace(following)
        self.start.key_signed_footage = False
        return True

    def close(self) -> None:
        """Close the file; nothing is written."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._broken = "it was closed"

    def _take_back(self) -> bool:
        """Cut a half-written line of this start, so that the next one does not follow on it. Returns whether that was done.

        Where the disk only pretends to, nothing is lost that was promised: the next entry counts as written after its own `fdatasync`, and
        a torn line at the end is what every start expects.
        """
        if self._descriptor < 0:
            return False
        try:
            durable.cut(self._descriptor, self._size)
            durable.sync(self._descriptor)
        except OSError as error:
            self._broken = error.strerror or str(error)
        else:
            self._broken = ""
        return not self._broken


class LastStart(Struct, frozen=True):
    """What the next start continues: the newest start that counts (0: none), its last good line, and the key that the next one must
    sign with (`None`: the first). `rests` is what follows that line, `files` are the names of the files that this rests on.
    """

    number: int
    head: str
    next_key: PublicKey | None
    rests: tuple[Rest, ...]
    files: tuple[str, ...]


def last_start(folder: Path, keys: KeyFolder, past: VerifiedLedger | None = None) -> LastStart:
    """Find it: where the ledger verifies, at its end. `past` has been read to its end; without it the ledger is read.

    A ledger that is damaged or cannot be read further back does not keep the camera from recording: then it is the newest start that names
    a key which this camera holds, by its own file alone. What follows is signed and chained to that, and `verify` mentions the damage.
    Raises `StorageError`.
    """
    if past is None:
        past = VerifiedLedger(folder)
        for _ in past:
            pass
    chain = past.chain
    if not chain.failed:
        files = [file_name(number) for number in starts(folder) if number >= chain.start]
        return LastStart(chain.start, chain.head, chain.next_key, tuple(chain.pending), tuple(files))
    log.error("the ledger does not verify to its end, this start continues all the same: %s", past.broken)
    rests: list[Rest] = []
    for number in reversed(starts(folder)):
        try:
            line = first_line(folder, number)
            detail = line.detail if line is not None else None
            named = PublicKey.from_hex(detail.next_public_key) if isinstance(detail, StartDetail) else None
            counts = named is not None and keys.holds(named)
            head, rest = _by_itself(folder, number, counts)
        except StorageError as error:
            log.error("passed over: %s", error)
            continue
        if rest is not None:
            rests.insert(0, rest)
        if counts:
            return LastStart(number, head, named, tuple(rests), (file_name(number),))
    return LastStart(0, ZERO_HASH, None, tuple(rests), ())


def next_number(last: int, taken: Collection[int]) -> int:
    """The number of the next start: one more than the last that counts, and none that names anything already. Raises `StorageError`."""
    number = last + 1
    while number in taken:
        number += 1
    if number > LAST_NUMBER:
        raise StorageError(f"no number is left for a start after {last}: names up to {LAST_NUMBER} are taken in the store")
    return number


def open_ledger(
    folder: Path,
    signing: Path,
    *,
    start: int,
    device: str,
    boot_id: str,
    clock: Clock,
    software: str,
    config_sha256: str,
    bundle: str | None = None,
    previous: LastStart | None = None,
) -> Ledger:
    """Begin a start: choose the one accepted key, make the next, write the start entry, erase the old key. Every step is durable before the
    next. What follows is signed by keys that live in memory only.

    `start` names nothing in ledger or recordings yet (`next_number`); `previous` is what `last_start` finds, which is looked for where not
    given. After a cut anywhere in here the next call, with a higher number, continues with exactly one accepted key. Raises `StorageError`:
    the accepted key is missing, or the disk fails; the start has then not begun and nothing must be signed.
    """
    keys = KeyFolder(signing)
    if previous is None:
        previous = last_start(folder, keys)
    _settle(folder, previous.files)
    key, key_file = keys.accept(previous.next_key)
    following = keys.create(start + 1)
    in_memory = SigningKey.generate()
    signer = EvolvingSigner(key)
    begun = Start(number=start, device=device, boot_id=boot_id, signer=signer, clock=clock)
    ledger = Ledger(folder / file_name(start), begun, signer, previous.head)
    torn = tuple(rest.torn for rest in previous.rests if rest.start < start)
    try:
        ledger.note(_start_detail((key, following, in_memory), software, bundle, config_sha256, torn))
        signer.replace(in_memory)
        keys.erase(key_file)
    except BaseException:
        ledger.close()
        raise
    return ledger


def _by_itself(folder: Path, start: int, counts: bool) -> tuple[str, Rest | None]:
    """The last good line of one file, by the keys that it names itself, and what stands behind it; of a start that does not count no line
    is good. Raises `StorageError`.
    """
    name = file_name(start)
    head, good, reason = ZERO_HASH, 0, f"{name}: of no start that this camera has a key of"
    try:
        with open_ledger_file(folder, name) as file:
            in_force = KeyInForce(start)
            try:
                for line in lines(file, name) if counts else ():
                    in_force.accept(line)
                    head, good = line.sha256, line.end
            except DataError as error:
                reason = str(error)
            return head, rest_of(file, start, good, reason)
    except OSError as error:
        raise StorageError(f"{folder / name}: cannot read the ledger: {error.strerror}") from error


def _settle(folder: Path, files: tuple[str, ...]) -> None:
    """Make durable what was just read: an old key must not be erased on the word of an entry that so far is in memory only."""
    try:
        for name in files:
            durable.settle(folder / name)
        if files:
            durable.sync_folder(folder)
    except OSError as error:
        raise StorageError(f"{folder}: cannot make the ledger durable: {error.strerror}") from error


def _start_detail(
    keys: tuple[SigningKey, SigningKey, SigningKey], software: str, bundle: str | None, config_sha256: str, torn: tuple[TornFile, ...]
) -> StartDetail:
    key, following, in_memory = keys
    return StartDetail(
        format=LEDGER_FORMAT,
        public_key=key.public.raw.hex(),
        next_public_key=following.public.raw.hex(),
        ram_public_key=in_memory.public.raw.hex(),
        software=software,
        config_sha256=config_sha256,
        bundle=bundle,
        torn_ledgers=torn[-MAX_TORN_LISTED:],
        torn_ledgers_unlisted=max(0, len(torn) - MAX_TORN_LISTED),
    )
