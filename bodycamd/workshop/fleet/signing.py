"""Signs the next roster and keeps it: the file first, then the line in the record. What a crash left between the two is taken up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bodycamd.errors import OutputError
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.keys import Signer
from bodycamd.evidence.roster import MAX_ROSTER_BYTES, SignedRoster
from bodycamd.linux import durable
from bodycamd.linux.foreign import read_file
from bodycamd.linux.new_file import write_new
from bodycamd.workshop.fleet.fleet_file import Fleet
from bodycamd.workshop.fleet.record import RecordWriter, RosterSigned, appending, record_path, rosters_folder
from bodycamd.workshop.fleet.roster_making import file_name, last_roster, next_roster, signed_by


def sign_next(fleet: Fleet, fleet_file: Path, signers: Sequence[Signer], now_us: int, days: int) -> tuple[Path, SignedRoster]:
    """The next roster's file, and what is in it. Raises `ConfigError` where no camera would take it, `OutputError`, `StoreBusyError`,
    `StorageError`.
    """
    folder = rosters_folder(fleet_file)
    try:
        durable.make_folder(folder)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be created: {error.strerror}") from error
    with appending(record_path(fleet_file)) as writer:
        while True:
            last = last_roster(writer.record, folder)
            unsigned = next_roster(fleet, writer.record, last.roster if last else None, now_us, days)
            path = folder / file_name(unsigned)
            if not path.exists():
                break
            _note(writer, rosters.decode(read_file(path, 2 * MAX_ROSTER_BYTES), str(path)), path)
        signed = signed_by(unsigned, signers, last, now_us)
        write_new({path: signed.document.file_bytes})
        _note(writer, signed, path)
    return path, signed


def _note(writer: RecordWriter, signed: SignedRoster, path: Path) -> None:
    root, version = signed.roster.order
    writer.add(
        RosterSigned(root_version=root, version=version, sha256=signed.document.sha256, not_after=signed.roster.not_after, file=path.name)
    )
