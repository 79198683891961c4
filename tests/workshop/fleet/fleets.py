"""Fleets to begin from: the shipped example with people whose keys somebody holds, in a folder of its own."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

import pyrage

from bodycamd.evidence.keys import SigningKey
from bodycamd.workshop.fleet.fleet_file import Fleet, read_fleet
from bodycamd.workshop.fleet.record import Enrolled, Record, appending, first_line, read_record, record_path
from tests.evidence.rostering import key, raw

CONFIG = Path(__file__).parents[3] / "config"
EXAMPLE = (CONFIG / "fleet.example.yaml").read_text(encoding="utf-8")
DAY = "2026-03-10"
REAL_NOW_US = int(time.time() * 1_000_000)
ROOT_1, ROOT_2 = key("fleet root-1"), key("fleet root-2")


@dataclass
class Folder:
    """A fleet file with its record, and the identities of E-01 and E-02."""

    file: Path
    identities: tuple[pyrage.x25519.Identity, ...]

    @property
    def fleet(self) -> Fleet:
        found = read_fleet(self.file.read_bytes()).fleet
        assert found is not None
        return found

    @property
    def record(self) -> Record:
        return read_record(record_path(self.file))

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text, old
        self.file.write_text(text.replace(old, new))

    def enrol(self, camera: str) -> None:
        with appending(record_path(self.file)) as writer:
            writer.add(enrolled(camera))


def enrolled(camera: str) -> Enrolled:
    return Enrolled(
        camera=camera,
        first_key=raw(f"{camera} first"),
        uplink_key=raw(f"{camera} uplink"),
        message_key=raw(f"{camera} message"),
        application="a" * 64,
        token_key=raw(f"{camera} token"),
        on=DAY,
    )


def new_folder(folder: Path) -> Folder:
    identities = (pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate())
    roots = iter([ROOT_1, ROOT_2])
    text = re.sub(r"(root-[12], key: )[0-9a-f]{64}", lambda found: found[1] + _hex(next(roots)), EXAMPLE)
    recipients = iter(identities)
    text = re.sub(r"age1[a-z0-9]{58}", lambda found: str(next(recipients).to_public()), text)
    file = folder / "fleet.yaml"
    file.write_text(text)
    record_path(file).write_bytes(first_line("voorbeeld", DAY))
    return Folder(file, identities)


def _hex(key: SigningKey) -> str:
    return key.public.raw.hex()
