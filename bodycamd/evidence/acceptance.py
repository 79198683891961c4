"""The acceptance report, `bodycam-acceptance/1`: what a person found when the first cameras of a build were tried. One signed line.

`base64(signature) SP json LF`, Ed25519 by a person's key over the json, as a line of a copy's record. Stock tools check it. It states what
a person wrote down; that it was so nobody can prove.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bodycamd.errors import DataError, PermissionDeniedError
from bodycamd.evidence import strict_json
from bodycamd.evidence.keys import PublicKey, Signer
from bodycamd.evidence.pseudonyms import Pseudonym
from bodycamd.evidence.signed_line import join, split
from bodycamd.evidence.statements import DeviceId, Sha256, ShortText, Stated, Wall, wall_us

FORMAT: Literal["bodycam-acceptance/1"] = "bodycam-acceptance/1"
MAX_RESULTS = 200

CheckId = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,39}\Z")]
Found = Annotated[str, Meta(max_length=240)]
"""What was seen or measured, in a few words. No names: the report is for everybody."""
Outcome = Literal["passed", "failed", "not_fitted", "not_done"]


class Result(Stated, frozen=True, kw_only=True):
    """Of one check. `found` is there where it passed or failed."""

    check: CheckId
    outcome: Outcome
    found: Found | None = None


class SelfTest(Stated, frozen=True, kw_only=True):
    """The output of `bodycamd selftest --json` that belongs to it: the SHA-256 of its bytes, and its verdict."""

    sha256: Sha256
    go: bool


class Acceptance(Stated, frozen=True, kw_only=True):
    """The report. `key` is the id of the person's key, `wall` the clock of the person's computer."""

    format: Literal["bodycam-acceptance/1"]
    key: Sha256
    by: Pseudonym
    wall: Wall
    software: ShortText
    device: DeviceId
    board: ShortText | None = None
    module: ShortText | None = None
    self_test: SelfTest | None = None
    results: Annotated[tuple[Result, ...], Meta(min_length=1, max_length=MAX_RESULTS)]


_reports: msgspec.json.Decoder[Acceptance] = msgspec.json.Decoder(Acceptance)


def signed(report: Acceptance, signer: Signer) -> bytes:
    """The line, with its line end. Raises `DataError` for values that a reader would refuse."""
    json = strict_json.encode(report, "to be signed")
    line = join(signer.sign(json), json)
    _read(line, "to be signed")
    return line + b"\n"


def read(raw: bytes, people: Mapping[str, tuple[str, PublicKey]], where: str) -> Acceptance:
    """The report of a file, signed by who it says. `people`: pseudonyms and keys by key id.

    Raises `DataError` for what is no such line or is signed by another key, `PermissionDeniedError` where the key is nobody's of `people`.
    """
    if raw[-1:] != b"\n":
        raise DataError(f"{where}: not a whole line")
    report = _read(raw[:-1], where)
    if report.key not in people:
        raise PermissionDeniedError(f"{where}: signed by a key that is not in the list of people: {report.key}")
    name, key = people[report.key]
    signature, json = split(raw[:-1], where)
    if not key.verifies(signature, json):
        raise DataError(f"{where}: the signature is not {name}'s")
    if name != report.by:
        raise DataError(f"{where}: it says {report.by}, and is signed by {name}")
    return report


def _read(line: bytes, where: str) -> Acceptance:
    _, json = split(line, where)
    report = strict_json.decode(json, _reports, where)
    wall_us(report.wall, where)
    names = [result.check for result in report.results]
    if len(set(names)) != len(names):
        raise DataError(f"{where}: a check has two results")
    for result in report.results:
        if (result.outcome in ("passed", "failed")) != bool(result.found):
            raise DataError(f"{where}: {result.check}: {result.outcome} {'without' if not result.found else 'with'} what was found")
    return report
