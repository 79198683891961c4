"""The kernel knows a thread by its name."""

from __future__ import annotations

import threading
from pathlib import Path

from bodycamd.linux.named_thread import NamedThread


def test_the_kernel_has_the_beginning_of_the_name() -> None:
    names: list[str] = []

    def look() -> None:
        names.append(Path(f"/proc/self/task/{threading.get_native_id()}/comm").read_text().strip())

    for name in ("mux", "a name that is too long for it"):
        thread = NamedThread(target=look, name=name)
        thread.start()
        thread.join()
    assert names == ["mux", "a name that is"]
