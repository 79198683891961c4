"""The recorder's end of the sensors process: real sockets, hostile lines, a process that is not there or floods."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bodycamd.camera.board.sensed import SensedBattery, SensorsLink
from bodycamd.camera.sensors.readings import MAX_BYTES, MAX_SEQUENCE, STALE_US, Charge, Reading, believed, decode, encode
from bodycamd.camera.sensors.watch import Watch
from bodycamd.config.settings import BatterySettings, BoardSettings, Config
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import SettableClock
from bodycamd.linux.hearing import MESSAGES_A_LOOK
from bodycamd.linux.telling import MAX_HEARERS, Teller
from tests.camera.sensors.registers import max17048
from tests.kit.scale import count, only_in_full

NOW_US = 1_000_000_000
GOOD = Reading(sequence=1, at_us=NOW_US, charge=Charge(percent=50, estimated=False, charging=False), celsius=41.5, throttled=False)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(NOW_US)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "readings.sock"


@pytest.fixture
def readers(path: Path) -> Iterator[Teller]:
    made = Teller(path, process="sensors", key="board.sensors")
    yield made
    made.close()


@pytest.fixture
def link(path: Path, clock: SettableClock) -> Iterator[SensorsLink]:
    made = SensorsLink(path, clock)
    yield made
    made.close()


class Liar:
    """Serves what a test tells it to: any bytes at all."""

    def __init__(self, path: Path, link: SensorsLink) -> None:
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listening.bind(str(path))
        self._listening.listen(1)
        link.look()
        self.connection, _ = self._listening.accept()

    def close(self) -> None:
        self.connection.close()
        self._listening.close()


def test_a_reading_arrives_and_goes_stale(readers: Teller, link: SensorsLink, clock: SettableClock) -> None:
    with pytest.raises(UnavailableError, match="no reading of the sensors for 20 s"):
        link.reading()
    link.look()
    readers.admit()
    readers.publish(encode(GOOD))
    link.look()
    assert link.reading() == GOOD
    clock.boottime_us = NOW_US + STALE_US - 1
    assert link.reading() == GOOD
    clock.boottime_us = NOW_US + STALE_US
    with pytest.raises(UnavailableError, match="bodycamd-sensors"):
        link.reading()


def test_who_connects_later_is_told_the_latest_at_once(readers: Teller, link: SensorsLink) -> None:
    readers.publish(encode(GOOD))
    link.look()
    readers.admit()
    link.look()
    assert link.reading() == GOOD


def test_a_process_that_begins_anew_is_read_on(path: Path, link: SensorsLink, clock: SettableClock) -> None:
    for later_us in (0, 5_000_000):
        clock.boottime_us = NOW_US + later_us
        serving = Teller(path, process="sensors", key="board.sensors")
        link.look()
        serving.admit()
        serving.publish(encode(msgspec.structs.replace(GOOD, at_us=clock.boottime_us)))
        link.look()
        assert link.reading().at_us == clock.boottime_us, "its numbers begin at 1 again"
        serving.close()
        link.look()


def test_a_socket_left_by_one_that_was_killed_is_replaced_and_a_living_one_is_not(path: Path, readers: Teller) -> None:
    with pytest.raises(UnavailableError, match="another sensors process"):
        Teller(path, process="sensors", key="board.sensors")
    readers._listening.close()  # as the kernel does for a killed process
    Teller(path, process="sensors", key="board.sensors").close()


def test_a_reader_that_does_not_read_or_that_talks_is_cut_off(readers: Teller, path: Path) -> None:
    """The process waits for nobody, and there is nothing to tell it."""
    lazy, talks = (socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(2))
    for reader in (lazy, talks):
        reader.connect(str(path))
    readers.admit()
    talks.send(b"shut down")
    for _ in range(5000):
        readers.publish(b"x" * MAX_BYTES)
    readers.admit()
    assert readers._hearers == []
    for reader in (lazy, talks):
        reader.close()


def test_more_readers_than_there_is_room_for_are_turned_away(readers: Teller, path: Path) -> None:
    many = []
    for _ in range(MAX_HEARERS + 2):
        reader = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        reader.connect(str(path))
        many.append(reader)
        readers.admit()
    assert len(readers._hearers) == MAX_HEARERS
    assert many[-1].recv(10) == b""
    for reader in many:
        reader.close()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = {field.name for field in msgspec.structs.fields(Reading)}
mangled = st.fixed_dictionaries({}, optional=dict.fromkeys(sorted(FIELDS), json_values)).map(
    lambda changed: json.dumps({**json.loads(encode(GOOD)), **changed}).encode("utf-8", "surrogatepass")
)


@only_in_full
@given(st.binary(max_size=2000) | mangled | json_values.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")))
@settings(max_examples=count(3000))
@example(b"[" * 1024)
@example(b'{"sequence":1e999,"at_us":1}')
@example(b'{"sequence":1,"at_us":1,"celsius":1e400}')
@example(b'{"sequence":1,"at_us":1,"celsius":NaN}')
@example(b'{"sequence":true,"at_us":1}')
@example(b'{"sequence":1,"at_us":1,"order":"shut down"}')
def test_whatever_a_line_holds_it_is_a_bounded_reading_or_none(line: bytes) -> None:
    reading = decode(line)
    if reading is None:
        return
    assert len(line) <= MAX_BYTES
    assert 1 <= reading.sequence <= MAX_SEQUENCE
    assert 0 <= reading.at_us <= MAX_SEQUENCE
    assert reading.celsius is None or -60 <= reading.celsius <= 150
    assert reading.fault is None or len(reading.fault) <= 200
    if reading.charge is not None:
        assert 0 <= reading.charge.percent <= 100
        assert reading.charge.minutes_left is None or 0 <= reading.charge.minutes_left <= 100_000
    encode(reading)


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(-30, 30)), max_size=30))
@settings(max_examples=count(1000))
def test_only_news_of_now_is_believed(messages: list[tuple[int, int]]) -> None:
    last = 0
    for sequence, age_seconds in messages:
        reading = Reading(sequence=sequence, at_us=NOW_US - age_seconds * 1_000_000)
        if believed(reading, NOW_US, last):
            assert sequence > last
            assert 0 <= age_seconds < 20
            last = sequence


def test_a_flood_costs_a_bounded_look_and_lies_are_counted(path: Path, link: SensorsLink) -> None:
    liar = Liar(path, link)
    liar.connection.setblocking(False)
    sent = 0
    try:
        while True:
            liar.connection.send(b"{" * 900)
            sent += 1
    except BlockingIOError:
        pass
    link.look()
    assert link.disbelieved == min(sent, MESSAGES_A_LOOK)
    with pytest.raises(UnavailableError):
        link.reading()
    liar.close()


def test_a_line_that_is_too_long_is_none_even_if_its_begin_is_good(path: Path, link: SensorsLink) -> None:
    liar = Liar(path, link)
    liar.connection.send(encode(GOOD) + b" " * MAX_BYTES)
    link.look()
    assert link.disbelieved == 1
    liar.connection.send(encode(GOOD))
    link.look()
    assert link.reading() == GOOD
    liar.close()
    link.look()  # hung up
    link.look()


def test_a_socket_that_is_not_there_is_no_reading_and_no_error(link: SensorsLink) -> None:
    link.look()
    battery = SensedBattery(BatterySettings(gauge="max17048"), link)
    with pytest.raises(UnavailableError, match="systemctl status bodycamd-sensors"):
        battery.read()


def test_a_gauge_that_fails_is_told_with_its_reason(readers: Teller, link: SensorsLink) -> None:
    readers.publish(encode(Reading(sequence=1, at_us=NOW_US, fault="nothing answers at 0x36")))
    link.look()
    readers.admit()
    link.look()
    with pytest.raises(UnavailableError, match="nothing answers at 0x36"):
        SensedBattery(BatterySettings(gauge="max17048"), link).read()


@only_in_full
def test_from_full_to_empty_by_the_chips_registers(
    path: Path, readers: Teller, link: SensorsLink, clock: SettableClock, tmp_path: Path
) -> None:
    """The process's own parts, its socket, and the recorder's: *low* by minutes long before it is *low* by percent, then *critical*."""
    battery = BatterySettings(gauge="max17048", bus="simulated", low_percent=15, low_minutes=30, critical_percent=3)
    board = BoardSettings(adapter="simulated", sensors=str(path), battery=battery)
    watch = Watch(Config(device_id="c", simulation_directory=str(tmp_path), board=board), lambda: clock.boottime_us, tmp_path / "sys")
    sensed = SensedBattery(battery, link)
    told: list[tuple[str, float]] = []
    percent = 100.0
    while percent > 0 and (not told or told[-1][0] != "critical"):
        (tmp_path / "registers.json").write_text(json.dumps({"0x36": max17048(percent, 3.0 + percent / 100, -60)}))
        readers.publish(encode(watch.look()))
        link.look()
        readers.admit()
        link.look()
        level, charge = sensed.read()
        if not told or told[-1][0] != level:
            told.append((level, charge or 0.0))
        percent, clock.boottime_us = percent - 1 / 12, clock.boottime_us + 5_000_000  # 60 % an hour
    assert [level for level, _ in told] == ["ok", "low", "critical"]
    assert told[1][1] == pytest.approx(30, abs=1), "30 minutes at 60 % an hour"
    assert told[2][1] == pytest.approx(3 - 2 / 12, abs=0.2), "the third reading below"
