"""Sealed segments read out to who may not read the store: those, whole, and nothing else; an offload made of them is one like any other."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.offloading.client import SealedSegments
from bodycamd.camera.offloading.messages import Wanted, decode_answer, encode
from bodycamd.camera.offloading.serving import answer, serve
from bodycamd.cli import over_ssh
from bodycamd.cli.main import main
from bodycamd.errors import DataError, StorageError, UnavailableError, UsageError
from tests.kit.camera import Camera
from tests.kit.scale import count, only_in_full

RECORDING = "000001-0001"
SEALED = {"000000.tar": os.urandom(3_000_001), "000001.cut.tar": b"cut", "000002.tar": b""}
SECRET = b"nobody is to read this"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store among what nobody is to have from it."""
    folder = tmp_path_factory.mktemp("camera")
    for name in ("device", "store/ledger", f"store/recordings/{RECORDING}", "store/recordings/000001-0002"):
        (folder / name).mkdir(parents=True)
    for name in ("device/000001.key", "store/.lock", "store/ledger/000001.jsonl", f"store/recordings/{RECORDING}/000003.tar.part"):
        (folder / name).write_bytes(SECRET)
    made = folder / "store"
    for name, content in SEALED.items():
        (made / "recordings" / RECORDING / name).write_bytes(content)
    (made / "recordings" / RECORDING / "000009.tar").symlink_to(folder / "device" / "000001.key")
    (made / "recordings" / "000001-0003").symlink_to(folder / "device")
    os.mkfifo(made / "recordings" / "000001-0002" / "000000.tar")
    return made


def asked(store: Path, line: bytes) -> bytes:
    """All that comes back for these bytes."""
    ours, theirs = socket.socketpair()

    def work() -> None:
        with theirs:
            answer(theirs, store)

    with ours:
        served = threading.Thread(target=work)
        served.start()
        ours.sendall(line)
        ours.shutdown(socket.SHUT_WR)
        with ours.makefile("rb") as coming:
            found = coming.read()
        served.join()
    return found


@contextmanager
def reading_out(store: Path, path: Path) -> Iterator[SealedSegments]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(8)
        listener.settimeout(0.02)
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                serve(listener, store)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield SealedSegments(path)
        finally:
            stop.set()
            thread.join()


def test_what_is_sealed_comes_whole(store: Path, tmp_path: Path) -> None:
    with reading_out(store, tmp_path / "s") as sealed:
        for name, content in SEALED.items():
            with sealed.open(RECORDING, name) as (coming, size):
                assert (coming.read(), size) == (content, len(content))


@pytest.mark.parametrize(
    ("recording", "file"),
    [
        (RECORDING, "000003.tar.part"),
        (RECORDING, "000009.tar"),
        (RECORDING, "000004.tar"),
        (RECORDING, "../../ledger/000001.jsonl"),
        ("000001-0002", "000000.tar"),
        ("000001-0003", "000001.key"),
        ("000001-0003", "000000.tar"),
        ("../ledger", "000001.jsonl"),
        ("..", "000000.tar"),
    ],
)
def test_everything_else_is_refused_and_said(store: Path, tmp_path: Path, recording: str, file: str) -> None:
    with reading_out(store, tmp_path / "s") as sealed, pytest.raises(StorageError), sealed.open(recording, file):
        pass
    assert SECRET not in asked(store, encode(Wanted(recording, file)))


@settings(max_examples=count(500), deadline=None)
@given(
    st.binary(max_size=1100)
    | st.builds(
        lambda recording, file: encode(Wanted(recording, file)),
        st.sampled_from([RECORDING, "000001-0003", "../recordings/" + RECORDING, ".", "000001-0001/", "../../device", "\0"]) | st.text(),
        st.sampled_from([*SEALED, "000003.tar.part", "../000001.key", "000001.key", "000000.tar\n", "/etc/passwd"]) | st.text(),
    )
)
def test_whatever_is_asked_one_answer_comes_and_it_is_sealed_or_a_refusal(store: Path, line: bytes) -> None:
    said, _, content = asked(store, line + b"\n").partition(b"\n")
    found = decode_answer(said)
    assert (found.size is None and content == b"") or content in SEALED.values()


def test_nothing_is_changed(store: Path) -> None:
    def state() -> dict[str, tuple[int, int, int]]:
        return {str(path): (s.st_mtime_ns, s.st_size, s.st_mode) for path in store.rglob("*") for s in [path.lstat()]}

    before = state()
    asked(store, encode(Wanted(RECORDING, "000000.tar")))
    assert state() == before


@pytest.mark.parametrize("line", [b"", b"{}\n", b'{"size":-1}\n', b'{"size":1,"error":"x"}\n', b"\xff\n", b"[" * 5000])
def test_an_answer_that_is_none_is_refused(line: bytes) -> None:
    with pytest.raises(DataError, match="another version"):
        decode_answer(line)


def test_where_nobody_reads_out_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"bodycamd-offload\.socket"):
        SealedSegments(tmp_path / "none")


SSH = """#!{python}
import os, signal, sys
assert sys.argv[-2:] == ["--", "u-t-01@hv-07.local"], sys.argv
for way in sys.argv:
    if way.startswith("-L"):
        here, _, there = way[2:].partition(":")
        os.symlink({{"/run/bodycamd/control.sock": {control!r}, "/run/bodycamd-offload.sock": {offload!r}}}[there], here)
signal.pause()
"""


@only_in_full
def test_over_ssh_it_is_a_copy_that_verifies_and_the_camera_logs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ssh` is played: it leads the two sockets to those of a camera."""
    programs, disk = tmp_path / "bin", tmp_path / "disk"
    for folder in (programs, disk):
        folder.mkdir()
    with Camera(tmp_path / "c") as camera, reading_out(camera.store, tmp_path / "s"):
        (programs / "ssh").write_text(
            SSH.format(python=sys.executable, control=str(camera.device / "control.sock"), offload=str(tmp_path / "s"))
        )
        (programs / "ssh").chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        camera.skip_warning_and_record()
        recording = camera.stop_recording()["recording"]
        assert main(["offload", "--from", "u-t-01@hv-07.local", "--to", str(disk)]) == 0
        (tmp_path / "device.pem").write_bytes(camera.device_pem)
        verdict = main(["verify", "--store", str(disk), "--device-key", str(tmp_path / "device.pem")])
        assert verdict in (0, 3), "whole, or with a gap that is stated: of a frame that a busy machine was late for"
        copied = (disk / "recordings" / recording / "000000.tar").read_bytes()
        assert copied == (camera.store / "recordings" / recording / "000000.tar").read_bytes()
        assert camera.stop() == 0, camera.journal
        stated = b"".join(path.read_bytes() for path in sorted(camera.store.glob("ledger/*.jsonl")))
        assert b'"offloaded"' in stated


def test_an_ssh_that_brings_no_connection_about_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ssh").write_text("#!/bin/sh\nexit 255\n")
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(UnavailableError, match="does `ssh hv-07 bodycamd status` work"), over_ssh.forwarded("hv-07"):
        pass


@pytest.mark.parametrize("where", ["-oProxyCommand=x", "", "a b", "u@-x", "u@h;x", "u@h\n"])
def test_no_place_is_an_option_of_ssh(where: str) -> None:
    with pytest.raises(UsageError, match="--from"), over_ssh.forwarded(where):
        pass


def test_answers_are_small_lines() -> None:
    assert msgspec.json.decode(encode(Wanted(RECORDING, "000000.tar"))) == {"recording": RECORDING, "file": "000000.tar"}
