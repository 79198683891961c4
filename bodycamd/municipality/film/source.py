"""What an export was made from, as its report states it; and whether what lies there already was made from the same."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from bodycamd.errors import BodycamError, DataError, OutputError
from bodycamd.evidence.segment import open_segment
from bodycamd.evidence.segment_reader import SegmentReader
from bodycamd.evidence.statements import decode_statement
from bodycamd.linux import foreign
from bodycamd.municipality.report.story import Story
from bodycamd.store.reader import StoreReader

MAX_REPORT_BYTES = 64 * 1024 * 1024


class Source(msgspec.Struct, frozen=True):
    """Camera and recording; the SHA-256 of its first init statement, `first`, empty where none can be read: two cameras of one name do not
    share it; and of every file what the ledger stated when it was exported, so that it shows where a recording has grown since.
    """

    device: str
    recording: str
    first: str = ""
    stated: dict[str, str] = {}

    @property
    def name(self) -> str:
        """What folders and films are called."""
        return f"{self.device}_{self.recording}"


class _Film(msgspec.Struct):
    file: str
    bytes: int


class _Footage(msgspec.Struct):
    damage: list[msgspec.Raw] = []


class _Report(msgspec.Struct):
    source: Source
    films: list[_Film]
    footage: _Footage


_reports: msgspec.json.Decoder[_Report] = msgspec.json.Decoder(_Report)


def source_of(store: StoreReader, recording: str, story: Story) -> Source:
    """Of a recording in a store: the camera is that of the first statement, else of the ledger. Raises `DataError` where nothing tells it,
    and as `StoreReader.segments` does.
    """
    files = {file.file: file.sha256 for file in story.files}
    for path in [file.path for file in store.segments(recording)]:
        try:
            with open_segment(path) as file:
                members = SegmentReader(file, path.name).members()
                next(members)
                stated = next(members).content
            return Source(decode_statement(stated, path.name).device, recording, hashlib.sha256(stated).hexdigest(), files)
        except (BodycamError, StopIteration, OSError):
            continue
    if not story.device:
        raise DataError(f"recording {recording}: neither its footage nor the ledger says which camera made it")
    return Source(story.device, recording, "", files)


def check_same(package: Path, source: Source) -> bool:
    """Whether the package that is there met damage when it was made. Raises `OutputError` unless it is one that was made from the same
    recording of the same camera, and its films are there.
    """
    advice = "choose another folder, or --overwrite"
    try:
        report = _reports.decode(foreign.read_file(package / "report.json", MAX_REPORT_BYTES))
        sizes = {film.file: (package / film.file).stat().st_size for film in report.films if "/" not in film.file}
    except (BodycamError, OSError, msgspec.MsgspecError) as error:
        raise OutputError(f"{package}: is there already and is no whole package of this version ({error}); {advice}") from error
    if report.source != source:
        there = f"camera {report.source.device}, recording {report.source.recording}"
        if (report.source.device, report.source.recording, report.source.first) == (source.device, source.recording, source.first):
            there = "an export from before the recording had all of these files"
        elif (report.source.device, report.source.recording) == (source.device, source.recording):
            there = f"another recording {source.recording} of a camera called {source.device}"
        raise OutputError(f"{package}: is there already, and holds {there}; {advice}")
    if sizes != {film.file: film.bytes for film in report.films}:
        raise OutputError(f"{package}: is there already, and its films are not those of its report; {advice}")
    return bool(report.footage.damage)
