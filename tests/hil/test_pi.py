"""A Raspberry Pi of the bench, without one: hand and eyes on a stand-in for gpiod, its camera in a model of its commands, and the whole by
a stand-in for `ssh` that runs its command here."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.config import load
from bodycamd.config.hats import HATS
from bodycamd.errors import BodycamError
from bodycamd.workshop.wiring import header
from bodycamd.workshop.wiring.parts import reserved, used
from tests.hil import pi_camera
from tests.hil.guest import bench as on_the_pi
from tests.hil.guest import jumpers
from tests.hil.guest.bench import Bench
from tests.hil.guest.jumpers import Jumpers, Refused
from tests.hil.guest.pins import now_us
from tests.hil.pi_camera import REPOSITORY, PiCamera, configuration, wires
from tests.hil.stand_in import gpiod
from tests.kit import scale
from tests.kit.scale import one_in, only_in_full
from tests.kit.waiting import wait_for

SHIPPED = (REPOSITORY / "config/bodycamd.yaml").read_bytes()
EYES = {"lamp": (6, "high"), "haptic": (13, "low")}


@pytest.fixture(autouse=True)
def chip() -> Iterator[None]:
    yield
    gpiod.HELD.clear()
    assert (gpiod.requests, gpiod.Chip.opened) == ({}, 0), "lines are left behind"


@settings(max_examples=scale.count(50))
@given(st.sampled_from(["ground", "3v3"]), st.lists(st.booleans(), max_size=12))
def test_the_hand_pulls_the_button_and_lets_it_go_to_its_own_pull(pulls: str, downs: list[bool]) -> None:
    pull = int(pulls == "ground")
    hand = Jumpers(gpiod, 5, pulls, {})
    assert gpiod.button(5, pull) == pull
    for down in downs:
        began_us = now_us()
        assert began_us <= hand.move([(0, down)]) <= now_us()
        assert gpiod.button(5, pull) == pull ^ down
    assert [down for _, _, down in hand.changes] == downs
    hand.close()
    assert not gpiod.requests


def test_an_eye_sees_when_its_part_went_on_and_off_by_the_camera_s_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    asleep_ns, clock = 3_600_000_000_000, time.clock_gettime_ns
    monkeypatch.setattr(time, "clock_gettime_ns", lambda which: clock(which) + asleep_ns * (which == time.CLOCK_BOOTTIME))
    seen = Jumpers(gpiod, 5, "ground", EYES)
    assert {pin: gpiod.requests[pin].settings.bias for pin in (6, 13)} == {6: gpiod.Bias.PULL_DOWN, 13: gpiod.Bias.PULL_UP}, (
        "without its jumper a part is off"
    )
    began_us = now_us()
    for pin, level in ((6, 1), (6, 1), (13, 1), (13, 0), (6, 0), (13, 1)):
        gpiod.happen([(pin, level)])
    wait_for(lambda: len(seen.changes) == 4)
    seen.close()
    assert [on for part, _, on in seen.changes if part == "lamp"] == [True, False]
    assert [on for part, _, on in seen.changes if part == "haptic"] == [True, False]
    assert all(began_us - 1 <= at_us <= now_us() + 1 for _, at_us, _ in seen.changes)


@pytest.mark.parametrize("pin", [5, 6, 13])
def test_a_line_that_somebody_holds_is_told_by_its_number_and_none_is_kept(pin: int) -> None:
    gpiod.HELD.add(pin)
    with pytest.raises(Refused, match=rf"^GPIO {pin}, the .* cannot be had \(.*\): `gpioinfo` says who holds it$") as refused:
        Jumpers(gpiod, 5, "ground", EYES)
    assert (refused.value.code, gpiod.requests) == (75, {})


def test_without_gpiod_or_its_chip_the_bench_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiod", None)
    with pytest.raises(Refused, match="gpiod is missing") as missing:
        jumpers.import_gpiod()
    monkeypatch.setattr(gpiod, "CHIPS", {0: "gpio-sim"})
    with pytest.raises(Refused, match="no GPIO chip of a Raspberry Pi") as elsewhere:
        Jumpers(gpiod, 5, "ground", EYES)
    assert (missing.value.code, elsewhere.value.code, gpiod.Chip.opened) == (69, 69, 0)


def test_the_stand_in_is_as_the_real_module() -> None:
    real = pytest.importorskip("gpiod")
    for name in ("Value", "Direction", "Bias", "Drive", "Edge"):
        mine, there = getattr(gpiod.line, name), getattr(real.line, name)
        assert {*mine.__members__} <= {*there.__members__}
    assert {*gpiod.EdgeEvent.Type.__members__} == {*real.EdgeEvent.Type.__members__}
    assert {*gpiod.LineSettings.__dataclass_fields__} <= {*real.LineSettings.__dataclass_fields__}
    for name in ("fd", "set_value", "read_edge_events", "release"):
        assert hasattr(gpiod.LineRequest, name)
        assert hasattr(real.LineRequest, name)
    assert {"config", "consumer"} <= {*inspect.signature(real.Chip.request_lines).parameters}
    assert {*inspect.signature(gpiod.Chip.request_lines).parameters} <= {*inspect.signature(real.Chip.request_lines).parameters}
    with pytest.raises(FileNotFoundError):
        real.Chip("/nowhere/gpiochip0")


class Model:
    """What a bench's commands do to a Pi; the one of this number fails."""

    def __init__(self, root: Path, fails: int | None = None) -> None:
        self.root, self.fails, self.count = root, fails, 0
        self.running, self.modules, self.over = {"bodycamd.service"}, set[str](), list[str]()
        (root / "opt/bodycamd/current").mkdir(parents=True)
        (root / "etc/elsewhere").mkdir(parents=True)
        (root / "etc/bodycamd").symlink_to(root / "etc/elsewhere")
        (root / "var/tmp").mkdir(parents=True)
        (root / "camera.yaml").write_bytes(SHIPPED)
        (root / "etc/elsewhere/recipients.txt").write_text("the camera's own")
        (root / "etc/bodycamd/bodycamd.yaml").symlink_to(root / "camera.yaml")

    def state(self) -> object:
        files = {str(path): path.read_bytes() for path in self.root.rglob("*") if path.is_file()}
        return files, set(self.running), set(self.modules), list(self.over)

    def run(self, *command: str) -> str:
        self.count += 1
        if self.count - 1 == self.fails:
            if command[:2] == ("systemctl", "stop"):
                self.running.clear()  # stopped all the same
            raise RuntimeError(f"{command}: 1: it fails")
        match command:
            case ("systemctl", "show", *_, unit):
                return "active\n" if unit in self.running else "inactive\n"
            case ("systemctl", "stop", *units):
                self.running -= set(units)
            case ("systemctl", "start", *units):
                assert units
                assert not self.over, "a recorder over what is not its own"
                self.running |= set(units)
            case ("modprobe", "-r", module):
                self.modules.remove(module)
            case ("modprobe", module, *_):
                self.modules.add(module)
            case ("mount", *_, place):
                self.over.append(place)
            case ("umount", place):
                assert self.over.pop() == place
                assert not self.running, "a recorder loses its store"
            case ("fallocate", *_, image):
                Path(image).touch()
            case ("install" | "runuser", *_):
                assert "/var/lib/bodycamd" in self.over, "in the camera's own store"
            case ("cp" | "rm" | "sh", *_):
                subprocess.run(command, check=True)
            case ("mkfs.ext4", *_, image):
                assert image == str(self.root / "var/tmp/bodycamd-hil.img")
            case ("systemctl", "daemon-reload"):
                pass
            case other:
                raise AssertionError(other)
        return ""


