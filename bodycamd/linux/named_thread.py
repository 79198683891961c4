"""A thread that the kernel knows by its name too, so that `top -H` and a bench can tell threads apart. (Python does so itself from 3.14.)

Source: prctl(2), PR_SET_NAME: at most 15 bytes. Not guaranteed: that the kernel takes the name; a thread runs without one as well.
"""

from __future__ import annotations

import ctypes
import threading

_PR_SET_NAME = 15
_LONGEST_NAME = 15
_libc = ctypes.CDLL(None)


class NamedThread(threading.Thread):
    """As `threading.Thread`; its kernel name is the beginning of its name."""

    def run(self) -> None:
        """Take the name, then do what a thread does."""
        _libc.prctl(_PR_SET_NAME, ctypes.c_char_p(self.name.encode()[:_LONGEST_NAME]), 0, 0, 0)
        super().run()
