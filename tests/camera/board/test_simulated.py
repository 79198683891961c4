"""The simulated board: its button socket, its time line, its clock."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycamd.camera.board import board_log as timeline
from bodycamd.camera.board.ports import Board
from bodycamd.camera.board.simulated import SOCKET_NAME, SimulatedHand, simulated_board
from bodycamd.config.settings import BoardSettings, GpioSettings, SpeakerSettings
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import Clock, SettableClock, SystemClock, boottime_us
from tests.camera.board.conftest import WARNINGS, Heard
from tests.kit.waiting import wait_for

SETTINGS = BoardSettings(adapter="simulated", gpio=GpioSettings(ready_led=5))


def build(directory: Path, heard: Heard | None = None, clock: Clock | None = None) -> Board:
    speaker = SpeakerSettings(output="simulated")
    heard, clock = heard or Heard(), clock or SystemClock()
    return simulated_board(SETTINGS, speaker, directory=directory, wav=WARNINGS / "nl.wav", post=heard.post, clock=clock)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = build(tmp_path)
    yield board
    board.button.close()


def test_edges_arrive_stamped_and_stand_in_the_time_line(board: Board, tmp_path: Path) -> None:
    edges: list[tuple[bool, int]] = []
    board.button.watch(lambda pressed, at_us: edges.append((pressed, at_us)))
    hand = SimulatedHand(tmp_path)
    sent = [hand.down(), hand.up(), hand.down()]
    wait_for(lambda: len(timeline.read(tmp_path)) == 3)
    assert [pressed for pressed, _ in edges] == [True, False, True]
    assert board.button.is_pressed()
    assert all(sent_us <= at_us <= boottime_us() for sent_us, (_, at_us) in zip(sent, edges, strict=True))
    lines = timeline.read(tmp_path)
    assert [(line["part"], line["on"], line["at_us"], line["sent_us"]) for line in lines] == [
        ("button", pressed, at_us, sent_us) for sent_us, (pressed, at_us) in zip(sent, edges, strict=True)
    ]


def test_thousands_of_edges_lose_none(board: Board, tmp_path: Path) -> None:
    edges: list[bool] = []
    board.button.watch(lambda pressed, at_us: edges.append(pressed))
    hand = SimulatedHand(tmp_path)
    for _ in range(1000):
        hand.down()
        hand.up()
    wait_for(lambda: len(edges) == 2000)
    assert edges == [True, False] * 1000


def test_what_is_no_command_is_passed_over(board: Board, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(os.path.relpath(tmp_path / SOCKET_NAME))
        datagrams = [b"", b" ", b"sideways", b"\xff\xfe", b"battery", b"battery nan", b"battery 101", b"down soon", b"x" * 5000]
        for datagram in datagrams:
            sender.send(datagram)
        sender.send(b"down")
    wait_for(lambda: any(line["part"] == "button" for line in timeline.read(tmp_path)))
    assert [record.levelname for record in caplog.records] == ["WARNING"] * len(datagrams)
    assert [line["part"] for line in timeline.read(tmp_path)] == ["button"]


def test_a_receiver_that_raises_does_not_end_the_thread(board: Board, tmp_path: Path) -> None:
    edges: list[bool] = []

    def receive(pressed: bool, at_us: int) -> None:
        edges.append(pressed)
        if len(edges) == 1:
            raise RuntimeError("the loop is closed")

    board.button.watch(receive)
    SimulatedHand(tmp_path).down()
    SimulatedHand(tmp_path).up()
    wait_for(lambda: edges == [True, False])


def test_lights_write_changes_only(board: Board, tmp_path: Path) -> None:
    assert board.ready_lamp is not None
    for on in (False, True, True, False):
        board.lamp.set(on)
    board.ready_lamp.set(True)
    board.haptic.set(True)
    board.haptic.close()
    lines = [(line["part"], line["on"]) for line in timeline.read(tmp_path)]
    assert lines == [("lamp", True), ("lamp", False), ("ready_lamp", True), ("haptic", True), ("haptic", False)]


def test_many_writers_never_tear_a_line(board: Board, tmp_path: Path) -> None:
    def blink() -> None:
        for on in [True, False] * 200:
            board.lamp.set(on)

    threads = [threading.Thread(target=blink) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        timeline.read(tmp_path)  # raises on half a line
    for thread in threads:
        thread.join()
    assert timeline.read(tmp_path)


def test_the_battery_is_set_from_outside(board: Board, tmp_path: Path) -> None:
    assert board.battery.read() == ("ok", None)
    hand = SimulatedHand(tmp_path)
    for percent, level in ((80.0, "ok"), (14.5, "low"), (2.0, "critical")):
        hand.battery(percent)
        wait_for(lambda percent=percent: board.battery.read()[1] == percent)  # type: ignore[misc]
        assert board.battery.read()[0] == level


def test_the_voice_stands_in_the_time_line_and_in_a_file(tmp_path: Path) -> None:
    heard = Heard()
    board = build(tmp_path, heard)
    board.voice.start()
    heard.healthy()
    board.voice.speak()
    wait_for(lambda: timeline.read(tmp_path), 3)
    wait_for(lambda: (tmp_path / "speaker-0001.wav").stat().st_size > 20_000, 3)
    board.voice.silence()
    _, ended = heard.ending(1)
    assert ended.outcome == "skipped"
    board.voice.close()
    board.button.close()
    lines = timeline.read(tmp_path)
    assert [(line["part"], line["event"]) for line in lines] == [("voice", "started"), ("voice", "silenced")]
    assert lines[1]["at_us"] == ended.at_us
    with wave.open(str(tmp_path / "speaker-0001.wav"), "rb") as played, wave.open(str(WARNINGS / "nl.wav"), "rb") as whole:
        frames = played.getnframes()
        assert played.readframes(frames) == whole.readframes(frames), "the beginning, to the sample"
    expected = (lines[1]["at_us"] - lines[0]["at_us"]) / 1e6
    assert abs(frames / 48_000 - expected) < 0.1, "in real time"


def test_one_simulation_per_folder(board: Board, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="another simulation runs"):
        build(tmp_path)
    board.button.close()
    with pytest.raises(UnavailableError, match="no simulation runs"):
        SimulatedHand(tmp_path).down()
    build(tmp_path).button.close()


def test_a_socket_left_by_a_kill_is_replaced(tmp_path: Path) -> None:
    code = f"import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).bind({str(tmp_path / SOCKET_NAME)!r})"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / SOCKET_NAME).is_socket()
    board = build(tmp_path)
    SimulatedHand(tmp_path).down()
    wait_for(board.button.is_pressed)
    board.button.close()


def test_a_long_path(tmp_path: Path) -> None:
    """A unix socket's address has room for 107 bytes; a folder's path may be longer."""
    directory = tmp_path / ("d" * 120)
    directory.mkdir()
    board = build(directory)
    SimulatedHand(directory).down()
    wait_for(board.button.is_pressed)
    assert (directory / SOCKET_NAME).stat().st_mode & 0o777 == 0o600
    board.button.close()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="simulation_directory"):
        build(tmp_path / "nowhere")


def test_the_clock_of_tests(tmp_path: Path) -> None:
    clock = SettableClock(boottime_us=1000, wall_us=2000)
    clock.advance(500)
    reading = clock.read()
    assert (clock.now_us(), reading.boottime_us, reading.wall_us, reading.trusted, reading.error_ms) == (1500, 1500, 2500, True, 5)
    clock.trusted, clock.wall_us = False, 9
    assert (clock.read().trusted, clock.read().error_ms, clock.read().wall_us) == (False, None, 9)
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(-1)
    board = build(tmp_path, clock=clock)
    board.lamp.set(True)
    assert timeline.read(tmp_path)[0]["at_us"] == 1500
    board.button.close()
