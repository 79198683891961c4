"""The self test that a report is about: what `bodycamd selftest --json` printed on this camera, on the day of the report.

It is not signed: it names its camera, so that two files are not mixed up on a bench. Whoever signs the report answers for it.
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from bodycamd.errors import DataError
from bodycamd.evidence.acceptance import SelfTest
from bodycamd.evidence.statements import DeviceId, Wall, wall_us

LONGEST_US = 24 * 3600 * 1_000_000
"""From the test to the report."""


class Printed(Struct, frozen=True):
    """What is read of it here."""

    device: DeviceId
    at: Wall
    go: bool


def read(raw: bytes, name: str, device: str, now_us: int) -> SelfTest:
    """Of the output in the file `name`, for a report about this camera that is signed now. Raises `DataError`."""
    try:
        printed = msgspec.json.decode(raw, type=Printed)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{name}: not what `bodycamd selftest --json` prints: there is no device, at and go ({error})") from error
    if printed.device != device:
        raise DataError(f"{name}: the self test of {printed.device}, but the sheet is about {device}: run it on that camera")
    if not 0 <= now_us - wall_us(printed.at, name) <= LONGEST_US:
        raise DataError(f"{name}: of {printed.at}, and the report is signed on the same day: run it again; is the camera's clock right?")
    return SelfTest(sha256=hashlib.sha256(raw).hexdigest(), go=printed.go)
