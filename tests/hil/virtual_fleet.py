"""The fleet that virtual cameras belong to: a fleet file with a roster in force, and a card of each, made as a technician makes them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bodycamd.workshop.fleet.signing import sign_next
from tests.workshop.fleet.fleets import REAL_NOW_US, ROOT_1, Folder, new_folder

CONFIGURATION = """\
  video: {source: file, file: /bench/film.h264, frame_rate: 10}
  microphone: {device: "plughw:CARD=Device,DEV=1"}
  speaker: {device: loudspeaker}
  board: {battery: {gauge: kernel, supply: test_battery}}
"""
"""The parts that a virtual camera has (tests/hil/guest/parts.py, tests/hil/image)."""
EXAMPLE_RELEASE = "9d37d7db73b10f22e4b318a57f306769588a5e07d16bb5ab52043d7cf64ef0c6"


def bodycamd(*words: str | Path, code: int = 0) -> str:
    """What the command of this checkout prints. Raises `AssertionError` where it ends otherwise."""
    done = subprocess.run([sys.executable, "-m", "bodycamd.cli.main", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


@dataclass(frozen=True, slots=True)
class VirtualFleet:
    """`cards` is the folder of the cards, CAMERA.img each."""

    folder: Folder
    cards: Path

    @property
    def file(self) -> Path:
        """The fleet file."""
        return self.folder.file

    def card(self, camera: str) -> Path:
        """The card of a camera."""
        return self.cards / f"{camera}.img"

    def identity(self) -> str:
        """An identity that opens the footage."""
        return str(self.folder.identities[0])


def make_fleet(folder: Path, made: Path, prepared: str, bare: str) -> VirtualFleet:
    """A fleet and two cards, from what `scripts/make-virtual-camera` left in `made`: one camera's has the program in its image, the other's
    has the bundle beside an image without it."""
    begun = new_folder(folder)
    begun.edit("  timezone: Europe/Amsterdam\n", f"  timezone: Europe/Amsterdam\n{CONFIGURATION}")
    begun.edit(EXAMPLE_RELEASE, _raw(made / "release.pem"))
    sign_next(begun.fleet, begun.file, lambda *_: [ROOT_1], REAL_NOW_US, 90)
    cards = folder / "cards"
    cards.mkdir()
    [bundle] = made.glob("bodycamd-*.bundle")
    for camera, image, program in ((prepared, "ready.img", ()), (bare, "card.img", ("--bundle", bundle))):
        bodycamd("fleet", "cards", "--image", made / image, "--out", cards, "--camera", camera, "--fleet", begun.file, *program)
    return VirtualFleet(begun, cards)


def _raw(public: Path) -> str:
    command = ["openssl", "pkey", "-pubin", "-in", str(public), "-outform", "DER"]
    return subprocess.run(command, capture_output=True, check=True).stdout[-32:].hex()
