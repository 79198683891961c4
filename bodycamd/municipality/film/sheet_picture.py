"""The picture of a contact sheet: frames of a film at equal distances, in rows, as a PNG. Runs in the film maker's process only.

Each frame is found by seeking, so a long film costs no more than a short one. Only H.264 is decoded, and no picture larger than was said.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import av
import av.error
import av.filter

from bodycamd.errors import DataError
from bodycamd.linux import durable
from bodycamd.municipality.film.film_link import CELL_WIDTH, Sheet
from bodycamd.municipality.film.remux import CODECS, opened

KEYFRAME_SECONDS = 2
"""From so much distance between two pictures on, the keyframe before each place is good enough: nothing in between is decoded."""


def draw(film: int, png: int, sheet: Sheet, alive: Callable[[], None]) -> list[int]:
    """Write the sheet and return where in the film its pictures are, in microseconds: `columns` times `rows`, fewer where the film has
    fewer frames.

    Both files are descriptors. `alive` is called for each frame. Raises `DataError` where the film cannot be decoded, `OSError`.
    """
    try:
        with opened(film) as container:
            picture, shown = _tiled(container, sheet, alive)
    except av.error.FFmpegError as error:
        raise DataError(f"the film cannot be decoded ({error.strerror})") from error
    if picture is None:
        raise DataError("no frame of the film can be decoded")
    _write_png(picture, png)
    return shown


def _tiled(container: Any, sheet: Sheet, alive: Callable[[], None]) -> tuple[Any, list[int]]:
    columns, rows = sheet.columns, sheet.rows
    pictures = [stream for stream in container.streams if stream.type == "video"]
    if not pictures:
        raise DataError("no picture in it")
    stream = pictures[0]
    context = stream.codec_context
    if context is None or context.name != CODECS["video"]:
        raise DataError(f"the picture is {context.name if context is not None else 'of an unknown kind'}; only H.264 is decoded")
    if context.width > sheet.width or context.height > sheet.height:
        raise DataError(f"the picture has {context.width}x{context.height} pixels; at most {sheet.width}x{sheet.height} are decoded")
    context.options = {"max_pixels": str((sheet.width + 16) * (sheet.height + 16))}  # coded in blocks of 16; cropped afterwards
    context.thread_count = 1  # memory for one decoder, however many processors there are
    begins = stream.start_time or 0
    length = stream.duration or 0
    coarse = length * (stream.time_base or 0) > KEYFRAME_SECONDS * columns * rows
    graph: Any = None
    shown: list[int] = []
    last_pts: int | None = None
    for cell in range(columns * rows):
        wanted = begins + length * cell // (columns * rows)
        container.seek(wanted, stream=stream)
        earliest = begins if coarse else wanted
        frame = None
        for decoded in container.decode(stream):
            alive()
            if decoded.pts is not None and decoded.pts >= earliest:
                frame = decoded
                break
        if frame is None or (last_pts is not None and frame.pts <= last_pts):
            continue
        last_pts = frame.pts
        graph = graph or _graph(stream, sheet)
        shown_us = round((frame.pts - begins) * stream.time_base * 1_000_000)
        frame.pts = len(shown)
        graph.push(frame)
        shown.append(max(0, shown_us))
    if graph is None:
        return None, []
    graph.push(None)
    return graph.pull(), shown


def _graph(stream: Any, sheet: Sheet) -> Any:
    graph = av.filter.Graph()
    graph.threads = 1
    source = graph.add_buffer(template=stream)
    scale = graph.add("scale", f"{CELL_WIDTH}:-2")
    caption = graph.add("pad", f"iw:ih+{sheet.caption_pixels}:0:0:white")
    tile = graph.add("tile", f"layout={sheet.columns}x{sheet.rows}:padding=4:margin=4:color=white")
    form = graph.add("format", "rgb24")
    sink = graph.add("buffersink")
    for left, right in ((source, scale), (scale, caption), (caption, tile), (tile, form), (form, sink)):
        left.link_to(right)
    graph.configure()
    return graph


def _write_png(picture: Any, png: int) -> None:
    encoder: Any = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = picture.width, picture.height, "rgb24"
    encoder.time_base = picture.time_base
    encoder.options = {"compression_level": "1"}
    picture.pts = 0
    with os.fdopen(os.dup(png), "wb") as file:
        for packet in [*encoder.encode(picture), *encoder.encode(None)]:
            file.write(packet)
        file.flush()
        durable.sync(file.fileno())
