"""A contact sheet: pictures of a film at equal distances, in rows, as one PNG. For a quick look and for a file; it proves nothing.

Each picture is found by seeking, so a long film costs no more than a short one.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import av
import av.error
import av.filter

from bodycamd.errors import DataError, NotFoundError, OutputError

CELL_WIDTH = 480
KEYFRAME_SECONDS = 2
"""From so much distance between two pictures on, the keyframe before each place is good enough: nothing in between is decoded."""


def contact_sheet(film: Path, png: Path, columns: int = 4, rows: int = 4) -> int:
    """Write the sheet and return how many pictures it shows: `columns` times `rows`, fewer where the film has fewer frames.

    Raises `NotFoundError`, `DataError` where the film cannot be decoded, `OutputError`. The file appears whole or not at all; one that
    exists is replaced.
    """
    if not film.is_file():
        raise NotFoundError(f"{film}: there is no such film")
    try:
        with av.open(str(film)) as container:
            if not container.streams.video:
                raise DataError(f"{film}: no picture in it")
            picture, shown = _tiled(container, columns, rows)
    except av.error.FFmpegError as error:
        raise DataError(f"{film}: cannot be decoded ({error.strerror})") from error
    if picture is None:
        raise DataError(f"{film}: no frame can be decoded")
    _write_png(picture, png)
    return shown


def _tiled(container: Any, columns: int, rows: int) -> tuple[Any, int]:
    stream = container.streams.video[0]
    begins = stream.start_time or 0
    length = stream.duration or 0
    coarse = length * (stream.time_base or 0) > KEYFRAME_SECONDS * columns * rows
    graph: Any = None
    shown = 0
    last_pts: int | None = None
    for cell in range(columns * rows):
        wanted = begins + length * cell // (columns * rows)
        container.seek(wanted, stream=stream)
        earliest = begins if coarse else wanted
        frame = next((f for f in container.decode(stream) if f.pts is not None and f.pts >= earliest), None)
        if frame is None or (last_pts is not None and frame.pts <= last_pts):
            continue
        last_pts = frame.pts
        graph = graph or _graph(stream, columns, rows)
        frame.pts = shown
        graph.push(frame)
        shown += 1
    if graph is None:
        return None, 0
    graph.push(None)
    return graph.pull(), shown


def _graph(stream: Any, columns: int, rows: int) -> Any:
    graph = av.filter.Graph()
    source = graph.add_buffer(template=stream)
    scale = graph.add("scale", f"{CELL_WIDTH}:-2")
    tile = graph.add("tile", f"layout={columns}x{rows}:padding=4:margin=4")
    form = graph.add("format", "rgb24")
    sink = graph.add("buffersink")
    for left, right in ((source, scale), (scale, tile), (tile, form), (form, sink)):
        left.link_to(right)
    graph.configure()
    return graph


def _write_png(picture: Any, png: Path) -> None:
    encoder: Any = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = picture.width, picture.height, "rgb24"
    encoder.time_base = picture.time_base
    encoder.options = {"compression_level": "1"}
    picture.pts = 0
    content = b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)])
    try:
        handle, name = tempfile.mkstemp(dir=png.parent, prefix=f".{png.stem}.", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(name, png)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise OutputError(f"{png}: cannot be written: {error.strerror}") from error
