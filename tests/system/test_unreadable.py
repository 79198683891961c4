"""A store that this user may not read: one line, 77 and what to do, from every command; never a verdict. Who may ask the daemon is told
over the socket. The commands run as another user, for real."""

from __future__ import annotations

import grp
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.recorder.store import Store
from bodycamd.cli.main import main
from bodycamd.errors import PermissionDeniedError, UsageError
from bodycamd.linux.clock import SystemClock
from tests.kit.camera import Camera
from tests.kit.scale import only_in_full
from tests.kit.special_files import without_root
from tests.municipality.verify.attacks.scene import DELETED, INTACT, Scene, make
from tests.system.store_commands import reading_commands

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="only root can run commands as somebody else"), pytest.mark.timeout(120)]
NOBODY = 65534
ASKING = "users"
AS_NOBODY = f"""
import json, os, sys
from pathlib import Path
import bodycamd.municipality.verify.verify, bodycamd.municipality.report.case_folder, bodycamd.municipality.film.film
import bodycamd.municipality.publish.transparency_page, bodycamd.municipality.publish.certificate_page
import bodycamd.municipality.verify.anchors, bodycamd.municipality.verify.store_check, bodycamd.municipality.film.contact_sheet
import bodycamd.camera.keeping.offload, bodycamd.camera.keeping.opening, bodycamd.linux.clock, bodycamd.config.load
import bodycamd.cli.mirror, bodycamd.municipality.words.times, zoneinfo
import segno, rich.table, rich.console, rich.progress, encodings.idna, encodings.latin_1
from bodycamd.cli import main
groups, commands = json.loads(sys.argv[1])
for command in commands:
    main.main([*command, "--help"])
os.setgroups(groups)
os.setgid({NOBODY})
os.setuid({NOBODY})
for command in commands:
    sys.stdout.flush()
    out = os.dup(1), os.dup(2)
    for descriptor in (1, 2):
        os.dup2(os.open(f"said{{descriptor}}", os.O_RDWR | os.O_CREAT | os.O_TRUNC), descriptor)
    try:
        code = main.main(command)
    except BaseException as error:
        code = repr(error)
    sys.stdout.flush(), sys.stderr.flush()
    os.dup2(out[0], 1), os.dup2(out[1], 2)
    said = [Path(f"said{{descriptor}}").read_text() for descriptor in (1, 2)]
    print("ANSWER " + json.dumps([code, *said]), flush=True)
"""
"""What the commands import may lie where only root can read: so it is imported before."""


def as_nobody(folder: Path, groups: Sequence[str], commands: Sequence[Sequence[str]]) -> list[tuple[int, str, str]]:
    """The exit code and what was said on stdout and stderr by each command, in a folder that the nobody user may write."""
    gids = [grp.getgrnam(name).gr_gid for name in groups]
    run = [sys.executable, "-c", AS_NOBODY, json.dumps([gids, [list(command) for command in commands]])]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line.removeprefix("ANSWER ")) for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    return [(code, out, err) for code, out, err in answers]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make(tmp_path_factory.mktemp("scene") / "camera")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder of the nobody user's. What lies beside it is reached by `..`: pytest shuts the folders above to everybody else."""
    tmp_path.chmod(0o711)
    (made := tmp_path / "place").mkdir()
    os.chown(made, NOBODY, NOBODY)
    return made


def lines(store: Path, scene: Scene, place: Path) -> list[list[str]]:
    """Each of them as a whole command line."""
    more = {
        "show": [INTACT],
        "certificate": [DELETED],
        "verify": ["--device-key", "device.pem"],
        "transparency": ["--month", "2025-06"],
        "export": [INTACT, "--identity", "identity.txt", "--out", "case"],
        "offload": ["--to", "disk", "--same-disk", "--socket", "none.sock"],
    }
    shutil.copy(scene.root / "device.pem", place / "device.pem")
    (place / "disk").mkdir(exist_ok=True)
    import pyrage

    (place / "identity.txt").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    for path in place.iterdir():
        os.chown(path, NOBODY, NOBODY)
    return [[*path, *more.get(path[-1], []), "--store", f"../{store.name}"] for path in reading_commands()]


@only_in_full
def test_every_command_tells_in_one_line_that_a_store_may_not_be_read(scene: Scene, place: Path) -> None:
    store = shutil.copytree(scene.store, place.parent / "store")
    asked = lines(store, scene, place)
    assert len(asked) >= 8, "the commands are no longer found"
    for hidden in ([store], [store / "recordings", store / "ledger"]):
        for folder in (store, store / "recordings", store / "ledger"):
            folder.chmod(0o700 if folder in hidden else 0o755)
        for command, (code, out, err) in zip(asked, as_nobody(place, [], asked), strict=True):
            if command[0] == "offload" and hidden != [store]:
                assert code in (2, 77), "it could not be logged either"
                continue
            assert (code, out) == (77, ""), (command, code, out, err)
            assert err.count("\n") == 1
            assert "Traceback" not in err
            assert "use sudo" in err