def begun(model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Whatever came of it."""
    monkeypatch.setattr(on_the_pi, "import_gpiod", lambda: gpiod)
    folder.mkdir(exist_ok=True)
    bench = Bench(lambda: {"state": "standby"}, folder, model.root, model.run)
    own = load.parse(bench.look().encode(), Path("bodycamd.yaml"))
    try:
        bench.begin(configuration(own, None), "age1\n", wires(own))
    except RuntimeError:
        assert model.fails is not None
    return bench


COMMANDS = 12


@one_in(6)
@pytest.mark.parametrize("cut_off", [False, True])
@pytest.mark.parametrize("fails", [None, *range(COMMANDS)])
def test_the_camera_is_what_it_was_whichever_step_failed(
    fails: int | None, cut_off: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model(tmp_path / "root", fails)
    before = model.state()
    bench = begun(model, tmp_path / "run", monkeypatch)
    assert fails is not None or (model.over == ["/etc/bodycamd", "/var/lib/bodycamd"] and model.count == COMMANDS)
    assert (tmp_path / "root/camera.yaml").read_bytes() == SHIPPED, "the camera's own configuration was written"
    if cut_off:
        assert bench._lock is not None
        bench._lock.close()
        bench.hand.close()  # as the kernel lets the lines of a process go that is over
        bench = Bench(lambda: None, tmp_path / "run", model.root, model.run)
        bench.look()
    bench.close()
    assert model.state() == before


@only_in_full
@pytest.mark.parametrize("fails", range(COMMANDS, COMMANDS + 9))
def test_what_cannot_be_undone_is_told_and_no_recorder_starts_over_it(fails: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(tmp_path / "root")
    before = model.state()
    bench = begun(model, tmp_path / "run", monkeypatch)
    model.running, model.fails = {"bodycamd.service"}, fails  # as a scenario started it
    with pytest.raises(Refused, match=r"the camera is not as it was: .* Reboot it") as refused:
        bench.end()
    assert refused.value.code == 74
    assert not (model.running and model.over), "a recorder over what may not be its store"
    bench.close()
    assert model.state() == before


@pytest.mark.parametrize("bound_again", [False, True])
def test_a_camera_s_driver_is_bound_again_by_the_scenario_or_at_the_end(
    bound_again: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model(tmp_path / "root")
    driver = model.root / "sys/bus/platform/drivers/rp1-cfe"
    (driver / "1f00128000.csi").mkdir(parents=True)
    bench = begun(model, tmp_path / "run", monkeypatch)
    bench.camera(False)
    assert (driver / "unbind").read_text() == "1f00128000.csi"
    (driver / "1f00128000.csi").rmdir()
    bench.camera(True) if bound_again else bench.close()
    assert (driver / "bind").read_text() == "1f00128000.csi\n"
    (driver / "bind").unlink()
    (driver / "1f00128000.csi").mkdir()
    bench.close()
    assert not (driver / "bind").exists(), "it is bound already"


@pytest.mark.parametrize("state", ["recording", "starting", "speaking"])
def test_a_camera_that_is_at_work_and_one_of_another_bench_are_left_alone(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model(tmp_path / "root")
    first = begun(model, tmp_path / "run", monkeypatch)
    second = Bench(lambda: {"state": state}, tmp_path / "run", model.root, model.run)
    with pytest.raises(Refused, match="another bench") as busy:
        second.look()
    second.close()
    assert model.over, "the other's"
    first.close()
    before = model.state()
    second.look()
    with pytest.raises(Refused, match=f"not in standby but {state}") as at_work:
        second.begin("", "", {})
    second.close()
    assert (busy.value.code, at_work.value.code, model.state()) == (75, 75, before)


@pytest.mark.parametrize("hat", [None, *HATS])
@pytest.mark.parametrize("film", [None, Path("film.h264")])
def test_jumpers_leave_the_pins_of_the_camera_and_its_hat_alone(hat: str | None, film: Path | None) -> None:
    own = load.parse(
        f"device_id: camera-07\nboard: {{hat: {hat or 'null'}, gpio: {{button: 4, led: 25, ready_led: 8}}}}\n".encode(), Path("own.yaml")
    )
    made = load.parse(configuration(own, film).encode(), Path("bench.yaml"))
    assert (made.board.gpio, made.board.battery.gauge) == (own.board.gpio, "none")
    wired = wires(own)
    spare = [wired["hand"], *(pin for pin, _ in wired["eyes"].values())]
    assert len({*spare}) == len(spare) == 4
    assert not {*spare} & {*reserved(own), *(header.HEADER[pin - 1] for pin in used(own))}


def programs(folder: Path, **scripts: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, script in scripts.items():
        path = folder / name.replace("_", ".")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


@pytest.fixture
def pi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its root; `ssh` and `sudo` run what they are told here, what would change this computer is written to `done`."""
    note = f'echo "$(basename "$0") $*" >>{tmp_path}/done'
    names = ("systemctl", "modprobe", "mount", "umount", "fallocate", "mkfs_ext4", "install", "runuser")
    programs(
        tmp_path / "bin",
        ssh='while [ "$1" != -- ]; do shift; done; shift 2; exec sh -c "$1"',
        sudo='shift; exec "$@"',
        python3=f'GPIOD_LINES={tmp_path}/run/lines PYTHONPATH={REPOSITORY}/tests/hil/stand_in exec {sys.executable} "$@"',
        **dict.fromkeys(names, note),
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(pi_camera, "FOLDER", tmp_path / "run")
    monkeypatch.setattr(pi_camera, "ROOT", tmp_path / "root")
    Model(tmp_path / "root")
    return tmp_path / "root"


def test_a_camera_over_ssh_is_pressed_and_left_as_it_was(pi: Path, tmp_path: Path) -> None:
    camera = PiCamera("technician@camera")
    before_us = camera.ask_timed("now")[1]
    assert before_us < camera.ask_timed("edges", edges=[(0, True), (5, False)])[0] < camera.ask_timed("now")[1]
    assert [on for _, _, on in camera.ask_timed("changes", skip=0)[0]] == [True, False]
    with pytest.raises(AssertionError, match="KeyError"):
        camera.ask_timed("nothing of the kind")
    assert "device_id: hil-bench" in (tmp_path / "run/etc/bodycamd.yaml").read_text()
    camera.close()
    hand = [words for words in (tmp_path / "run/lines").read_text().splitlines() if words.split()[1] == "5"]
    assert hand == ["requests 5 1", "writes 5 0", "writes 5 1", "writes 5 1"]
    done = (tmp_path / "done").read_text().splitlines()
    assert [line for line in done if "mount" in line][-2:] == ["umount /var/lib/bodycamd", "umount /etc/bodycamd"]
    assert (pi / "camera.yaml").read_bytes() == SHIPPED


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            {"ssh": "exit 255"},
            r"technician@camera: nothing can be copied there \(exit code 255\): does `ssh technician@camera sudo -n true` work\?",
        ),
        ({"python3": "exit 127"}, r"technician@camera: the connection is over \(look, exit code 127\): does .* work\?"),
        (
            {"python3": f'exec {sys.executable} -S "$@"'},
            "technician@camera: gpiod is missing .*: a bundle .* brings it, docs/install.md",
        ),
        ({}, "technician@camera: bodycamd is not installed there: docs/install.md"),
    ],
)
def test_a_camera_that_is_not_for_the_bench_is_refused_in_one_sentence(broken: dict[str, str], said: str, pi: Path, tmp_path: Path) -> None:
    if not broken:
        shutil.rmtree(pi / "opt")
    programs(tmp_path / "bin", **broken)
    with pytest.raises(BodycamError, match=f"^{said}$") as refused:
        PiCamera("technician@camera")
    assert refused.value.exit_code == 69
    assert not (tmp_path / "done").exists(), "something was changed"


@pytest.mark.parametrize(("host", "code", "said"), [("", 2, "HOST is missing"), ("camera", 69, "camera: nothing can be copied there")])
@scale.only_in_full
def test_the_command_ends_with_the_code_of_its_refusal(host: str, code: int, said: str, pi: Path, tmp_path: Path) -> None:
    programs(tmp_path / "bin", ssh="exit 255")
    done = subprocess.run(
        [REPOSITORY / "scripts/test-hil", "pi"], env={**os.environ, "HOST": host}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done
