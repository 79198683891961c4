"""The folder that goes to a case: film parts with subtitles and chapters, contact sheets, report, and the SHA-256 of everything.

    <device>_<recording>.mp4  <device>_<recording>-2.mp4 …     contact-sheet.png  contact-sheet-2.png …
    report.json  report.html                                   SHA256SUMS

Guarantees: the folder appears under its name whole and on the disk, or not at all; no file of it has a name before all are whole; the
finished films have been read back and hold exactly the packets that were sealed; nothing that is missing or damaged is passed over without
a word; the store is only read. Folder and files are the user's alone (0700, 0600), because they hold plain footage.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

from bodycamd.errors import DataError, NotFoundError, OutputError
from bodycamd.evidence.keys import PublicKey
from bodycamd.foreign_text import json_text, shown
from bodycamd.linux import durable
from bodycamd.linux.foreign import read_file
from bodycamd.linux.unnamed import UnnamedFile
from bodycamd.municipality.film.captions import Chapter
from bodycamd.municipality.film.decryption import Decryption, Stated, Step
from bodycamd.municipality.film.film import Progress, told
from bodycamd.municipality.film.film_maker import FilmMaker
from bodycamd.municipality.film.film_making import Film, FilmMaking, UnnamedFiles
from bodycamd.municipality.film.identities import Identities
from bodycamd.municipality.film.packet_hashes import Bound
from bodycamd.municipality.film.source import Source, source_of
from bodycamd.municipality.report.footage_facts import Collector
from bodycamd.municipality.report.report import REPORT_FORMAT, Binding, FilmPart, Handover, Report, Verification, made_with, repeat_steps
from bodycamd.municipality.report.report_page import page
from bodycamd.municipality.report.story import Marker, Story, missing_segments, read_story
from bodycamd.municipality.verify.statement_keys import StatementKeys
from bodycamd.municipality.words.formats import Formats
from bodycamd.municipality.words.language import ReportLanguage, first_language, pick
from bodycamd.municipality.words.report_words import WORDS
from bodycamd.municipality.words.times import LocalTime
from bodycamd.store.names import SegmentFile, recording_start
from bodycamd.store.reader import StoreReader

SUMS = "SHA256SUMS"
MAX_SUMS_BYTES = 1024 * 1024
SHEET_COLUMNS = 4
CAPTION_PIXELS = 44
"""Below each picture of a sheet; the page writes the time there."""
Stop = Callable[[], None]


def check_complete(files: Sequence[SegmentFile], story: Story) -> None:
    """Raises `DataError` where a segment of the recording is not there."""
    if missing := missing_segments(story, [file.number for file in files]):
        raise DataError(f"recording {story.recording}: missing: {'; '.join(missing)}; to export what is there, add --incomplete")


def export_package(
    store: StoreReader,
    recording: str,
    identities: Identities,
    out: Path,
    *,
    verification: Verification | None = None,
    registered: PublicKey | None = None,
    language: ReportLanguage = "both",
    incomplete: bool = False,
    overwrite: bool = False,
    with_holds: bool = False,
    handover: Handover | None = None,
    local: LocalTime,
    progress: Progress = lambda _done, _all: None,
    stop: Stop = lambda: None,
) -> Report:
    """Make the folder `out`. With `registered`, the camera's key, of the ledger only what that key stands behind is reported; of holds only
    `with_holds`. Subtitles, chapters and page have `local` time, with UTC beside it. `stop` is called at
    least every 100 ms and raises where the work is to end.

    Raises `PermissionDeniedError`, `DataError`, `NotFoundError`, `OutputError` like `export`; also `DataError` where a segment is missing
    and `incomplete` is false. After an error there is no folder `out`, or the one from before.
    """
    files = store.segments(recording)
    story = read_story(store.ledger_folder, recording, registered, with_holds=with_holds)
    if not incomplete:
        check_complete(files, story)
    _may_be_made(out, overwrite)
    source = source_of(store, recording, story)
    segments = [file.path for file in files]
    size_bytes = sum(path.stat().st_size for path in segments if path.is_file())
    with ExitStack() as stack:
        unnamed = stack.enter_context(UnnamedFiles(out.absolute().parent, out.name))
        maker = stack.enter_context(FilmMaker(stop, unnamed.new_film, out=out, size_bytes=size_bytes))
        making = _Work(unnamed, maker, source, story, language, local, stop)
        keys = StatementKeys.read(store.ledger_folder, recording_start(recording) or 0, registered)
        footage = Decryption(segments, identities, keys, stated_of(story), stop)
        films, binding = making.films(stack.enter_context(closing(told(footage, progress, size_bytes))))
        report = making.report(films, binding, missing_segments(story, [file.number for file in files]), verification)
        report.handover = handover
        try:
            named = making.write(report)
            stop()
            _finish(named, out)
        except OSError as error:
            raise OutputError(f"{out}: cannot be written: {error.strerror or error}") from error
    return report


class _Work:
    """One package while it is made: files without names."""

    def __init__(
        self, files: UnnamedFiles, maker: FilmMaker, source: Source, story: Story, language: ReportLanguage, local: LocalTime, stop: Stop
    ) -> None:
        self._files = files
        self._maker = maker
        self._source = source
        self._recording = source.recording
        self._story = story
        self._language = language
        self._formats = Formats(first_language(language), local)
        self._stop = stop
        self._collector = Collector({file.file: file.sha256 for file in story.files}, story.stalls)
        self._named: dict[str, UnnamedFile] = {}

    def films(self, footage: Iterable[Step]) -> tuple[list[FilmPart], Binding]:
        """Make the films and their contact sheets, read the films back and compare."""
        self._unconfined = self._maker.weaknesses()
        chapters = [Chapter(marker.at.boottime_us, self._title(number, marker)) for number, marker in enumerate(self._story.markers, 1)]
        try:
            made = FilmMaking(self._maker, self._files, captions=self._formats).make(self._collector.watched(footage), chapters)
        except NotFoundError as error:
            raise NotFoundError(f"recording {self._recording}: {error}") from error
        read = [self._maker.read_back(film.file, film.shifts, only=len(made.films) == 1) for film in made.films]
        if read[-1].whole != made.bound:
            raise DataError(f"recording {self._recording}: a finished film does not hold what was sealed; nothing was exported")
        parts = [self._part(film, hashes.own, n) for n, (film, hashes) in enumerate(zip(made.films, read, strict=True), 1)]
        for film, part in zip(made.films, parts, strict=True):
            sheet = self._new(part.contact_sheet)
            rows = 4 if len(parts) == 1 else 2
            shown_us = self._maker.draw_sheet(film.file, sheet, columns=SHEET_COLUMNS, rows=rows, caption_pixels=CAPTION_PIXELS)
            part.pictures = [self._collector.instant_at(film.begins_us + at_us) for at_us in shown_us]
        return parts, Binding(made.bound, read[-1].whole, True)

    def report(self, films: list[FilmPart], binding: Binding, missing: list[str], verification: Verification | None) -> Report:
        """Write what was found."""
        facts = self._collector.facts
        return Report(
            format=REPORT_FORMAT,
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            made_with=made_with(),
            timezone=str(self._formats.local.zone),
            recording=self._recording,
            source=self._source,
            story=self._story,
            footage=facts,
            missing=missing,
            films=films,
            binding=binding,
            verification=verification,
            verdict="altered" if facts.damage else verification.verdict if verification is not None else None,
            unconfined=self._unconfined,
            repeat=repeat_steps(self._recording, facts.segments, films, binding),
        )

    def write(self, report: Report) -> dict[str, UnnamedFile]:
        """The report's two forms, and the sums of everything. Returns all files of the package. Raises `OSError`."""
        json = json_text(report, indent=1).encode()
        sheets = {film.contact_sheet: _content(self._named[film.contact_sheet]) for film in report.films}
        self._write("report.json", json + b"\n")
        self._write("report.html", page(report, self._language, self._formats.local, sheets).encode())
        sums = {film.file: film.sha256 for film in report.films}
        for name, file in self._named.items():
            sums[name] = sums.get(name) or file_sha256(file.descriptor, self._stop)
        self._write(SUMS, "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode())
        return self._named

    def _title(self, number: int, marker: Marker) -> str:
        words = WORDS["chapter"]
        word = " / ".join(words) if self._language == "both" else pick(words, self._formats.language)
        return f"{word} {number} - {self._formats.clock(marker.at.wall)}"

    def _new(self, name: str) -> UnnamedFile:
        self._named[name] = self._files.new()
        return self._named[name]

    def _write(self, name: str, content: bytes) -> None:
        file = self._new(name)
        durable.write_all(file.descriptor, [content])
        file.sync()

    def _part(self, film: Film, hashes: dict[str, Bound], number: int) -> FilmPart:
        stem = f"{self._source.name}{'' if number == 1 else f'-{number}'}"
        self._named[f"{stem}.mp4"] = film.file
        return FilmPart(
            file=f"{stem}.mp4",
            contact_sheet="contact-sheet.png" if number == 1 else f"contact-sheet-{number}.png",
            pictures=[],
            begins=self._collector.instant_at(film.begins_us),
            duration_seconds=round(film.duration_seconds, 6),
            frames=film.frames,
            bytes=os.fstat(film.file.descriptor).st_size,
            sha256=file_sha256(film.file.descriptor, self._stop),
            shifts=film.shifts,
            time_bases=film.time_bases,
            streamhash=hashes,
        )


def file_sha256(descriptor: int, stop: Stop) -> str:
    """Of a whole file."""
    digest, at = hashlib.sha256(), 0
    while chunk := os.pread(descriptor, 1024 * 1024, at):
        stop()
        digest.update(chunk)
        at += len(chunk)
    return digest.hexdigest()


def stated_of(story: Story) -> dict[str, Stated]:
    """What the ledger states of each file."""
    return {file.file: Stated(file.sha256, file.fragments) for file in story.files}


def _content(file: UnnamedFile) -> bytes:
    return os.pread(file.descriptor, os.fstat(file.descriptor).st_size, 0)


def _may_be_made(out: Path, overwrite: bool) -> None:
    if not out.absolute().parent.is_dir():
        raise OutputError(f"{out.absolute().parent}: there is no such folder; make it first")
    if not os.path.lexists(out):
        return
    if not overwrite:
        raise OutputError(f"{out}: exists already; choose another name, or --overwrite")
    if out.is_symlink() or not all((out / name).is_file() for name in (SUMS, "report.json")):
        raise OutputError(f"{out}: exists already and is not an exported package; it is not overwritten")
    listed = {SUMS, *(line[66:] for line in read_file(out / SUMS, MAX_SUMS_BYTES).decode(errors="replace").splitlines())}
    if others := sorted(set(os.listdir(out)) - listed):
        raise OutputError(f"{out}: not overwritten: {shown(others[0])} in it is not of the package; move it elsewhere")


def _finish(named: Mapping[str, UnnamedFile], out: Path) -> None:
    """Name everything in a hidden folder, then give that its name; an older package makes room at the last moment. Raises `OSError`,
    `OutputError`: then nothing is left.

    All files are whole and on the disk by now. What ends this process between two names leaves the hidden folder.
    """
    work = Path(tempfile.mkdtemp(dir=out.absolute().parent, prefix=f".{out.name}.", suffix=".part"))
    try:
        for name, file in named.items():
            file.link(work / name)
        durable.sync_folder(work)
        if os.path.lexists(out):
            old = work.with_suffix(".old")
            os.rename(out, old)
            os.rename(work, out)
            shutil.rmtree(old)
        else:
            os.rename(work, out)
        durable.sync_folder(out.absolute().parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)
