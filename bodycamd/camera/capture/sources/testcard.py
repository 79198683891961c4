"""The test card: colour bars with a running clock, a moving bar, a flash each second, and the time as a bar code that a program can read.

The clock shows CLOCK_BOOTTIME as hours (modulo 100), minutes, seconds and milliseconds. The bar sweeps from left to right once in two
seconds. The teeth below the clock move on with every frame: no camera sees the same twice, and the self test asks for that in the middle.
The flash is lit for the first tenth of every second; the `tone` microphone beeps at the same instants. So a viewer sees gaps and hears
whether sound and picture are together, and `read_time_us` gives the capture time of a decoded frame.

Layout: bar code in the upper left (4 rows of 16 cells, most significant bit first: 52 bits of microseconds, then a checksum of 12), flash
in the upper right, clock across the middle, teeth and moving bar below.
"""

from __future__ import annotations

from typing import Final

import av
from av.filter import Graph

BLACK: Final = 16
WHITE: Final = 235
_COLUMNS: Final = 16
_ROWS: Final = 4
_CHECK_BITS: Final = 12
_SWEEP_US: Final = 2_000_000
_TEETH_US: Final = 250_000
"""Until a tooth is where the next one was: at no frame rate that is configured do they seem to stand still."""
_FLASH_US: Final = 100_000
_SEGMENTS: Final = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abfgcd")


def _check(time_us: int) -> int:
    return (time_us * 0x9E3779B97F4A7C15 >> 40) % (1 << _CHECK_BITS)


