"""The worker that runs before the recorder does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyrage

from bodycamd.camera.capture.first_worker import FirstWorker, start
from bodycamd.camera.capture.protocol import Prepare
from bodycamd.camera.capture.supervisor import Supervisor
from bodycamd.config.settings import MicrophoneSettings, VideoSettings
from bodycamd.footage import EncryptedFragment, EncryptedInit
from bodycamd.linux.clock import SystemClock, boottime_us
from bodycamd.linux.readable import readable
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


class Nowhere:
    def put_init(self, init: EncryptedInit) -> None: ...

    def put(self, fragment: EncryptedFragment) -> None: ...


def test_one_that_has_died_before_it_was_told_anything_is_replaced() -> None:
    """The kernel, short of memory, ends a worker first."""
    first = FirstWorker()
    assert first._process is not None
    first._process.kill()
    assert readable(first._process.exit_fd, 10)
    prepare = Prepare(
        video=VideoSettings(source="pattern"),
        microphone=MicrophoneSettings(source="tone"),
        audio=True,
        recipients_text=str(pyrage.x25519.Identity.generate().to_public()),
    )
    supervisor = Supervisor(prepare=prepare, sink=Nowhere(), post=lambda _: None, clock=SystemClock(), start=first.start)
    supervisor.start()
    try:

        def prepared() -> bool:
            supervisor.tick(boottime_us())
            return supervisor.status().prepared

        wait_for(prepared, 30, "another worker")
        assert "cannot be started" in str(supervisor.status().last_failure)
    finally:
        supervisor.stop()


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
