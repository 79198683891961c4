"""ALSA's sound devices through libasound itself: opened by any name that alsa-lib knows, one device at a time.

By ctypes, for three reasons (docs/decisions/alsa-by-name.md): ctypes lets go of the interpreter's lock in every call, so that a driver that
hangs holds up one thread only; nothing but the named device is touched; and nothing has to be compiled on a Pi.

Every call raises `OSError` with alsa-lib's own number and words, and may hang for as long as a driver does. A device that another program
holds is refused at once ("Device or resource busy"), never waited for. Used from one thread at a time.

Names and types are those of alsa-lib's include/pcm.h and include/error.h, which have been the same since its version 1.0.
"""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Sequence
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_uint, c_ulong, c_void_p
from functools import cache
from typing import Final

SAMPLE_BYTES: Final = 2
_PLAYBACK: Final = 0
_CAPTURE: Final = 1
_NONBLOCK: Final = 1
_S16_LE: Final = 2
_RW_INTERLEAVED: Final = 3
_RECOVERIES: Final = 10
"""So many overflows or underruns of the buffer without a sample between them are a device that does not work."""

_SIGNATURES: Final[dict[str, tuple[type, ...]]] = {
    "snd_pcm_open": (POINTER(c_void_p), c_char_p, c_int, c_int),
    "snd_pcm_nonblock": (c_void_p, c_int),
    "snd_pcm_close": (c_void_p,),
    "snd_pcm_drop": (c_void_p,),
    "snd_pcm_recover": (c_void_p, c_int, c_int),
    "snd_pcm_set_params": (c_void_p, c_int, c_int, c_uint, c_uint, c_int, c_uint),
    "snd_pcm_get_params": (c_void_p, POINTER(c_ulong), POINTER(c_ulong)),
    "snd_pcm_hw_params_malloc": (POINTER(c_void_p),),
    "snd_pcm_hw_params_any": (c_void_p, c_void_p),
    "snd_pcm_hw_params_set_rate_resample": (c_void_p, c_void_p, c_uint),
    "snd_pcm_hw_params_set_access": (c_void_p, c_void_p, c_int),
    "snd_pcm_hw_params_set_format": (c_void_p, c_void_p, c_int),
    "snd_pcm_hw_params_set_channels": (c_void_p, c_void_p, c_uint),
    "snd_pcm_hw_params_test_rate": (c_void_p, c_void_p, c_uint, c_int),
    "snd_pcm_hw_params_set_rate": (c_void_p, c_void_p, c_uint, c_int),
    "snd_pcm_hw_params_set_period_size_near": (c_void_p, c_void_p, POINTER(c_ulong), POINTER(c_int)),
    "snd_pcm_hw_params_set_buffer_size_near": (c_void_p, c_void_p, POINTER(c_ulong)),
    "snd_pcm_hw_params": (c_void_p, c_void_p),
    "snd_pcm_info_malloc": (POINTER(c_void_p),),
    "snd_pcm_info": (c_void_p, c_void_p),
    "snd_pcm_info_get_card": (c_void_p,),
    "snd_config_update_free_global": (),
}
_OTHERS: Final[dict[str, tuple[type | None, tuple[type, ...]]]] = {
    # name: (what it returns, what it takes)
    "snd_pcm_avail": (c_long, (c_void_p,)),
    "snd_pcm_readi": (c_long, (c_void_p, c_void_p, c_ulong)),
    "snd_pcm_writei": (c_long, (c_void_p, c_void_p, c_ulong)),
    "snd_pcm_hw_params_free": (None, (c_void_p,)),
    "snd_pcm_info_free": (None, (c_void_p,)),
    "snd_strerror": (c_char_p, (c_int,)),
    "snd_asoundlib_version": (c_char_p, ()),
}
_ERROR_HANDLER = ctypes.CFUNCTYPE(None, c_char_p, c_int, c_char_p, c_int, c_char_p)
_say_nothing = _ERROR_HANDLER(lambda *_: None)


@cache
def _library() -> ctypes.CDLL:
    """libasound, with its functions declared. Raises `OSError` where it is not installed (Debian: libasound2)."""
    library = ctypes.CDLL("libasound.so.2")
    for name, takes in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = c_int, takes
    for name, (returns, takes) in _OTHERS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = returns, takes
    return library


def load() -> str:
    """Load alsa-lib; returns its name and version. Raises `OSError` where it is not installed."""
    return f"alsa-lib {_library().snd_asoundlib_version().decode()}"


def quieten() -> None:
    """Let alsa-lib print nothing: what matters comes back as an error. Raises `OSError` where it is not installed."""
    _library().snd_lib_error_set_handler(_say_nothing)


def forget_cards() -> None:
    """Have alsa-lib read its configuration anew at the next opening. It reads it once in a process, with what belongs to the cards that are
    there then: for another card, or another number, names such as `front:CARD=…` lead nowhere. No device may be open.
    """
    _checked(_library().snd_config_update_free_global())


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(-result, _library().snd_strerror(result).decode())
    return result


