"""What decoded pictures show: how bright, whether anything changes, and where the printed target is. Pure, in plain Python: a camera has
no numpy of ours, and these pictures are small or few.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import av

from bodycamd.camera.capture.look import PictureFacts, TargetFacts
from bodycamd.camera.selftest.target import BLOCKS

_WIDTH, _HEIGHT = 64, 36
MIN_CONTRAST: Final = 40
"""Between the white and the black of the target, of 255."""
_MIDDLE = 240
"""Points each way of the middle that is compared from picture to picture."""


class Grey(NamedTuple):
    """Luma, row by row."""

    width: int
    height: int
    luma: bytes

    def row(self, y: int) -> bytes:
        """One row."""
        return self.luma[y * self.width : (y + 1) * self.width]


def facts(pictures: Sequence[av.VideoFrame]) -> PictureFacts | None:
    """Of pictures that follow each other; `None` where there are fewer than two."""
    if len(pictures) < 2:
        return None
    small = _grey(pictures[-1], _WIDTH, _HEIGHT).luma
    mean = sum(small) / len(small)
    spread = math.sqrt(sum((level - mean) ** 2 for level in small) / len(small))
    middles = [_middle(picture) for picture in pictures]
    changes = [_difference(before, after) for before, after in itertools.pairwise(middles)]
    return PictureFacts(mean=round(mean, 2), spread=round(spread, 2), change=round(sum(changes) / len(changes), 4))


def find_target(picture: av.VideoFrame) -> TargetFacts:
    """Where the printed target is, as far as it is there at all: the place, size and way round at which the picture is most like it."""
    small = _grey(picture, _WIDTH, _HEIGHT)
    ways = [(turned, mirrored, _way(turned, mirrored)) for mirrored in (False, True) for turned in (0, 90, 180, 270)]
    best = (-1.0, 0, False, (0, 0, _HEIGHT))
    for place in _places():
        seen = _blocks(small, *place)
        for turned, mirrored, blocks in ways:
            if (alike := _correlation(seen, blocks)) > best[0]:
                best = (alike, turned, mirrored, place)
    _, turned, mirrored, near = best
    alike, place = max((_closely(small, place, _way(turned, mirrored)), place) for place in _around(*near))
    edge = _edge_pixels(_grey(picture, picture.width, picture.height), place, picture.height / _HEIGHT)
    return TargetFacts(likeness=round(max(alike, 0.0), 3), turned=turned, mirrored=mirrored, edge_pixels=round(edge, 2))


def _grey(picture: av.VideoFrame, width: int, height: int) -> Grey:
    plane = picture.reformat(width=width, height=height, format="gray", interpolation="AREA").planes[0]
    raw = memoryview(plane)
    return Grey(width, height, b"".join(raw[y * plane.line_size : y * plane.line_size + width] for y in range(height)))


def _middle(picture: av.VideoFrame) -> bytes:
    plane = picture.planes[0]
    raw = memoryview(plane)
    width, height = min(_MIDDLE, picture.width), min(_MIDDLE, picture.height)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return b"".join(raw[(top + y) * plane.line_size + left :][:width] for y in range(height))


def _difference(before: bytes, after: bytes) -> float:
    total: int = sum(map(abs, map(operator.sub, before, after)))
    return total / len(before)


# --- the target -------------------------------------------------------------------------------------------------------------------------


def _places() -> Iterator[tuple[int, int, int]]:
    """Left, top and side of squares in the small picture: from all of its height down to a third."""
    for side in (36, 33, 30, 27, 24, 21, 18, 15, 12):
        step = 1 if side > 30 else 2
        for top in range(0, _HEIGHT - side + 1, step):
            for left in range(0, _WIDTH - side + 1, step):
                yield left, top, side


def _around(left: int, top: int, side: int) -> Iterator[tuple[int, int, int]]:
    """The places beside one that was found on a coarse grid."""
    for of_side in range(side - 2, min(side + 2, _HEIGHT) + 1):
        for at_top in range(max(top - 2, 0), min(top + 2, _HEIGHT - of_side) + 1):
            for at_left in range(max(left - 2, 0), min(left + 2, _WIDTH - of_side) + 1):
                yield at_left, at_top, of_side


def _blocks(picture: Grey, left: int, top: int, side: int) -> list[int]:
    """The middle of each block of the target, were it at this place."""
    count = len(BLOCKS)
    at = [(2 * number + 1) * side // (2 * count) for number in range(count)]
    return [picture.luma[(top + y) * picture.width + left + x] for y in at for x in at]


def _closely(picture: Grey, place: tuple[int, int, int], blocks: Sequence[int]) -> float:
    """How like it is at four points of each block; 0 where its white is hardly brighter than its black."""
    left, top, side = place
    count = len(BLOCKS)
    at = [(4 * number + quarter) * side // (4 * count) for number in range(count) for quarter in (1, 3)]
    seen = [picture.luma[(top + y) * picture.width + left + x] for y in at for x in at]
    wanted = [blocks[(row // 2) * count + column // 2] for row in range(2 * count) for column in range(2 * count)]
    white = [level for level, block in zip(seen, wanted, strict=True) if block]
    black = [level for level, block in zip(seen, wanted, strict=True) if not block]
    contrast = sum(white) / len(white) - sum(black) / len(black)
    return _correlation(seen, wanted) if contrast >= MIN_CONTRAST else 0.0


def _way(turned: int, mirrored: bool) -> list[int]:
    rows = [list(map(int, row)) for row in BLOCKS]
    if mirrored:
        rows = [row[::-1] for row in rows]
    for _ in range(turned // 90):
        rows = [list(row) for row in zip(*rows[::-1], strict=True)]
    return [level for row in rows for level in row]


def _correlation(one: Sequence[int], other: Sequence[int]) -> float:
    mean_one, mean_other = sum(one) / len(one), sum(other) / len(other)
    a, b = [level - mean_one for level in one], [level - mean_other for level in other]
    power = sum(map(operator.mul, a, a)) * sum(map(operator.mul, b, b))
    return sum(map(operator.mul, a, b)) / math.sqrt(power) if power > 0 else 0.0


def _edge_pixels(picture: Grey, place: tuple[int, int, int], scale: float) -> float:
    """How wide its sharpest upright edges are: contrast over the steepest step, the median of the rows of the target."""
    left, top, side = (int(value * scale) for value in place)
    widths = []
    for y in range(top, min(top + side, picture.height), max(1, side // 60)):
        row = picture.row(y)[max(left, 0) : left + side]
        levels = sorted(row)
        contrast = levels[len(levels) * 95 // 100] - levels[len(levels) * 5 // 100] if levels else 0
        steepest = max(map(abs, map(operator.sub, row, row[1:])), default=0)
        if contrast >= MIN_CONTRAST and steepest:
            widths.append(contrast / steepest)
    return sorted(widths)[len(widths) // 2] if widths else 99.0
