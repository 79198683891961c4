"""Verifying a store with public keys only: is everything there that the camera stated, byte for byte, and nothing else?

Guarantees
- Reads only. Takes no lock: the store may be a copy, or that of a camera at work.
- Memory does not grow with the footage, only with the number of recordings and of segments that are there.
- Everything read is taken as hostile. Whatever it is, it ends as a finding; links and special files are never followed or opened.
- Each byte is accounted for: of ledger files and segments by hash, also what follows an end of an archive or a cut; other files are
  findings.

Not shown from inside, and what anchors are for: that the newest entries, or the footage after them, have been cut off; that the store was
replaced by an older copy of itself; that the key in use was stolen with the camera's memory, and the newest epoch was signed anew.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bodycamd.errors import BodycamError, DataError, NotFoundError, PermissionDeniedError, StorageError
from bodycamd.evidence.checkpoint import CHECKPOINT_FILE, MAX_CHECKPOINT_BYTES
from bodycamd.evidence.copy_record import COPY_FILE, COPY_PART
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_reader import LEDGER_FILE
from bodycamd.linux.foreign import Entry, Folder, denied
from bodycamd.municipality.copies.copies import CopyRecord, read_copy
from bodycamd.municipality.copies.copy_check import check_copy
from bodycamd.municipality.copies.person_keys import People
from bodycamd.municipality.verify.anchors import Anchor, check_anchor
from bodycamd.municipality.verify.ledger_account import LedgerAccount, Told
from bodycamd.municipality.verify.recording_check import RecordingCheck
from bodycamd.municipality.verify.segment_check import first_prev
from bodycamd.municipality.verify.verdicts import EXIT_CODES, Findings, RecordingReport, StoreReport, worst
from bodycamd.store.names import LEDGER_FOLDER, RECORDINGS_FOLDER, SegmentFile, recording_names, recording_start, segment_files

LOCK_FILE = ".lock"
Snapshot = dict[str, list[SegmentFile]]


def verify(
    store: Path,
    registered: PublicKey,
    anchor: Anchor | None = None,
    *,
    only: str | None = None,
    people: People | None = None,
    progress: Callable[[RecordingReport], None] | None = None,
    triple: Callable[[], None] | None = None,
) -> StoreReport:
    """Verify everything. `registered` is the key of the camera's registration; `progress` hears of each recording when it is done, `triple`
    of each triple that verifies: what it raises ends the verification, unless it is an error that could be found.

    With `only`, the id of a recording, of all segments those of this one alone are read, and those of the recording whose open segment the
    anchor pins. The ledger is verified as a whole all the same: what it says of the recording counts as far as its chain is whole.

    `people` are those whose keys count in the record of a copy (`copy.jsonl`); what anybody else signed there is unverifiable. Orders of
    theirs count only with their signatures.

    What this user may not read is unverifiable. Raises `PermissionDeniedError` where that is the whole store, or both its folders;
    `NotFoundError` where there is no store at all.
    """
    Folder.open(store).close()
    report = StoreReport(store=str(store), only=only or "")
    findings = report.findings
    _look_around(store, findings)
    unreadable: dict[str, str] = {}
    ledger_is_sound, ledger_denied = _look_at_ledger(store / LEDGER_FOLDER, findings)
    snapshot = _snapshot(store / RECORDINGS_FOLDER, report, unreadable)
    if ledger_denied and "" in unreadable:
        raise denied(store)
    chosen = {only} if only is not None else None
    if chosen is not None:
        if anchor is not None and anchor.pin is not None:
            chosen.add(anchor.pin.recording)
        snapshot = {name: files for name, files in snapshot.items() if name in chosen}
    wanted = {prev for files in snapshot.values() for file in files if (prev := first_prev(file.path)) is not None}
    if anchor is not None:
        wanted.add(anchor.head)
    copy = _copy(store, people or {}, findings)
    if copy is not None:
        wanted.update(copy.heads)
    ledger = store / LEDGER_FOLDER if ledger_is_sound else store / LEDGER_FOLDER / "none"
    account = LedgerAccount(ledger, registered, wanted, set(snapshot), people)
    if ledger_denied:
        account.failure = "unverifiable", "the ledger may not be read by this user"
    _tell_ledger(report, account, len(snapshot))
    if ledger_is_sound:
        _look_at_checkpoints(store / LEDGER_FOLDER, account.checkpoint, findings)
    if copy is not None:
        check_copy(copy, account, findings)
    pin = anchor.pin if anchor is not None else None
    check = RecordingCheck(store / RECORDINGS_FOLDER, account, pin, unreadable, copy, triple)
    for name in sorted(set(snapshot) | set(account.told), key=_order):
        if chosen is not None and name not in chosen:
            continue
        done = check.check(name, snapshot.get(name), account.told.get(name, Told()))
        report.recordings.append(done)
        report.verdict = worst(report.verdict, done.verdict)
        if progress is not None:
            progress(done)
    if anchor is not None:
        report.anchor = check_anchor(anchor, account, check.pin_found, findings)
    report.verdict = worst(report.verdict, findings.worst)
    if report.verdict in ("deleted", "held"):
        report.verdict = "intact"
    report.exit_code = EXIT_CODES[report.verdict]
    return report


def _order(name: str) -> tuple[int, str]:
    return recording_start(name) or 0, name


def _look_around(store: Path, findings: Findings) -> None:
    for entry in _entries(store, store, findings):
        if entry.name in (RECORDINGS_FOLDER, LEDGER_FOLDER):
            if not entry.is_folder:
                findings.add("altered", entry.name, f"{entry.kind}, not a folder")
        elif entry.name == COPY_FILE:
            if not entry.is_file:
                findings.add("altered", entry.name, f"{entry.kind}, not a file")
        elif entry.name == COPY_PART and entry.is_file:
            findings.add("open", entry.name, "lines that were being written; what they were to say was not said")
        elif entry.name != LOCK_FILE or not entry.is_file or entry.size:
            findings.add("unverifiable", entry.name, "does not belong in a store: nothing signed mentions it")


def _copy(store: Path, people: People, findings: Findings) -> CopyRecord | None:
    try:
        return read_copy(store, people)
    except (PermissionDeniedError, StorageError) as error:
        findings.add("unverifiable", COPY_FILE, str(error))
        return None


def _look_at_ledger(folder: Path, findings: Findings) -> tuple[bool, bool]:
    """Whether the ledger can be read: there is one, and its files are files. And whether this user may not read it."""
    try:
        with Folder.open(folder, below=folder.parent) as opened:
            entries = opened.entries()
    except PermissionDeniedError:
        return False, True
    except StorageError as error:
        findings.add("unverifiable", LEDGER_FOLDER, str(error))
        return False, False
    except (NotFoundError, DataError):
        findings.add("altered", LEDGER_FOLDER, "there is no ledger")
        return False, False
    sound, files = True, 0
    for entry in entries:
        is_checkpoint = CHECKPOINT_FILE.fullmatch(entry.name) is not None
        if is_checkpoint and entry.is_file:
            if entry.size > MAX_CHECKPOINT_BYTES:
                findings.add("altered", f"{LEDGER_FOLDER}/{entry.name}", "too large for a checkpoint")
                sound = False
        elif not is_checkpoint and not LEDGER_FILE.fullmatch(entry.name):
            findings.add("unverifiable", f"{LEDGER_FOLDER}/{entry.name}", "does not belong in a ledger: nothing signed mentions it")
        elif not entry.is_file:
            findings.add("altered", f"{LEDGER_FOLDER}/{entry.name}", f"{entry.kind}, not a regular file")
            sound = False
        else:
            files += 1
    if not files:
        findings.add("altered", LEDGER_FOLDER, "the ledger is empty")
    return sound, False


def _look_at_checkpoints(folder: Path, used: str, findings: Findings) -> None:
    """The chain has judged the one that it continues behind. An older one beside it is what a cut left while it was replaced."""
    for entry in _entries(folder, folder.parent, findings):
        if CHECKPOINT_FILE.fullmatch(entry.name) and entry.name != used:
            if entry.name < used:
                findings.add("open", f"{LEDGER_FOLDER}/{entry.name}", f"replaced by {used}; its removal was cut off")
            else:
                findings.add("unverifiable", f"{LEDGER_FOLDER}/{entry.name}", "a checkpoint that the ledger does not continue from")


def _snapshot(recordings: Path, report: StoreReport, unreadable: dict[str, str]) -> Snapshot:
    """The segments that are there now, by recording. Read before the ledger, which then knows at least as much. What cannot be read goes
    into `unreadable`, with the reason."""
    found: Snapshot = {}
    try:
        names, strays = recording_names(recordings)
    except (NotFoundError, DataError):
        report.findings.add("altered", RECORDINGS_FOLDER, "there is no folder of recordings")
        return found
    except BodycamError as error:
        unreadable[""] = str(error)
        report.findings.add("unverifiable", RECORDINGS_FOLDER, str(error))
        return found
    for stray in strays:
        report.findings.add("unverifiable", f"{RECORDINGS_FOLDER}/{stray.path}", stray.reason)
    for name in names:
        try:
            found[name], inner = segment_files(recordings / name)
        except BodycamError as error:
            unreadable[name] = str(error)
            report.findings.add("unverifiable", f"{RECORDINGS_FOLDER}/{name}", str(error))
            continue
        for stray in inner:
            report.findings.add("unverifiable", f"{RECORDINGS_FOLDER}/{stray.path}", stray.reason)
    return found


def _tell_ledger(report: StoreReport, account: LedgerAccount, recordings: int) -> None:
    report.starts, report.entries, report.head = account.starts, account.entries, account.head
    if account.last is not None:
        report.device, report.last_wall = account.last.device, account.last.wall
    if account.failure is not None:
        report.findings.add(account.failure[0], LEDGER_FOLDER, account.failure[1])
    elif not account.entries and not report.findings.listed:
        report.findings.add("altered" if recordings else "open", LEDGER_FOLDER, "there is no whole entry in it")
    if account.tail:
        report.findings.add("open", LEDGER_FOLDER, f"{account.tail}: being written, or cut off")
    for name in account.strays:
        what = "of a start that has not been and is not the next: nothing signed mentions it"
        report.findings.add("unverifiable", f"{LEDGER_FOLDER}/{name}", what)
    for contradiction in account.contradictions:
        report.findings.add("contradictory", LEDGER_FOLDER, contradiction)
    for note in account.notes:
        report.findings.add("intact", LEDGER_FOLDER, note)


def _entries(folder: Path, store: Path, findings: Findings) -> list[Entry]:
    try:
        with Folder.open(folder, below=store) as opened:
            return opened.entries()
    except BodycamError as error:
        findings.add("unverifiable", folder.name, str(error))
        return []
