"""The report of one exported recording: what `report.json` holds and `report.html` shows.

Everything in it comes from three places that are kept apart: the ledger (`story`), the statements beside the footage (`footage`), and what
was found at export (`films`, `binding`, `verification`). The first two are what the camera says; whether it is to be believed is in the
third.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from bodycamd import __version__
from bodycamd.municipality.film.packet_hashes import Bound
from bodycamd.municipality.film.source import Source
from bodycamd.municipality.report.footage_facts import FootageFacts, SegmentFact
from bodycamd.municipality.report.story import Instant, Story
from bodycamd.municipality.verify.verdicts import Finding, StoreReport, Verdict

REPORT_FORMAT: Literal["bodycam-report/1"] = "bodycam-report/1"


class FilmPart(msgspec.Struct):
    """One film. `shifts` are the ticks (of `time_bases`) that were taken from the sealed time stamps, so that the part begins at 0.
    `pictures` are the moments that the contact sheet shows, row by row.
    """

    file: str
    contact_sheet: str
    pictures: list[Instant]
    begins: Instant
    duration_seconds: float
    frames: int
    bytes: int
    sha256: str
    shifts: dict[str, int]
    time_bases: dict[str, str]
    streamhash: dict[str, Bound]


class Binding(msgspec.Struct):
    """The hashes over the whole recording, of the sealed fragments and of the finished films read back. `agree`: they are the same."""

    sealed: dict[str, Bound]
    films: dict[str, Bound]
    agree: bool


class Verification(msgspec.Struct):
    """What `bodycamd verify` found of this recording, and of the store (ledger, anchor, stray files) that it lies in. `scope` says whether
    the other recordings of the store were verified too, so that `store_verdict` speaks of them.
    """

    device_key: str
    verdict: Verdict
    findings: list[Finding]
    findings_unlisted: int
    scope: Literal["store", "recording"]
    store_verdict: Verdict
    store_findings: list[Finding]
    ledger_head: str
    ledger_entries: int
    ledger_until: str
    anchor: str


class Handover(msgspec.Struct, frozen=True, omit_defaults=True):
    """What who exports says of it: the number of the case, a pseudonym or role, and for what (a ground of holds). Nobody signs it."""

    case: str = ""
    exported_by: str = ""
    purpose: str = ""


class Step(msgspec.Struct, frozen=True):
    """Commands with which an expert repeats a step."""

    title: str
    commands: list[str]
    expected: str = ""


class Report(msgspec.Struct, omit_defaults=True):
    """`report.json`, with all times in UTC; `timezone` is that of the page, of subtitles and chapters.

    `verdict` is that of the verification, and `altered` wherever the export itself met damage; absent where neither was.
    `unconfined` is what the kernel did not let the process that parses the footage give up.
    """

    format: str
    made: str
    made_with: str
    timezone: str
    recording: str
    source: Source
    story: Story
    footage: FootageFacts
    missing: list[str]
    films: list[FilmPart]
    binding: Binding
    verification: Verification | None
    repeat: list[Step]
    verdict: Verdict | None = None
    unconfined: list[str] = []
    handover: Handover | None = None


def verification_of(report: StoreReport, recording: str, device_key: str) -> Verification:
    """What a verification of the store says of one recording."""
    own = next((found for found in report.recordings if found.recording == recording), None)
    return Verification(
        device_key=device_key,
        verdict=own.verdict if own is not None else "unverifiable",
        findings=own.findings.listed if own is not None else [],
        findings_unlisted=own.findings.unlisted if own is not None else 0,
        scope="recording" if report.only else "store",
        store_verdict=report.verdict,
        store_findings=report.findings.listed,
        ledger_head=report.head,
        ledger_entries=report.entries,
        ledger_until=report.last_wall,
        anchor=report.anchor,
    )


def made_with() -> str:
    """Which program made the report."""
    return f"bodycamd {__version__}"


def repeat_steps(recording: str, segments: list[SegmentFact], films: list[FilmPart], binding: Binding) -> list[Step]:
    """The commands, with the results that they must give. All of them are for `sh`, in the package's folder."""
    steps = [
        Step("variables", ["STORE=/path/to/store", "IDENTITY=/path/to/identity.txt", f'SEALED="$STORE/recordings/{recording}"']),
        Step("files", ["sha256sum --check SHA256SUMS"]),
        Step("sealed", [_hash(segment) for segment in segments], "\n".join(f"{s.sha256}  {s.file}" for s in segments)),
        Step("decrypt", ["mkdir sealed", *(_decrypt(segment) for segment in segments)]),
    ]
    sealed_files = [f"sealed/{_stem(segment)}.mp4" for segment in segments if segment.fragments]
    for kind in ("video", "audio"):
        if not binding.sealed[kind].packets:
            continue
        data = f"ffmpeg -nostdin -v error -i %s -map 0:{kind[0]} -c copy -f data -"
        of_sealed = "{ " + "; ".join(data % file for file in sealed_files) + "; } | sha256sum"
        of_films = "{ " + "; ".join(data % film.file for film in films) + "; } | sha256sum"
        steps.append(Step(f"payload_{kind}", [of_sealed, of_films], binding.sealed[kind].payload_sha256))
        of_sealed = "{ " + "; ".join(_table(file, kind, 0) for file in sealed_files) + "; } | sha256sum"
        of_films = "{ " + "; ".join(_table(film.file, kind, film.shifts[kind]) for film in films if kind in film.shifts) + "; } | sha256sum"
        steps.append(Step(f"table_{kind}", [of_sealed, of_films], binding.sealed[kind].table_sha256))
    return steps


def _stem(segment: SegmentFact) -> str:
    return segment.file.partition(".")[0]


def _hash(segment: SegmentFact) -> str:
    if segment.kind == "sealed":
        return f'(cd "$SEALED" && sha256sum {segment.file})'
    return f'head -c {segment.bytes} "$SEALED/{segment.file}" | sha256sum'


def _decrypt(segment: SegmentFact) -> str:
    play = "".join(f"--exclude={name} " for name in (*segment.repeated, *segment.damaged))
    play += """--wildcards '*.age' --to-command="age -d -i '$IDENTITY'" """ + f"> sealed/{_stem(segment)}.mp4"
    if segment.kind == "sealed":
        return f'tar -xf "$SEALED/{segment.file}" {play}'
    return f'head -c {segment.bytes} "$SEALED/{segment.file}" | tar -xf - {play}'


def _table(file: str, kind: str, shift: int) -> str:
    probe = f"ffprobe -v error -select_streams {kind[0]} -show_entries packet=pts,size -of json {file}"
    return f"""{probe} | jq -r '.packets[] | "\\(.pts + {shift}),\\(.size)"'"""