class _Pcm:
    """An open device. `card` is the number of its sound card, `None` where it has none of its own (a sound server)."""

    def __init__(self, name: str, stream: int) -> None:
        self._alsa = _library()
        self._pcm = c_void_p()
        # Without NONBLOCK a device that another program holds would be waited for without end; afterwards reads and writes may wait.
        _checked(self._alsa.snd_pcm_open(byref(self._pcm), name.encode(), stream, _NONBLOCK))
        try:
            _checked(self._alsa.snd_pcm_nonblock(self._pcm, 0))
            self.card = self._card()
        except OSError:
            self.close()
            raise

    def _card(self) -> int | None:
        info = c_void_p()
        _checked(self._alsa.snd_pcm_info_malloc(byref(info)))
        try:
            _checked(self._alsa.snd_pcm_info(self._pcm, info))
            number = int(self._alsa.snd_pcm_info_get_card(info))
        finally:
            self._alsa.snd_pcm_info_free(info)
        return number if number >= 0 else None

    def _recovered(self, result: int) -> int:
        """`result`, after an overflow, an underrun or a suspend was recovered from; raises what cannot be recovered from."""
        if result in (-errno.EPIPE, -errno.ESTRPIPE, -errno.EINTR):
            _checked(self._alsa.snd_pcm_recover(self._pcm, result, 1))
            return 0
        return _checked(result)

    def close(self) -> None:
        """Close at once: what the device has not taken or given is dropped. Closing again does nothing."""
        pcm, self._pcm = self._pcm, c_void_p()
        if pcm:
            self._alsa.snd_pcm_drop(pcm)  # refused where nothing runs, which is what is wanted
            _checked(self._alsa.snd_pcm_close(pcm))


class Capture(_Pcm):
    """A device that gives samples: s16, interleaved, `channels` of them, at `rate`, the first of `rates` that the card itself gives.

    Raises `OSError` when it cannot be opened or gives none of the rates.
    """

    def __init__(self, name: str, channels: int, rates: Sequence[int], block_seconds: float, buffer_seconds: float) -> None:
        super().__init__(name, _CAPTURE)
        self._frame_bytes = channels * SAMPLE_BYTES
        try:
            self.rate = self._configure(channels, rates, block_seconds, buffer_seconds)
        except OSError:
            self.close()
            raise

    def _configure(self, channels: int, rates: Sequence[int], block_seconds: float, buffer_seconds: float) -> int:
        alsa, pcm, params = self._alsa, self._pcm, c_void_p()
        _checked(alsa.snd_pcm_hw_params_malloc(byref(params)))
        try:
            _checked(alsa.snd_pcm_hw_params_any(pcm, params))
            _checked(alsa.snd_pcm_hw_params_set_rate_resample(pcm, params, 0))  # alsa-lib's own resampler only interpolates
            _checked(alsa.snd_pcm_hw_params_set_access(pcm, params, _RW_INTERLEAVED))
            _checked(alsa.snd_pcm_hw_params_set_format(pcm, params, _S16_LE))
            _checked(alsa.snd_pcm_hw_params_set_channels(pcm, params, channels))
            rate = next((rate for rate in rates if alsa.snd_pcm_hw_params_test_rate(pcm, params, rate, 0) == 0), None)
            if rate is None:
                raise OSError(errno.EINVAL, f"it gives none of {', '.join(map(str, rates))} Hz")
            _checked(alsa.snd_pcm_hw_params_set_rate(pcm, params, rate, 0))
            period, buffer = c_ulong(round(block_seconds * rate)), c_ulong(round(buffer_seconds * rate))
            _checked(alsa.snd_pcm_hw_params_set_period_size_near(pcm, params, byref(period), None))
            _checked(alsa.snd_pcm_hw_params_set_buffer_size_near(pcm, params, byref(buffer)))
            _checked(alsa.snd_pcm_hw_params(pcm, params))
        finally:
            alsa.snd_pcm_hw_params_free(params)
        return rate

    def read(self, frames: int) -> bytes:
        """Wait for `frames` that follow each other. After an overflow they are the ones after it."""
        block = ctypes.create_string_buffer(frames * self._frame_bytes)
        have = overruns = 0
        while have < frames:
            at = ctypes.addressof(block) + have * self._frame_bytes
            got = self._recovered(self._alsa.snd_pcm_readi(self._pcm, at, frames - have))
            have = have + got if got else 0
            overruns = 0 if got else overruns + 1
            if overruns > _RECOVERIES:
                raise OSError(errno.EPIPE, "its buffer overflows again and again")
        return block.raw

    def waiting(self) -> int:
        """Frames that the driver holds by now. None where it cannot tell."""
        return max(0, int(self._alsa.snd_pcm_avail(self._pcm)))


class Playback(_Pcm):
    """A device that takes s16 samples at `rate`; alsa-lib converts for cards that cannot (a `plug` device). Starts when its buffer is full.

    Raises `OSError` when it cannot be opened or does not take them.
    """

    def __init__(self, name: str, channels: int, rate: int, latency_us: int) -> None:
        super().__init__(name, _PLAYBACK)
        self._frame_bytes = channels * SAMPLE_BYTES
        buffer, period = c_ulong(), c_ulong()
        try:
            _checked(self._alsa.snd_pcm_set_params(self._pcm, _S16_LE, _RW_INTERLEAVED, channels, rate, 1, latency_us))
            _checked(self._alsa.snd_pcm_get_params(self._pcm, byref(buffer), byref(period)))
        except OSError:
            self.close()
            raise
        self.buffer_frames, self.period_frames = buffer.value, period.value

    def write(self, block: bytes) -> None:
        """Hand over whole frames; returns when the device took the last one. An underrun is a click, not an error; `OSError` where one
        follows the other and nothing is taken between them."""
        buffer = ctypes.create_string_buffer(block, len(block))
        frames, done, underruns = len(block) // self._frame_bytes, 0, 0
        while done < frames:
            at = ctypes.addressof(buffer) + done * self._frame_bytes
            taken = self._recovered(self._alsa.snd_pcm_writei(self._pcm, at, frames - done))
            done += taken
            underruns = 0 if taken else underruns + 1
            if underruns > _RECOVERIES:
                raise OSError(errno.EPIPE, "its buffer runs empty again and again")
