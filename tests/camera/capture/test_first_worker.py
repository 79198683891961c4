"""The worker that runs before the recorder does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bodycamd.camera.capture.first_worker import FirstWorker, start
from tests.kit.waiting import wait_for


def of_program(link: str, module: str) -> list[int]:
    """The processes that run this module for the test that `link` names in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if module.encode() in (process / "cmdline").read_bytes() and link.encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue  # it has ended meanwhile, or is somebody else's
    return found


def test_it_loads_what_takes_long_before_it_is_told_anything() -> None:
    first = FirstWorker()
    worker = first.start()
    try:
        maps = Path(f"/proc/{worker.pid}/maps")
        wait_for(lambda: "libavcodec" in maps.read_text() and "pyrage" in maps.read_text(), 30, "FFmpeg's libraries and age")
    finally:
        worker.end()
        worker.close()


def test_it_is_for_the_first_who_asks() -> None:
    first = FirstWorker()
    workers = [first.start(), first.start()]
    assert workers[0].pid < workers[1].pid
    first.end()
    assert [worker.reap() for worker in workers] == [False, False], "they are those who asked's"
    for worker in workers:
        worker.end()
        worker.close()


def test_nobody_asked() -> None:
    before = set(os.listdir("/proc/self/fd"))
    first = FirstWorker()
    assert first._process is not None
    pid = first._process.pid
    first.end()
    first.end()
    assert not Path(f"/proc/{pid}").exists()
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_recorder_that_does_not_start_leaves_no_worker(tmp_path: Path) -> None:
    mark = f"BODYCAMD_TEST_MARK={tmp_path}"
    command = [sys.executable, "-P", "-s", "-m", "bodycamd.camera.daemon", "--config", str(tmp_path / "none.yaml")]
    environment = os.environ | {"BODYCAMD_TEST_MARK": str(tmp_path)}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (78, 1)
    assert of_program(mark, "bodycamd.camera") == []


def test_the_mark_would_be_found(tmp_path: Path) -> None:
    """Else the test above shows nothing."""
    worker = start(["env", f"BODYCAMD_TEST_MARK={tmp_path}", sys.executable, "-c", "import time; time.sleep(60)", "bodycamd.camera"])
    wait_for(lambda: of_program(f"BODYCAMD_TEST_MARK={tmp_path}", "bodycamd.camera"), 10, "the process")
    worker.end()
    worker.close()
