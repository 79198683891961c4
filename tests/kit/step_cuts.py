"""A process that dies at its so-many-th step on the disk, in a test's own process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bodycamd.linux import durable

STEPS = ("open_new", "sync", "sync_names")


class Cut(BaseException):
    """It died here. No `except Exception` takes it for an error."""


@contextmanager
def cut_after(steps: int, of: tuple[str, ...] = STEPS) -> Iterator[None]:
    """So many calls of these functions of `durable` are carried out; each further one raises `Cut`."""
    left = steps

    def counted(run: Callable[..., Any]) -> Callable[..., Any]:
        def step(*words: Any, **more: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Cut
            return run(*words, **more)

        return step

    with pytest.MonkeyPatch.context() as patch:
        for what in of:
            patch.setattr(durable, what, counted(getattr(durable, what)))
        yield
