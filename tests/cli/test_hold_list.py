"""`bodycamd hold list --store`: what is held at a copy, and what its camera's ledger holds, are two things; both are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bodycamd.cli.main import main
from bodycamd.cli.place import STORE_VARIABLE
from bodycamd.store.reader import StoreReader
from tests.kit.scale import only_in_full
from tests.municipality.copies.test_copies import Municipality


@pytest.fixture
def offloaded(tmp_path: Path) -> Municipality:
    made = Municipality(tmp_path)
    made.camera.record()
    made.camera.hold("000001-0001", reference="K-2026/1")
    made.offload()
    return made


@only_in_full
def test_what_the_cameras_ledger_holds_is_listed_too(offloaded: Municipality, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["hold", "list", "--store", str(offloaded.disk), "--people", str(offloaded.people)]
    assert main(command) == 0
    said = capsys.readouterr()
    assert f"{offloaded.disk}: nothing is held at this copy\nthe camera's own ledger in {offloaded.disk} has 1 hold" in said.out
    assert "K-2026/1" in said.out
    assert main([*command, "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == [], "those at the copy, as ever"
    assert "has 1 hold" in said.err
    offloaded.hold(reference="K-2026/2")
    assert main(command) == 0
    out = capsys.readouterr().out
    assert out.index("K-2026/2") < out.index("has 1 hold") < out.index("K-2026/1")
    assert main(["hold", "list", "--store", str(offloaded.camera.store_folder)]) == 0
    assert "K-2026/1" in capsys.readouterr().out, "also in the camera's own store"


def test_what_does_not_verify_is_not_nothing(offloaded: Municipality, capsys: pytest.CaptureFixture[str]) -> None:
    """A ledger that is damaged before the hold: nobody may read that nothing is held."""
    ledger = sorted(StoreReader.open(offloaded.disk).ledger_folder.iterdir())[0]
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(lines[0] + b"x" + b"".join(lines[1:]))
    assert main(["hold", "list", "--store", str(offloaded.disk)]) == 0
    assert "the ledger verifies only so far" in capsys.readouterr().err
    config = offloaded.root / "bodycamd.yaml"
    config.write_text(f"device_id: cam-7\nstorage: {{directory: {offloaded.disk}}}\ncontrol: {{socket: {offloaded.root / 'none'}}}\n")
    assert main(["hold", "list", "--config", str(config)]) == 0
    assert "the ledger verifies only so far" in capsys.readouterr().err


@only_in_full
def test_a_copy_and_a_configuration_of_another_store_are_refused(
    offloaded: Municipality, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = offloaded.root / "bodycamd.yaml"
    config.write_text(f"device_id: cam-7\nstorage: {{directory: {offloaded.camera.store_folder}}}\n")
    at_copy = ["--store", str(offloaded.disk)]
    key = ["--key", str(offloaded.key), "--people", str(offloaded.people)]
    case = ["--ground", "complaint", "--reference", "K-2026/9", "--by", "E-03", "--review-on", "2099-01-01"]
    for command in (
        ["list"],
        ["add", "000001-0001", *case, *key],
        ["release", "000001-0001", "--reason", "settled", "--by", "E-03", *key],
    ):
        assert main(["hold", *command, *at_copy, "--config", str(config)]) == 2
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)
        assert f"--store is {offloaded.disk}, but {config} is about the store {offloaded.camera.store_folder}" in said.err
    monkeypatch.setenv(STORE_VARIABLE, str(offloaded.root / "elsewhere"))
    assert main(["hold", "list", *at_copy]) == 0, "an option beats the environment"
    assert str(offloaded.disk) in capsys.readouterr().out
