"""A drill: whether every footage recipient can still open what is encrypted to them, without any footage, and without their keys ever
leaving their desks.

`drill.json` and a probe for each person: 32 random bytes, encrypted to that person alone. Who opens one answers with a word that nobody
can know otherwise; `drill.json` has only the hash of each answer, so that who keeps the drill cannot answer for others.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from bodycamd.camera.capture.worker.encrypt import encrypt, parse_recipients
from bodycamd.errors import DataError
from bodycamd.evidence import strict_json
from bodycamd.evidence.pseudonyms import Pseudonym
from bodycamd.evidence.roster import Recipient
from bodycamd.evidence.statements import Sha256, Stated
from bodycamd.linux.foreign import read_file, read_named
from bodycamd.municipality.film.identities import Identities
from bodycamd.workshop.fleet.fleet_file import Fleet

FILE: Final = "drill.json"
ANSWER: Final = re.compile(r"[0-9a-f]{32}\Z")
PREFIX: Final = b"bodycam-drill/1\n"
PROBE_BYTES: Final = 32
MAX_PROBE_BYTES: Final = 4096


class Asked(Stated, frozen=True, kw_only=True):
    """Who was asked, and the SHA-256 of the right answer."""

    id: Pseudonym
    recipient: Recipient
    answer_sha256: Sha256


class Drill(Stated, frozen=True, kw_only=True):
    """All who were asked."""

    asked: Annotated[tuple[Asked, ...], Meta(min_length=1, max_length=1000)]


_drills: msgspec.json.Decoder[Drill] = msgspec.json.Decoder(Drill)


def prepared(fleet: Fleet) -> Mapping[str, bytes]:
    """The files of a new drill, by name, for every active person with a recipient. Raises `DataError` where there is nobody."""
    asked: list[Asked] = []
    files: dict[str, bytes] = {}
    for person in fleet.people:
        if person.recipient is None or person.state != "active":
            continue
        probe = PREFIX + os.urandom(PROBE_BYTES)
        files[probe_name(person.id)] = encrypt(probe, parse_recipients(person.recipient))
        asked.append(Asked(id=person.id, recipient=person.recipient, answer_sha256=_hash(_answer(probe))))
    if not asked:
        raise DataError("nobody in the fleet file can be asked: no active person has a recipient")
    files[FILE] = strict_json.encode(Drill(asked=tuple(asked)), FILE) + b"\n"
    return files


def probe_name(pseudonym: str) -> str:
    """Of a person's probe."""
    return f"{pseudonym}.probe.age"


def answered(probe: Path, identities: Identities) -> str:
    """What who opens this probe answers. Raises `PermissionDeniedError` where it is not encrypted to these identities, `DataError`."""
    opened = identities.open(read_named(probe, MAX_PROBE_BYTES), str(probe))
    if not opened.startswith(PREFIX) or len(opened) != len(PREFIX) + PROBE_BYTES:
        raise DataError(f"{probe}: not a probe of a drill")
    return _answer(opened)


def outcome(folder: Path, answers: Mapping[str, str]) -> Mapping[str, bool]:
    """For everybody who was asked, whether the right answer came. Raises `DataError` for an answer of somebody who was not asked or one
    that `answered` cannot have given, `NotFoundError`, `StorageError`.
    """
    path = folder / FILE
    drill = strict_json.decode(read_file(path, strict_json.MAX_JSON_BYTES).rstrip(b"\n"), _drills, str(path))
    right = {one.id: one.answer_sha256 for one in drill.asked}
    if strangers := sorted(answers.keys() - right.keys()):
        raise DataError(f"{strangers[0]} was not asked in this drill: {', '.join(right)} were")
    said = {id: answer.strip().lower() for id, answer in answers.items()}
    if mistyped := sorted(id for id, answer in said.items() if ANSWER.match(answer) is None):
        raise DataError(
            f"the answer of {mistyped[0]} is mistyped or cut short: `bodycamd keys drill answer` prints 32 characters, 0 to 9 and a to f; "
            "copy it again, and have it sent again where that does not help"
        )
    return {id: id in said and _hash(said[id]) == expected for id, expected in right.items()}


def _answer(probe: bytes) -> str:
    return hashlib.sha256(b"answer\n" + probe).hexdigest()[:32]


def _hash(answer: str) -> str:
    return hashlib.sha256(answer.encode("utf-8", "surrogateescape")).hexdigest()