@only_in_full
def test_verify_calls_what_it_may_not_read_unverifiable_and_never_altered(scene: Scene, place: Path) -> None:
    hidden = (f"recordings/{INTACT}", f"recordings/{INTACT}/000000.tar", "recordings", "ledger", "ledger/000002.jsonl")
    asked = []
    for number, name in enumerate(hidden):
        store = shutil.copytree(scene.store, place.parent / f"store{number}")
        for path in (store, *store.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        (store / name).chmod(0o700 if (store / name).is_dir() else 0o600)
        asked.append(["verify", "--store", f"../{store.name}", "--device-key", "device.pem", "--json"])
    (place / "device.pem").write_bytes(scene.device_pem)
    for name, (code, out, err) in zip(hidden, as_nobody(place, [], asked), strict=True):
        assert (code, err) == (5, ""), name
        report = json.loads(out)
        assert report["verdict"] == "unverifiable", name
        assert [done for done in report["recordings"] if done["verdict"] == "altered"] == [], name
        told = [finding for listed in (report, *report["recordings"]) for finding in listed["findings"]["listed"]]
        assert any("may not" in finding["what"] for finding in told), name


def test_a_store_of_another_owner_is_told_at_the_daemons_start(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = shutil.copytree(scene.store, tmp_path / "store")
    for path in (store, *store.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o711)
    with without_root(1), pytest.raises(PermissionDeniedError, match=f"belongs to user {NOBODY}, and user 1 may not write it"):
        Store.open(Path("store"), signing=tmp_path, device_id="x", clock=SystemClock(), config_sha256="0" * 64)


@only_in_full
def test_who_may_ask_the_daemon_lists_shows_and_reads_the_log_over_the_socket(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place.parent / "camera"
    with Camera(folder, {"control": {"group": ASKING}}) as camera:
        for path in (folder, camera.device):
            path.chmod(0o711)
        camera.skip_warning_and_record()
        closed = camera.stop_recording()["recording"]
        camera.skip_warning_and_record()
        camera.wait_event("FragmentDurable", 2, where=lambda event: event["recording"] != closed)
        asked = [
            ["recordings", "list", "--json"],
            ["recordings", "show", closed, "--json"],
            ["recordings", "log", "--json", "--recording", closed],
            ["recordings", "show", closed],
        ]
        socket = ["--store", "../camera/store", "--socket", "../camera/device/control.sock"]
        told = as_nobody(place, [ASKING], [[*command, *socket] for command in asked])
        assert [(code, err) for code, _, err in told] == [(0, "")] * 4
        stranger = as_nobody(place, [], [[*asked[0], *socket]])[0]
        assert (stranger[0], stranger[1]) == (77, "")
        assert camera.store.stat().st_mode & 0o077 == 0
        listed = json.loads(told[0][1])
        assert [(found["recording"], found["state"]) for found in listed] == [(closed, "closed"), ("000001-0002", "open")]
        assert listed[1]["fragments"] >= 2
        assert listed[1]["duration_us"] > 0
        monkeypatch.chdir(place)
        for command, (_, out, _) in zip(asked[1:], told[1:], strict=True):
            assert main([*command, "--store", "../camera/store"]) == 0
            assert out == capsys.readouterr().out
        assert camera.stop() == 0, camera.journal


@only_in_full
def test_the_daemons_answers_about_the_store_are_bounded_and_checked(place: Path) -> None:
    with Camera(place.parent / "camera") as camera, ControlClient(camera.device / "control.sock") as client:

        def ask(command: str, **arguments: Any) -> Any:
            return json.loads(bytes(client.ask(json.dumps({"command": command, **arguments}).encode() + b"\n")))

        wrong: dict[str, dict[str, Any]] = {
            "store_ledger": {"file": "../signing/key", "offset": 0},
            "store_measure": {"recording": "../..", "stated": 0},
            "store_files": {"after": "x" * 300},
        }
        for command, arguments in wrong.items():
            with pytest.raises(UsageError):
                ask(command, **arguments)
        for offset in (-1, 2**60, True, "0"):
            with pytest.raises(UsageError):
                ask("store_ledger", file="000001.jsonl", offset=offset)
        assert ask("store_ledger", file="000001.jsonl", offset=2**40) == {"base64": ""}
        assert ask("store_files", after="zzz") == {"files": [], "more": False}
        assert camera.stop() == 0, camera.journal


def test_many_names_come_in_pages_that_fit(tmp_path: Path) -> None:
    """1,500 segments: each page is a line of the socket."""
    import msgspec

    from bodycamd.camera.daemon import store_requests
    from bodycamd.store.reader import StoreReader

    store = tmp_path / "store"
    (store / "ledger").mkdir(parents=True)
    (store / "ledger" / "000001.jsonl").write_bytes(b"x" * 100_000)
    for recording in range(1, 4):
        (folder := store / "recordings" / f"000001-{recording:04d}").mkdir(parents=True)
        for segment in range(500):
            (folder / f"{segment:06d}.cut.tar").touch()
    reader, after, found = StoreReader(store), "", []
    while True:
        page = store_requests._files(reader, after)
        assert len(msgspec.json.encode({"ok": True, "result": page})) < 64 * 1024
        found += [path for path, _ in page.files]
        if not page.more:
            break
        after = found[-1]
    expected = [str(path.relative_to(store)) + ("/" if path.is_dir() else "") for path in store.glob("*/*")]
    expected += [str(path.relative_to(store)) for path in store.glob("recordings/*/*")]
    assert found == sorted(expected)
    assert len(msgspec.json.encode(store_requests._ledger(reader, "000001.jsonl", 0))) < 64 * 1024 - 100
