"""A sound card whose buffer overflows or runs empty again and again: an error after ten in a row, and before that a click."""

from __future__ import annotations

import ctypes
import errno
import itertools
from collections.abc import Iterator

import pytest

from bodycamd.linux import alsa


class Driver:
    """What alsa-lib answers to reads and writes, in turn; it can always be recovered from."""

    def __init__(self, results: Iterator[int]) -> None:
        self._results = results
        self.calls = 0

    def _next(self, *_: object) -> int:
        self.calls += 1
        assert self.calls < 1000, "without end"
        return next(self._results)

    snd_pcm_readi = snd_pcm_writei = _next

    def snd_pcm_recover(self, *_: object) -> int:
        return 0

    def snd_pcm_drop(self, *_: object) -> int:
        return 0

    snd_pcm_close = snd_pcm_drop


def opened(kind: type[alsa.Capture] | type[alsa.Playback], results: Iterator[int]) -> tuple[alsa.Capture | alsa.Playback, Driver]:
    made, driver = kind.__new__(kind), Driver(results)
    made.__dict__.update(_alsa=driver, _pcm=ctypes.c_void_p(1), _frame_bytes=2)
    return made, driver


def moved(device: alsa.Capture | alsa.Playback) -> None:
    if isinstance(device, alsa.Playback):
        device.write(bytes(2 * 480))
    else:
        device.read(480)


@pytest.mark.parametrize("kind", [alsa.Capture, alsa.Playback])
@pytest.mark.parametrize("number", [errno.EPIPE, errno.ESTRPIPE, errno.EINTR])
def test_no_sample_between_eleven_recoveries_is_an_error(kind: type[alsa.Capture] | type[alsa.Playback], number: int) -> None:
    device, driver = opened(kind, itertools.repeat(-number))
    with pytest.raises(OSError, match="again and again"):
        moved(device)
    assert driver.calls == 11


def test_a_busy_machine_is_a_click_for_each_underrun() -> None:
    device, driver = opened(alsa.Playback, itertools.cycle([*[-errno.EPIPE] * 10, 96]))
    moved(device)
    assert driver.calls == 5 * 11
