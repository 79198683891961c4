"""Which store a command works on, and whose daemon it asks: the same for every command that there is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest
import yaml

from bodycamd.camera.daemon.client import NobodyListensError
from bodycamd.cli import place as places
from bodycamd.cli.main import main
from bodycamd.cli.place import find_owner, find_place, find_socket
from bodycamd.config.paths import DEFAULT_SOCKET, DEFAULT_STORE
from bodycamd.errors import ConfigError, UsageError
from bodycamd.evidence.keys import provision
from tests.cli.test_hostile_text import COMMANDS, line_of
from tests.kit.scale import one_in, only_in_full, sample

READING = [name for name in COMMANDS if any("--config" in p.opts for p in COMMANDS[name].params) and name not in ("run", "simulate")]
OF_A_STORE = [name for name in READING if any("--store" in p.opts for p in COMMANDS[name].params) and not name.startswith("hold")]
ONLY_ASKING = ("status", "shift begin", "shift end", "anchor")
OWN_STORE = ("sweep", "hold add", "hold release", "hold list")
NEEDED = {"reason": "settled", "by": "E-03", "reference": "Z-1", "ground": "complaint", "review_on": "2099-01-01", "officer": "H-12"}
NEEDED |= {"recording": "000001-0001", "hold": "000001-0001", "month": "2026-01", "out": "case"}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """`machine(name)` writes a configuration of a store of that name; this machine has none itself."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(places.STORE_VARIABLE, raising=False)
    monkeypatch.setattr(places, "DEFAULT_CONFIG", tmp_path / "etc.yaml")
    (tmp_path / "key.pem").write_bytes(provision(tmp_path / "signing"))
    (tmp_path / "identity.txt").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    (tmp_path / "disk").mkdir()

    def write(name: str, file: str = "") -> Path:
        path = tmp_path / (file or f"{name}.yaml")
        settings = {"device_id": "c-1", "storage": {"directory": name}, "control": {"socket": f"{name}.sock"}}
        path.write_text(yaml.safe_dump(settings))
        return path

    return write


def asked(name: str, tmp_path: Path) -> list[str]:
    known = {**NEEDED, "to": str(tmp_path / "disk")}
    files = {"device_key": str(tmp_path / "key.pem"), "identity": str(tmp_path / "identity.txt")}
    return line_of(name, lambda p: {**known, **files}.get(p.name, "x"))


@only_in_full
@pytest.mark.parametrize("name", sample((name for name in OF_A_STORE if name not in ("anchor", "support-bundle")), 6))
def test_a_command_finds_its_store(
    name: str, tmp_path: Path, machine: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is none, and the one that is missed is the one that was meant. Which goes before which: `test_what_is_found`."""
    line, mine = asked(name, tmp_path), machine("a-store")
    assert main([*line, "--config", str(mine)]) in (2, 66, 74)
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"{tmp_path / 'a-store'}: " in err
    monkeypatch.setenv(places.STORE_VARIABLE, str(tmp_path / "b-store"))
    machine("b-store", "etc.yaml")
    assert main(line) in (2, 66, 74)
    assert f"{tmp_path / 'b-store'}: " in capsys.readouterr().err
    assert main([*line, "--config", str(mine), "--store", str(tmp_path / "b-store")]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"--store is {tmp_path / 'b-store'}, but {mine} is about the store {tmp_path / 'a-store'}" in err


@one_in(4)
@pytest.mark.parametrize("name", [*ONLY_ASKING, *OWN_STORE])
def test_a_command_finds_its_daemon(name: str, tmp_path: Path, machine: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody listens at the socket that was meant; without a daemon the store is missed."""
    config = machine("a-store")
    main([*asked(name, tmp_path), "--config", str(config)])
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(tmp_path / ("a-store.sock" if name in ONLY_ASKING else "a-store")) in said


def test_every_command_that_reads_a_store_or_asks_a_daemon_takes_a_configuration() -> None:
    for name, command in COMMANDS.items():
        options = {option for parameter in command.params for option in parameter.opts}
        if options & {"--store", "--socket"} and name != "prune":  # a copy is never the camera's own store
            assert "--config" in options, name
    assert len(OF_A_STORE) >= 9
    assert {*ONLY_ASKING, *OWN_STORE} <= set(READING)


def test_what_is_found(tmp_path: Path, machine: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_place(None) == places.Place(DEFAULT_STORE, DEFAULT_SOCKET), "of a machine without a configuration"
    assert find_place(DEFAULT_STORE).socket == DEFAULT_SOCKET
    assert find_place(tmp_path).socket is None, "a copy has no daemon"
    assert find_socket(None, None) == DEFAULT_SOCKET
    a, own = machine("a-store"), machine("b-store", "etc.yaml")
    assert find_place(None) == places.Place(tmp_path / "b-store", tmp_path / "b-store.sock")
    assert find_place(tmp_path / "b-store").socket == tmp_path / "b-store.sock"
    assert find_place(None, a) == places.Place(tmp_path / "a-store", tmp_path / "a-store.sock")
    assert find_place(None, a, tmp_path / "s").socket == tmp_path / "s"
    assert find_socket(None, None) == tmp_path / "b-store.sock"
    monkeypatch.setenv(places.STORE_VARIABLE, str(tmp_path / "c"))
    assert find_place(None).store == tmp_path / "c"
    assert find_place(None, a).store == tmp_path / "a-store", "who names a configuration means it"
    assert find_owner(None, a, None).socket == tmp_path / "a-store.sock"
    with pytest.raises(UsageError, match=r"BODYCAMD_STORE is .*/c, but .*etc.yaml is about the store .*b-store"):
        find_owner(None, None, None)
    monkeypatch.setenv(places.STORE_VARIABLE, "")
    assert find_place(None).store == tmp_path / "b-store", "an empty variable is none"
    own.write_text("nonsense: 7\n")
    assert find_place(tmp_path / "c").socket is None, "a copy is read beside a broken configuration"
    with pytest.raises(ConfigError):
        find_place(None)


def test_with_a_socket_alone_only_the_daemon_is_asked(tmp_path: Path, machine: Callable[..., Path]) -> None:
    owner = find_owner(None, None, tmp_path / "s")
    assert (owner.socket, owner.config) == (tmp_path / "s", None)
    from bodycamd.camera.daemon.protocol import AskPlan
    from bodycamd.cli.daemon_or_store import ask_or_do
    from bodycamd.retention.outlook import Plan

    with pytest.raises(NobodyListensError):
        ask_or_do(owner, AskPlan(), Plan, lambda _: pytest.fail("without a configuration there is no store"))


@only_in_full
def test_a_store_that_leads_nowhere_is_told_in_one_line(
    tmp_path: Path, machine: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A circle of links; and a relative path from a folder that is gone."""
    (tmp_path / "loop").symlink_to("loop")
    (gone := tmp_path / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for store in (str(tmp_path / "loop"), "../nowhere"):
        assert main(["recordings", "list", "--store", store]) in (65, 66)
        assert capsys.readouterr().err.count("\n") == 1
