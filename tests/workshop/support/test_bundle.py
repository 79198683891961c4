"""The support bundle of a camera full of names: none of them is in it, nor any footage or key, and it lists what is."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import msgspec
import msgspec.inspect as mi
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import bodycamd
from bodycamd.camera.daemon.status_message import Status
from bodycamd.camera.recorder.shift import Shift
from bodycamd.cli.main import main
from bodycamd.workshop.support.redaction import LEFT_OUT, chosen, message
from tests.cli.test_status import statuses
from tests.kit.scale import count, only_in_full

OFFICER = Path(__file__).parents[2] / "old_stores/officer"
NAMES = ("Jansen", "Zoetermeer", "H-4711", "Z-2026/00123", "0612345678", "Coolsingel")
JOURNAL = [
    "INFO bodycamd.camera.recorder.writer: recording 000001-0001 is open",
    "WARNING x: 'Jansen' asks for Z-2026/00123 at Coolsingel 40, tel 0612345678: /home/Jansen/Zoetermeer.wav",
    "officer H-4711 of Zoetermeer",
]


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `journalctl` that tells names, also in fields that nobody asked for."""
    lines = [
        {"MESSAGE": text, "PRIORITY": "6", "__REALTIME_TIMESTAMP": "1750000000000000", "_HOSTNAME": "Zoetermeer", "_CMDLINE": "Jansen"}
        for text in JOURNAL
    ]
    lines.append({"MESSAGE": list(b"Jansen\xff"), "PRIORITY": "Jansen"})  # type: ignore[dict-item]  # so journalctl has what is no UTF-8
    (tmp_path / "journal.json").write_text("".join(f"{json.dumps(line)}\n" for line in lines) + "Jansen\n")
    program = tmp_path / "bin" / "journalctl"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat {tmp_path}/journal.json\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def texts(value: object) -> set[str]:
    """Every text in a JSON value."""
    if isinstance(value, dict):
        return {text for each in value.values() for text in texts(each)}
    if isinstance(value, list):
        return {text for each in value for text in texts(each)}
    return {value} if isinstance(value, str) else set()


def of_people() -> set[str]:
    """What the officer's store says of people, cases and devices."""
    found: set[str] = set()
    for line in (OFFICER / "store/ledger/000001.jsonl").read_bytes().splitlines():
        entry = json.loads(line.partition(b" ")[2])
        found |= {entry["device"], *(str(entry["detail"][key]) for key in ("officer", "by", "reference") if entry["detail"].get(key))}
    return found


def members(tar: Path) -> dict[str, bytes]:
    with tarfile.open(tar) as opened:
        return {member.name: (opened.extractfile(member) or io.BytesIO()).read() for member in opened.getmembers()}


@pytest.mark.usefixtures("journal")
@only_in_full
def test_of_a_camera_full_of_names_none_is_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "Jansen.yaml"
    config.write_text(
        f"device_id: Jansen-1\nstorage: {{directory: {OFFICER / 'store'}}}\nkeys: {{signing: {tmp_path}/keys}}\n"
        "control: {group: Jansen}\nretention: {days: 90, legal_basis: Besluit Zoetermeer Z-2026/00123}\nmicrophone: {device: Coolsingel}\n"
    )
    out = tmp_path / "b.tar"
    assert main(["support-bundle", "--config", str(config), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    found = members(out)
    assert next(iter(found)) == "CONTENTS.txt"
    for name in ("versions.json", "ledger.json", "configuration.json", "journal.txt", "journal-sensors.txt"):
        assert f"{name}: {len(found[name])} bytes" in found["CONTENTS.txt"].decode()
        assert name in said
    assert "status.json: not there; asking for it ended with 69" in found["CONTENTS.txt"].decode()
    names = of_people() | set(NAMES)
    assert len(names) > len(NAMES)
    whole = out.read_bytes()
    assert [name for name in names if name.encode() in whole] == []
    assert not any(secret in whole for secret in (b"AGE-SECRET", b"PRIVATE KEY", b"age-encryption", b"ftyp", b"age1"))
    assert json.loads(found["configuration.json"])["settings"]["retention"] == {"days": 90, "legal_basis": LEFT_OUT}
    assert json.loads(found["ledger.json"])["entries"]["recording_opened"] == 2
    first, second, *_, last = found["journal.txt"].decode().splitlines()
    assert first == f"1750000000000000 6 {JOURNAL[0]}"
    assert "asks" in second or LEFT_OUT in second
    assert last == "a line that is not understood"
    assert main(["support-bundle", "--config", str(config), "--out", str(out)]) == 73
    assert out.read_bytes() == whole


def test_of_a_broken_configuration_lines_and_keys_are_told(tmp_path: Path) -> None:
    from bodycamd.workshop.support.bundle import bundle

    (tmp_path / "c.yaml").write_text("device_id: x\nJansen: 1\naudio: Zoetermeer\n")
    made, told = bundle(tmp_path, None, tmp_path / "c.yaml")
    (tmp_path / "b.tar").write_bytes(made)
    assert json.loads(members(tmp_path / "b.tar")["configuration.json"]) == {
        "mistakes": [{"line": 2, "key": None}, {"line": 3, "key": "audio"}]
    }
    assert "ledger.json: not there; asking for it ended with 66" in told
    assert b"Jansen" not in made
    assert b"Zoetermeer" not in made


@given(statuses(), st.sampled_from(NAMES))
@settings(max_examples=count(300))
def test_of_a_status_only_numbers_and_words_of_fixed_lists_are_left(status: Status, name: str) -> None:
    named = msgspec.structs.replace(
        status, device_id=name, software=name, recording=name, shift=Shift(name, name) if status.shift else None
    )
    made = chosen(named, mi.type_info(Status))
    assert name not in json.dumps(made)
    assert isinstance(made, dict)
    assert made["state"] == status.state
    assert made["flags"] == list(status.flags)
    assert made["uptime_seconds"] == status.uptime_seconds


OUR_TEXT = "".join(path.read_text() for path in Path(bodycamd.__file__).parent.rglob("*.py")).lower()


@only_in_full
@given(st.text(st.characters(categories=["L"]), min_size=12, max_size=30))
@settings(max_examples=count(300))
def test_a_word_that_is_not_ours_is_left_out(word: str) -> None:
    assume(word.lower() not in OUR_TEXT)  # hypothesis tries words that it finds in the code, too
    assert word not in message(f"recording {word}/{word} is open, {word}: {word}-{word}")
