"""Signs the next roster and keeps it: the file first, then its root in root.json and the line in the record. What a crash left between
them is taken up.

Where the threshold asks for several people who do not meet, the roster goes from one to the next as a draft (`.draft` beside the rosters):
it has the signatures that were made, and counts for nobody until there are enough. After a change of the root the old keys sign first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from msgspec.structs import replace

from bodycamd.errors import ConfigError, DataError, NotFoundError, OutputError
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.keys import Signer
from bodycamd.evidence.roster import MAX_ROSTER_BYTES, Roster, SignedRoster, State, root_keys, signed_enough
from bodycamd.linux import durable
from bodycamd.linux.foreign import read_file, read_named
from bodycamd.linux.new_file import write_new
from bodycamd.workshop.fleet.fleet_file import Fleet
from bodycamd.workshop.fleet.record import Record, RecordWriter, RosterSigned, appending, record_path, root_path, rosters_folder
from bodycamd.workshop.fleet.roster_making import (
    check_acceptable,
    check_following,
    file_name,
    last_roster,
    next_roster,
    root_file,
    signed_by,
)

_GONE: Final[Mapping[State, int]] = {"active": 0, "suspended": 1, "lost": 2, "retired": 3}
Show: TypeAlias = Callable[[Roster, Roster | None], None]
"""Who is shown a roster and the one before."""
Ask: TypeAlias = Callable[[Roster, Roster | None], Sequence[Signer]]
"""Who is shown the roster that is to be signed and the one before, and returns the root keys that sign."""


def sign_next(fleet: Fleet, fleet_file: Path, ask: Ask, now_us: int, days: int, *, draft: bool = False) -> tuple[Path, SignedRoster]:
    """The next roster's file, and what is in it; with `draft` one that needs further signatures. Raises `ConfigError` where no camera would
    take it, `OutputError`, `StoreBusyError`, `StorageError`.
    """
    with appending(record_path(fleet_file)) as writer:
        last, unsigned, path = _next(fleet, writer, fleet_file, now_us, days)
        if last is not None:
            check_following(unsigned, last.roster)
        signers = ask(unsigned, last.roster if last else None)
        if draft:
            path = path.with_suffix(".draft")
            path.unlink(missing_ok=True)
            signed = rosters.sign(unsigned, signers)
            write_new({path: signed.document.file_bytes})
        else:
            signed = signed_by(unsigned, signers, last, now_us)
            _keep(writer, signed, path, root_path(fleet_file))
    return path, signed


def cosign(draft: Path, ask: Ask) -> SignedRoster:
    """Add signatures to a draft, in its place. Who signs is shown what it changes where the roster before lies beside it, else all of it.

    Raises `ConfigError` for a key that is none of its root or has signed, `DataError`, `OutputError`.
    """
    found = read_draft(draft)
    signers = ask(found.roster, _before(found.roster, draft))
    for signer in signers:
        if signer.public not in root_keys(found.roster.root):
            raise ConfigError(f"{draft}: key {signer.public.raw.hex()[:16]}… is not a root key of this roster")
        if signer.public.id in dict(found.document.signatures):
            raise ConfigError(f"{draft}: key {signer.public.raw.hex()[:16]}… has signed it already")
    signed = SignedRoster(found.roster, found.document.also_signed_by(signers))
    part = draft.with_suffix(".draft.part")
    part.unlink(missing_ok=True)
    write_new({part: signed.document.file_bytes})
    try:
        os.replace(part, draft)
        durable.sync_folder(draft.absolute().parent)
    except OSError as error:
        raise OutputError(f"{draft}: cannot be written: {error.strerror}") from error
    return signed


def _before(roster: Roster, draft: Path) -> Roster | None:
    """The very roster before, where it lies beside the draft and the draft's own root signed it: else what changes could be hidden by a
    forged one. Raises `DataError`, `StorageError`.
    """
    if roster.version == 1:
        return None
    try:
        path = draft.with_name(file_name(replace(roster, version=roster.version - 1)))
        before = rosters.decode(read_named(path, 2 * MAX_ROSTER_BYTES), str(path))
    except NotFoundError:
        return None
    if before.roster.order != (roster.root.version, roster.version - 1) or not signed_enough(before.document, roster.root):
        raise DataError(f"{path}: not the roster before {draft}, signed by its root: move it away, and find out who put it there")
    return before.roster


def take_draft(fleet_file: Path, draft: Path, show: Show, now_us: int) -> tuple[Path, SignedRoster]:
    """Keep a draft that has enough signatures as the next roster, after it was shown. Raises as `sign_next` does."""
    found = read_draft(draft)
    with appending(record_path(fleet_file)) as writer:
        folder = _folder(fleet_file)
        last = last_roster(writer.record, folder)
        show(found.roster, last.roster if last else None)
        check_acceptable(found, last, now_us)
        _check_not_taken_back(found.roster, writer.record, draft)
        path = folder / file_name(found.roster)
        _keep(writer, found, path, root_path(fleet_file))
    return path, found


def _check_not_taken_back(roster: Roster, record: Record, draft: Path) -> None:
    """A roster that retires whom the record does not would be the last one: none could follow it."""
    for camera in roster.cameras:
        if _GONE[camera.state] > _GONE[record.state(camera.id)]:
            raise ConfigError(f"{draft}: {camera.id} is {camera.state} in it, and that was taken back since: make a new draft")


def read_draft(path: Path) -> SignedRoster:
    """What is in a draft. Raises `DataError`, `NotFoundError`, `StorageError`."""
    return rosters.decode(read_named(path, 2 * MAX_ROSTER_BYTES), str(path))


def _folder(fleet_file: Path) -> Path:
    folder = rosters_folder(fleet_file)
    try:
        durable.make_folder(folder)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be created: {error.strerror}") from error
    return folder


def _next(fleet: Fleet, writer: RecordWriter, fleet_file: Path, now_us: int, days: int) -> tuple[SignedRoster | None, Roster, Path]:
    folder = _folder(fleet_file)
    while True:
        last = last_roster(writer.record, folder)
        unsigned = next_roster(fleet, writer.record, last.roster if last else None, now_us, days)
        path = folder / file_name(unsigned)
        if not path.exists():
            return last, unsigned, path
        _note(writer, rosters.decode(read_file(path, 2 * MAX_ROSTER_BYTES), str(path)), path, root_path(fleet_file))


def _keep(writer: RecordWriter, signed: SignedRoster, path: Path, root: Path) -> None:
    write_new({path: signed.document.file_bytes})
    _note(writer, signed, path, root)


def _note(writer: RecordWriter, signed: SignedRoster, path: Path, root_to: Path) -> None:
    try:
        durable.replace(root_to, root_file(signed.roster.root))
    except OSError as error:
        raise OutputError(f"{root_to}: cannot be written: {error.strerror}") from error
    root, version = signed.roster.order
    writer.add(
        RosterSigned(root_version=root, version=version, sha256=signed.document.sha256, not_after=signed.roster.not_after, file=path.name)
    )
