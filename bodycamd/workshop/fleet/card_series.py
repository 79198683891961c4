"""One card after another from one fleet file: the roster and the bundle are read once, the record is locked for all of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bodycamd.errors import OutputError
from bodycamd.evidence.roster import SignedRoster
from bodycamd.foreign_text import shown
from bodycamd.linux import durable
from bodycamd.workshop.fleet.boot_partition import PRIVATE, BootPartition, ImagePartition
from bodycamd.workshop.fleet.card_making import Bundle, Contents, check_may_have_card, make, read_bundle, unsigned_cameras
from bodycamd.workshop.fleet.fleet_file import Fleet, FleetReading
from bodycamd.workshop.fleet.record import RecordWriter, appending, record_path, rosters_folder
from bodycamd.workshop.fleet.roster_making import last_roster, places


@dataclass(frozen=True, slots=True)
class Series:
    """Makes cards, and records each."""

    reading: FleetReading
    fleet: Fleet
    writer: RecordWriter
    roster: SignedRoster | None
    bundle: Bundle | None
    now_us: int

    @classmethod
    @contextmanager
    def of(cls, reading: FleetReading, fleet: Fleet, fleet_file: Path, bundle: Path | None, now_us: int) -> Iterator[Series]:
        """For the cameras of a fleet file. Raises `DataError`, `NotFoundError`, `StoreBusyError`, `StorageError`."""
        found = read_bundle(bundle) if bundle is not None else None
        with appending(record_path(fleet_file)) as writer:
            yield cls(reading, fleet, writer, last_roster(writer.record, rosters_folder(fleet_file)), found, now_us)

    def make(self, camera: str, target: BootPartition, *, overwrite: bool = False) -> Contents:
        """The card of a camera; what it holds. Raises as `card_making.make` does."""
        record = self.writer.record
        line, made = make(target, self.reading, self.fleet, record, camera, self.roster, self.bundle, self.now_us, overwrite=overwrite)
        self.writer.add(line)
        return made

    def make_image(self, camera: str, image: Path, folder: Path) -> Path:
        """A new image with the card of a camera, from an image that stays as it is. A half-made one is removed. Raises as `make` does."""
        check_may_have_card(self.fleet, self.writer.record, camera)
        out = folder / f"{camera}.img"
        if os.path.lexists(out):
            raise OutputError(f"{out}: exists already, and is never overwritten: choose another --out")
        part = out.with_name(f"{out.name}.part")
        try:
            _copy(image, part)
            self.make(camera, ImagePartition(part))
            os.rename(part, out)
            durable.sync_folder(folder)
        except OSError as error:
            raise OutputError(f"{out}: cannot be created: {error.strerror}") from error
        finally:
            part.unlink(missing_ok=True)
        return out

    def unsigned_cameras(self) -> list[str]:
        """What the roster of these cards does not say of cameras yet."""
        return unsigned_cameras(self.fleet, self.writer.record, self.roster.roster, self.now_us) if self.roster is not None else []

    def without_card(self) -> list[str]:
        """The cameras that have no card yet, are not enrolled, and in service."""
        record = self.writer.record
        return [
            name
            for name in places(self.fleet, record)
            if not {name} & (record.cards.keys() | record.enrolled.keys() | record.states.keys())
        ]


def _copy(image: Path, out: Path) -> None:
    """Sharing blocks where the file system can, and holes as holes: an image is gigabytes, a card differs in a few hundred kilobytes. The
    copy is its owner's alone from its creation, whatever the image is: a token goes into it. `cp` keeps the mode of a file that is there.
    """
    out.unlink(missing_ok=True)
    os.close(durable.open_new(out, PRIVATE))
    done = subprocess.run(["cp", "--reflink=auto", "--sparse=always", "--", str(image), str(out)], capture_output=True, check=False)
    if done.returncode != 0:
        raise OutputError(f"{out}: cannot be copied: {shown(done.stderr.decode(errors='replace').strip(), 200)}")
