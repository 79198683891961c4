"""Export: a recording as a film that any player opens, for the holder of an identity. The evidence itself stays as it is.

Guarantees: packets are copied, never re-encoded, so `ffmpeg -map 0 -c copy -f streamhash -hash sha256 -` gives the same for the film as for
the decrypted segment; faststart MP4; the recording is never held in memory as a whole; no film has a name before it is whole, counted and
on the disk. Where codec parameters change or more than a second of picture is missing, a new part begins: `FILM.mp4`, `FILM-2.mp4`, … A
fragment that occurs twice, because the disk failed when it was first written, is in the film once (`seq`). What is damaged is left out and
told.

Not guaranteed: that the evidence is genuine; that is what `bodycamd verify` shows. With `overwrite` a film of before is replaced, each part
by itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from bodycamd.errors import NotFoundError, OutputError
from bodycamd.linux import durable
from bodycamd.linux.new_file import FILM, PICTURE, check_room
from bodycamd.linux.unnamed import UnnamedFile
from bodycamd.municipality.film.decryption import Decryption, OpenedFragment, SegmentRead, Stated, Step
from bodycamd.municipality.film.film_maker import FilmMaker
from bodycamd.municipality.film.film_making import FilmMaking, UnnamedFiles, UnsealedSegment
from bodycamd.municipality.film.identities import Identities
from bodycamd.municipality.film.packet_hashes import Bound
from bodycamd.municipality.film.segment_scan import Damage
from bodycamd.municipality.verify.statement_keys import StatementKeys

Progress = Callable[[int, int], None]
"""Hears how many bytes of the segments have been read, and of how many."""
_NOTHING_STATED: Mapping[str, Stated] = {}


@dataclass(frozen=True, slots=True)
class NamedFilm:
    """A film under its name. The fields are those of `film_making.Film`."""

    path: str
    begins_us: int
    duration_seconds: float
    frames: int
    size_bytes: int
    shifts: dict[str, int]
    time_bases: dict[str, str]


@dataclass(frozen=True, slots=True)
class Export:
    """What was made. `unconfined` is what the kernel did not let the film maker give up."""

    recording: str
    parts: list[NamedFilm]
    segments: int
    unsealed: list[UnsealedSegment]
    damage: list[Damage]
    bound: dict[str, Bound]
    unconfined: list[str]


def export(
    recording: str,
    segments: Sequence[Path],
    identities: Identities,
    out: Path,
    *,
    overwrite: bool = False,
    keys: StatementKeys | None = None,
    stated: Mapping[str, Stated] = _NOTHING_STATED,
    contact_sheet: Path | None = None,
    progress: Progress = lambda _done, _all: None,
    stop: Callable[[], None] = lambda: None,
) -> Export:
    """Write the films of a recording whose segments are given in order; with `contact_sheet` also that of the first film.

    `stop` is called between steps, at least every 100 ms, and raises where the work is to end. Raises `PermissionDeniedError` where the
    identity does not open the footage, `DataError` where it is no film, `NotFoundError` where there is no footage, `OutputError` where a
    film cannot be written, or exists already and `overwrite` is false. After an error no film of this export exists.
    """

    def name_part(number: int) -> Path:
        path = out if number == 1 else out.with_name(f"{out.stem}-{number}{out.suffix}")
        check_room(path, FILM, "film", overwrite)
        return path

    def may_be_made(number: int) -> None:
        name_part(number)

    may_be_made(1)
    for path in (out, contact_sheet):
        if path is not None and not path.absolute().parent.is_dir():
            raise OutputError(f"{path.absolute().parent}: there is no such folder; make it first")
    if contact_sheet is not None:
        check_room(contact_sheet, PICTURE, "picture", overwrite)
    size_bytes = sum(path.stat().st_size for path in segments if path.is_file())
    with ExitStack() as stack:
        files = stack.enter_context(UnnamedFiles(out.absolute().parent, out.stem, may_be_made))
        maker = stack.enter_context(FilmMaker(stop, files.new_film, out=out, size_bytes=size_bytes))
        unconfined = maker.weaknesses()
        footage = told(Decryption(segments, identities, keys or StatementKeys.unknown(), stated, stop), progress, size_bytes)
        try:
            made = FilmMaking(maker, files, captions=None).make(stack.enter_context(closing(footage)), [])
        except NotFoundError as error:
            raise NotFoundError(f"recording {recording}: {error}") from error
        named = [(film.file, name_part(number)) for number, film in enumerate(made.films, 1)]
        if contact_sheet is not None:
            png = stack.enter_context(UnnamedFiles(contact_sheet.absolute().parent, contact_sheet.stem)).new()
            maker.draw_sheet(made.films[0].file, png, columns=4, rows=4)
            named.append((png, contact_sheet))
        stop()
        give_names(named, replace=overwrite)
        parts = [
            NamedFilm(
                str(path),
                film.begins_us,
                film.duration_seconds,
                film.frames,
                os.fstat(film.file.descriptor).st_size,
                film.shifts,
                film.time_bases,
            )
            for film, (_, path) in zip(made.films, named, strict=False)
        ]
    return Export(recording, parts, made.segments, made.unsealed, made.damage, made.bound, unconfined)


def told(footage: Iterable[Step], progress: Progress, size_bytes: int) -> Generator[Step, None, None]:
    """The same, while `progress` hears of it."""
    for step in footage:
        yield step
        if isinstance(step, OpenedFragment | SegmentRead):
            progress(step.read_bytes, size_bytes)


def give_names(files: Sequence[tuple[UnnamedFile, Path]], *, replace: bool = False) -> None:
    """Give all files their names, durably, the first one last: who sees it sees all. Raises `OutputError`: then none of them has one."""
    linked: list[Path] = []
    path = files[0][1]
    try:
        for file, path in reversed(files):
            file.link(path, replace=replace)
            linked.append(path)
        for folder in {path.absolute().parent for _, path in files}:
            durable.sync_folder(folder)
    except OSError as error:
        for name in linked:
            name.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise OutputError(f"{path}: exists already; choose another name, or --overwrite") from error
        raise OutputError(f"{path}: cannot be created: {error.strerror}") from error