class TestCard:
    """Paints frames of one size. Pure Python: about a millisecond a frame at 1920x1080 on a PC."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        background = _colour_bars(width, height)
        self._planes = [bytes(plane) for plane in background.planes]
        self._cell = (width // 20, height // 24)
        digit = (max(4, width // 20), max(8, height // 6))
        self._digits = [_digit(number, *digit) for number in range(10)]
        self._colon = [bytes([BLACK]) * (digit[0] // 2)] * digit[1]
        for dot in range(digit[1] // 4, digit[1], digit[1] // 2):
            for row in range(dot, dot + max(1, digit[1] // 12)):
                self._colon[row] = _centred(digit[0] // 2, digit[0] // 4)

    def frame(self, time_us: int) -> av.VideoFrame:
        """The picture of an instant."""
        frame = av.VideoFrame(self.width, self.height, "yuv420p")
        for plane, background in zip(frame.planes, self._planes, strict=True):
            plane.update(background)
        luma = memoryview(frame.planes[0]).cast("B")
        stride = frame.planes[0].line_size
        self._paint_code(luma, stride, time_us)
        self._paint_flash(luma, stride, time_us)
        self._paint_clock(luma, stride, time_us)
        self._paint_teeth(luma, stride, time_us)
        self._paint_bar(luma, stride, time_us)
        return frame

    def _paint_code(self, luma: memoryview, stride: int, time_us: int) -> None:
        cell_width, cell_height = self._cell
        bits = f"{time_us << _CHECK_BITS | _check(time_us):064b}"
        for row in range(_ROWS):
            cells = bits[row * _COLUMNS : (row + 1) * _COLUMNS]
            line = b"".join(bytes([WHITE if bit == "1" else BLACK]) * cell_width for bit in cells)
            _paint(luma, stride, 0, row * cell_height, [line] * cell_height)

    def _paint_flash(self, luma: memoryview, stride: int, time_us: int) -> None:
        level = WHITE if time_us % 1_000_000 < _FLASH_US else BLACK
        size = self._cell[1] * _ROWS
        width = min(size, self.width // 8)
        _paint(luma, stride, self.width - width, 0, [bytes([level]) * width] * size)

    def _paint_clock(self, luma: memoryview, stride: int, time_us: int) -> None:
        milliseconds = time_us // 1000
        seconds, minutes, hours = milliseconds // 1000 % 60, milliseconds // 60_000 % 60, milliseconds // 3_600_000 % 100
        text = f"{hours:02}:{minutes:02}:{seconds:02}:{milliseconds % 1000:03}"
        glyphs = [self._colon if character == ":" else self._digits[int(character)] for character in text]
        lines = [b"".join(parts) for parts in zip(*glyphs, strict=True)]
        _paint(luma, stride, (self.width - len(lines[0])) // 2, self.height * 2 // 5, lines)

    def _paint_teeth(self, luma: memoryview, stride: int, time_us: int) -> None:
        tooth = max(4, self.width // 32)
        at = 2 * tooth * (time_us % _TEETH_US) // _TEETH_US
        teeth = (bytes([BLACK]) * tooth + bytes([WHITE]) * tooth) * (self.width // (2 * tooth) + 2)
        line = teeth[2 * tooth - at :][: self.width]
        _paint(luma, stride, 0, self.height * 3 // 5, [line] * max(2, self.height // 48))

    def _paint_bar(self, luma: memoryview, stride: int, time_us: int) -> None:
        width, height = max(2, self.width // 60), self.height // 12
        x = (self.width - width) * (time_us % _SWEEP_US) // _SWEEP_US
        line = bytes([BLACK]) * x + bytes([WHITE]) * width + bytes([BLACK]) * (self.width - width - x)
        _paint(luma, stride, 0, self.height * 3 // 4, [line] * height)


def read_time_us(luma: bytes | bytearray | memoryview, stride: int, width: int, height: int) -> int | None:
    """The capture time in a decoded frame's luma plane, or `None` if there is no bar code, or it cannot be read."""
    plane = memoryview(luma).cast("B")
    cell_width, cell_height = width // 20, height // 24
    value = 0
    for row in range(_ROWS):
        line = (row * cell_height + cell_height // 2) * stride
        for column in range(_COLUMNS):
            first = line + column * cell_width + cell_width // 4
            cell = plane[first : first + max(1, cell_width // 2)]
            value = value << 1 | (sum(cell) > len(cell) * (BLACK + WHITE) // 2)
    time_us = value >> _CHECK_BITS
    return time_us if time_us and value % (1 << _CHECK_BITS) == _check(time_us) else None


def _paint(luma: memoryview, stride: int, x: int, y: int, lines: list[bytes]) -> None:
    at = y * stride + x
    for line in lines:
        luma[at : at + len(line)] = line
        at += stride


def _centred(width: int, lit: int) -> bytes:
    left = (width - lit) // 2
    return bytes([BLACK]) * left + bytes([WHITE]) * lit + bytes([BLACK]) * (width - left - lit)


def _digit(number: int, width: int, height: int) -> list[bytes]:
    """A seven-segment digit with a margin around it."""
    lit = _SEGMENTS[number]
    pen, margin = max(1, width // 7), max(1, width // 8)
    inner = width - 2 * margin
    empty = bytes([BLACK]) * width
    lines = []
    for y in range(height):
        stroke = next((name for name, centre in (("a", 0.1), ("g", 0.5), ("d", 0.9)) if abs(y - centre * height) <= pen / 2), "")
        left, right = ("f", "b") if y < height / 2 else ("e", "c")
        line = bytearray(empty)
        if 0.1 * height <= y <= 0.9 * height:
            if stroke in lit and stroke:
                line[margin : margin + inner] = bytes([WHITE]) * inner
            if left in lit:
                line[margin : margin + pen] = bytes([WHITE]) * pen
            if right in lit:
                line[margin + inner - pen : margin + inner] = bytes([WHITE]) * pen
        lines.append(bytes(line))
    return lines


def _colour_bars(width: int, height: int) -> av.VideoFrame:
    """Colour bars, grey behind everything that is painted later."""
    graph = Graph()
    bars, sink = graph.add("smptehdbars", f"size={width}x{height}:rate=1"), graph.add("buffersink")
    yuv = graph.add("format", "yuv420p")
    bars.link_to(yuv)
    yuv.link_to(sink)
    graph.configure()
    bars_frame = sink.pull()
    assert isinstance(bars_frame, av.VideoFrame)
    frame = av.VideoFrame(width, height, "yuv420p")
    for source, plane in zip(bars_frame.planes, frame.planes, strict=True):  # the filter's rows have another padding
        pixels, stride = memoryview(source).cast("B"), source.line_size
        lines = [bytes(pixels[row * stride : row * stride + source.width]) for row in range(source.height)]
        _paint(memoryview(plane).cast("B"), plane.line_size, 0, 0, lines)
    for plane in frame.planes[1:]:
        chroma, stride = memoryview(plane).cast("B"), plane.line_size
        for begin, end in ((0, height // 6), (height * 2 // 5, height * 3 // 5), (height * 3 // 4, height * 5 // 6)):
            rows = range(begin // 2, (end + 1) // 2 + 1)
            _paint(chroma, stride, 0, rows.start, [bytes([128]) * (width // 2)] * len(rows))
    return frame
