"""The folder that goes to a case: film parts with subtitles and chapters, contact sheets, report, and the SHA-256 of everything.

    <recording>.mp4  <recording>-2.mp4 …     contact-sheet.png  contact-sheet-2.png …
    report.json  report.html                 SHA256SUMS

Guarantees: the folder appears under its name whole and on the disk, or not at all; the finished films have been read back and hold exactly
the packets that were sealed; nothing that is missing is passed over without a word; the store is only read. The folder is the user's alone
(0700), because it holds plain footage.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from bodycamd.casework.binding import Bound, bound_films
from bodycamd.casework.captions import Captions, Chapter
from bodycamd.casework.contact_sheet import contact_sheet
from bodycamd.casework.export import export
from bodycamd.casework.footage_facts import Collector
from bodycamd.casework.identity import Identities
from bodycamd.casework.remux import Film
from bodycamd.casework.report import REPORT_FORMAT, Binding, FilmPart, Report, Verification, made_with, repeat_steps
from bodycamd.casework.report_page import page
from bodycamd.casework.story import Story, missing_segments, read_story
from bodycamd.errors import DataError, OutputError
from bodycamd.evidence import durable
from bodycamd.recorder.listing import StoreReader
from bodycamd.recorder.names import segment_files

SUMS = "SHA256SUMS"
Language = Literal["nl", "en", "both"]
Progress = Callable[[int], None]


def check_complete(store: StoreReader, recording: str, story: Story) -> list[str]:
    """What of the recording's segments is not there, in words. Raises `DataError` where something is."""
    there = [file.number for file in segment_files(store.recordings_folder / recording)[0]]
    missing = missing_segments(story, there)
    if missing:
        raise DataError(f"recording {recording}: missing: {'; '.join(missing)}; to export what is there, add --incomplete")
    return missing


def export_package(
    store: StoreReader,
    recording: str,
    identities: Identities,
    out: Path,
    *,
    verification: Verification | None = None,
    language: Language = "both",
    incomplete: bool = False,
    overwrite: bool = False,
    with_holds: bool = False,
    progress: Progress = lambda _: None,
) -> Report:
    """Make the folder `out`; the report tells of holds only `with_holds`. `progress` hears how many bytes of the segments have been read.

    Raises `PermissionDeniedError`, `DataError`, `NotFoundError`, `OutputError` like `export`; also `DataError` where a segment is missing
    and `incomplete` is false. After an error there is no folder `out`, or the one from before.
    """
    segments = store.segments(recording)
    story = read_story(store.ledger_folder, recording, with_holds=with_holds)
    numbers = [file.number for file in segment_files(store.recordings_folder / recording)[0]]
    missing = missing_segments(story, numbers) if incomplete else check_complete(store, recording, story)
    _may_be_made(out, overwrite)
    try:
        work = Path(tempfile.mkdtemp(dir=out.absolute().parent, prefix=f".{out.name}.", suffix=".part"))
    except OSError as error:
        raise OutputError(f"{out}: cannot be created: {error.strerror}") from error
    try:
        making = _Work(work, recording, story, progress)
        films, binding = making.films(segments, identities)
        report = making.report(films, binding, missing, verification)
        making.write(report, language)
        _finish(work, out)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return report


class _Work:
    """One package while it is made, in its working folder."""

    def __init__(self, folder: Path, recording: str, story: Story, progress: Progress) -> None:
        self._folder = folder
        self._recording = recording
        self._story = story
        self._collector = Collector({file.file: file.sha256 for file in story.files}, story.stalls, progress)

    def films(self, segments: Sequence[Path], identities: Identities) -> tuple[list[FilmPart], Binding]:
        """Make the films and their contact sheets, read the films back and compare."""
        chapters = [Chapter(m.at.boottime_us, f"Marker {n} - {m.at.wall[11:19]} UTC") for n, m in enumerate(self._story.markers, 1)]
        film = self._folder / f"{self._recording}.mp4"
        exported = export(
            self._recording, segments, identities, film, captions=Captions(), chapters=chapters, watcher=self._collector
        )
        whole, each = bound_films([(Path(part.path), part.shifts) for part in exported.parts])
        if whole != exported.bound:
            raise DataError(f"recording {self._recording}: a finished film does not hold what was sealed; nothing was exported")
        parts = [self._part(made, hashes, n) for n, (made, hashes) in enumerate(zip(exported.parts, each, strict=True), 1)]
        for part in parts:
            contact_sheet(self._folder / part.file, self._folder / part.contact_sheet, rows=4 if len(parts) == 1 else 2)
        return parts, Binding(exported.bound, whole, True)

    def report(self, films: list[FilmPart], binding: Binding, missing: list[str], verification: Verification | None) -> Report:
        """Write what was found."""
        facts = self._collector.facts
        return Report(
            format=REPORT_FORMAT,
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            made_with=made_with(),
            recording=self._recording,
            story=self._story,
            footage=facts,
            missing=missing,
            films=films,
            binding=binding,
            verification=verification,
            repeat=repeat_steps(self._recording, facts.segments, films, binding),
        )

    def write(self, report: Report, language: Language) -> None:
        """The report's two forms, and the sums of everything."""
        json = msgspec.json.format(msgspec.json.encode(report), indent=1)
        (self._folder / "report.json").write_bytes(json + b"\n")
        (self._folder / "report.html").write_text(page(report, language, self._folder), encoding="utf-8")
        sums = {film.file: film.sha256 for film in report.films}
        for path in self._folder.iterdir():
            sums[path.name] = sums.get(path.name) or file_sha256(path)
        (self._folder / SUMS).write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)))

    def _part(self, film: Film, hashes: dict[str, Bound], number: int) -> FilmPart:
        path = Path(film.path)
        return FilmPart(
            file=path.name,
            contact_sheet="contact-sheet.png" if number == 1 else f"contact-sheet-{number}.png",
            begins=self._collector.instant_at(film.begins_us),
            duration_seconds=round(film.duration_seconds, 6),
            frames=film.frames,
            bytes=film.size_bytes,
            sha256=file_sha256(path),
            shifts=film.shifts,
            time_bases=film.time_bases,
            streamhash=hashes,
        )


def file_sha256(path: Path) -> str:
    """Of a whole file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _may_be_made(out: Path, overwrite: bool) -> None:
    if not out.absolute().parent.is_dir():
        raise OutputError(f"{out.absolute().parent}: there is no such folder; make it first")
    if not os.path.lexists(out):
        return
    if not overwrite:
        raise OutputError(f"{out}: exists already; choose another name, or --overwrite")
    if out.is_symlink() or not all((out / name).is_file() for name in (SUMS, "report.json")):
        raise OutputError(f"{out}: exists already and is no exported package; it is not overwritten")


def _finish(work: Path, out: Path) -> None:
    """Make everything durable, then give it its name; an older package makes room at the last moment. Raises `OSError`."""
    for path in work.iterdir():
        durable.settle(path)
    durable.sync_folder(work)
    if out.exists():
        old = work.with_suffix(".old")
        os.rename(out, old)
        os.rename(work, out)
        shutil.rmtree(old)
    else:
        os.rename(work, out)
    durable.sync_folder(out.absolute().parent)
