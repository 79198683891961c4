"""Acceptance day: the sheet has every check, its mistakes are told at once, and the report is what a person signed."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.cli.main import main
from bodycamd.config.load import load
from bodycamd.errors import DataError, PermissionDeniedError
from bodycamd.evidence import acceptance
from bodycamd.evidence.acceptance import Acceptance, Result, SelfTest
from bodycamd.evidence.keys import SigningKey
from bodycamd.municipality.copies.person_keys import new_person_key, read_people
from bodycamd.workshop.acceptance import self_test
from bodycamd.workshop.acceptance.checks import checks
from bodycamd.workshop.acceptance.sheet import blank, read
from tests.kit.scale import count, only_in_full
from tests.workshop.acceptance.page import PAGE, page

ROOT = Path(__file__).parents[3]
CONFIGURATION = ROOT / "hardware/zero-2-w.yaml"
DEVICE = "camera-zero"
KEY, STRANGER = SigningKey(Ed25519PrivateKey.generate()), SigningKey(Ed25519PrivateKey.generate())
PEOPLE = {KEY.public.id: ("E-03", KEY.public)}


def printed(at: datetime, device: str = DEVICE) -> str:
    """What a self test printed."""
    return json.dumps({"device": device, "at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "software": "1.0", "go": False, "checks": []})


def report(**changed: Any) -> Acceptance:
    fields = {
        "format": acceptance.FORMAT,
        "key": KEY.public.id,
        "by": "E-03",
        "wall": "2026-11-27T10:00:00.000000Z",
        "software": "1.0",
        "device": "camera-07",
        "results": (Result(check="case", outcome="passed", found="dry after ten minutes"), Result(check="gpio", outcome="not_done")),
    }
    return Acceptance(**{**fields, **changed})


def filled(**outcomes: tuple[str, str]) -> bytes:
    """A sheet in which these checks are done."""
    values = yaml.safe_load(blank(load(CONFIGURATION)))
    for name, (outcome, found) in outcomes.items():
        values["checks"][name.replace("_", "-")] = {"outcome": outcome, "found": found}
    return yaml.safe_dump(values, sort_keys=False).encode()


def test_the_page_has_the_checks_of_the_sheet() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "write it anew: python -m tests.workshop.acceptance.page"
    assert len(checks()) == text.count("\n| `")


def test_a_blank_sheet_has_every_check_and_nothing_done() -> None:
    sheet, problems = read(blank(load(CONFIGURATION)).encode())
    assert problems == []
    assert sheet is not None
    assert (sheet.device, sheet.board, sheet.module) == ("camera-zero", "pi-zero-2-w", "module-3-wide")
    assert [(result.check, result.outcome, result.found) for result in sheet.results] == [(name, "not_done", None) for name in checks()]


def test_what_was_found_is_kept_where_something_was_done() -> None:
    sheet, problems = read(filled(case=("passed", "dry"), gpio=("failed", "3 of 100 lost"), hold_up=("not_fitted", "")))
    assert problems == []
    assert sheet is not None
    done = {result.check: (result.outcome, result.found) for result in sheet.results if result.outcome != "not_done"}
    assert done == {"gpio": ("failed", "3 of 100 lost"), "case": ("passed", "dry"), "hold-up": ("not_fitted", None)}


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    text = blank(load(CONFIGURATION)).replace("device: camera-zero", "device: 'a name'").replace("  gpio:", "  gipo:")
    text = text.replace("  case:\n    outcome: not_done", "  case:\n    outcome: pased", 1)
    text = text.replace('  hold-up:\n    outcome: not_done\n    found: ""', '  hold-up:\n    outcome: passed\n    found: ""')
    sheet, problems = read(text.encode())
    assert sheet is None
    told = [problem.text("sheet") for problem in problems]
    for words in (
        "device: not the name of a camera",
        "checks.gipo: unknown; allowed: the keys that `bodycamd acceptance sheet` writes; did you mean gpio?",
        "checks.gpio: missing",
        "checks.case.outcome: not an outcome; allowed: passed, failed, not_fitted, not_done; did you mean passed?",
        "checks.hold-up.found: empty, but the outcome is passed",
    ):
        assert any(words in line for line in told), (words, told)
    lines = text.splitlines()
    for problem in problems:
        if problem.line is not None:
            assert problem.key.rpartition(".")[2] in lines[problem.line - 1]


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"device: camera-07\n", b"checks: 5\ndevice: c\n", b"a: &b 1\n", b"\xff", b"checks: {case: {outcome: passed}}"]
)
def test_what_is_no_sheet_is_told(raw: bytes) -> None:
    sheet, problems = read(raw)
    assert sheet is None
    assert problems


def test_a_sheet_that_is_no_yaml_is_told_in_a_line() -> None:
    """41 lines of *missing* hid the one that mattered."""
    broken = blank(load(CONFIGURATION)).replace('found: ""', 'found: "dry', 1)
    sheet, problems = read(broken.encode())
    assert sheet is None
    assert len(problems) == 1
    assert problems[0].line is not None


def test_a_report_is_read_as_it_was_signed() -> None:
    line = acceptance.signed(report(self_test=SelfTest(sha256="0" * 64, go=True), board="pi-4"), KEY)
    assert acceptance.read(line, PEOPLE, "report") == report(self_test=SelfTest(sha256="0" * 64, go=True), board="pi-4")


@settings(max_examples=count(400))
@given(st.data())
def test_no_changed_byte_passes(data: st.DataObject) -> None:
    line = bytearray(acceptance.signed(report(), KEY))
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != line[place]))
    with pytest.raises((DataError, PermissionDeniedError)):
        acceptance.read(bytes(line), PEOPLE, "report")


def test_a_strangers_report_and_another_name_are_refused() -> None:
    with pytest.raises(PermissionDeniedError, match="not in the list of people"):
        acceptance.read(acceptance.signed(report(key=STRANGER.public.id), STRANGER), PEOPLE, "report")
    with pytest.raises(DataError, match="the signature is not E-03's"):
        acceptance.read(acceptance.signed(report(), STRANGER), PEOPLE, "report")
    with pytest.raises(DataError, match="it says E-04, and is signed by E-03"):
        acceptance.read(acceptance.signed(report(by="E-04"), KEY), PEOPLE, "report")


@pytest.mark.parametrize(
    "changed",
    [
        {"results": ()},
        {"results": (Result(check="case", outcome="passed"),)},
        {"results": (Result(check="case", outcome="not_done", found="x"),)},
        {"results": (Result(check="case", outcome="not_done"), Result(check="case", outcome="not_fitted"))},
        {"by": "Jan de Vries"},
        {"wall": "2026-13-27T10:00:00.000000Z"},
        {"results": (Result(check="case", outcome="passed", found="x" * 241),)},
    ],
)
def test_what_a_reader_would_refuse_is_not_signed(changed: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        acceptance.signed(report(**changed), KEY)


@only_in_full
def test_from_the_sheet_to_a_report_that_openssl_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet, key, people, out, selftest = (
        tmp_path / name for name in ("sheet.yaml", "key.pem", "people.txt", "report.jsonl", "selftest.json")
    )
    assert main(["acceptance", "sheet", str(CONFIGURATION), "--out", str(sheet)]) == 0
    assert main(["keys", "person", "new", "--out", str(key), "--id", "E-03"]) == 0
    people.write_text(next(line for line in capsys.readouterr().out.splitlines() if line.startswith("E-03 ")) + "\n")
    sheet.write_bytes(filled(case=("failed", "two drops at the socket")))
    selftest.write_text(printed(datetime.now(UTC)))
    command = ["acceptance", "sign", str(sheet), "--by", "E-03", "--key", str(key), "--out", str(out), "--selftest", str(selftest)]
    assert main(command) == 0
    assert main(command) == 73
    capsys.readouterr()
    assert main(["acceptance", "show", str(out), "--people", str(people)]) == 0
    shown = capsys.readouterr().out
    assert "failed      case: two drops at the socket" in shown
    assert f"1 failed, {len(checks()) - 1} not done" in shown
    assert f"self test: NO GO (SHA-256 {hashlib.sha256(selftest.read_bytes()).hexdigest()})" in shown

    key_id = next(iter(read_people(people)))
    assert f"key id {' '.join(key_id[at : at + 4] for at in range(0, 64, 4))}" in shown

    [lines] = [block for block in PAGE.read_text(encoding="utf-8").split("```")[1::2] if "openssl pkeyutl" in block]
    out.rename(tmp_path / "acceptance.jsonl")
    for changed, code in ((False, 0), (True, 1)):
        if changed:
            people.write_text(f"E-03 {STRANGER.public.raw.hex()}\n")
        checked = subprocess.run(["bash", "-ec", lines], cwd=tmp_path, capture_output=True, text=True)
        assert checked.returncode == code, checked
    assert json.loads((tmp_path / "report.json").read_text())["by"] == "E-03"


@only_in_full
@pytest.mark.parametrize(("passphrase", "code"), [("five words for a key\n", 0), ("another one\n", 77), ("", 2)])
def test_a_script_signs_with_a_sealed_key(passphrase: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet, key, out, file = (tmp_path / name for name in ("sheet.yaml", "key.pem", "report.jsonl", "p"))
    new_person_key(key, b"five words for a key")
    sheet.write_bytes(filled())
    file.write_text(passphrase)
    command = ["acceptance", "sign", str(sheet), "--by", "E-03", "--key", str(key), "--out", str(out), "--passphrase-file", str(file)]
    assert main(command) == code
    assert out.exists() == (code == 0)
    assert f"none of the {len(checks())} checks was done" in capsys.readouterr().err


@only_in_full
def test_a_wrong_sheet_or_self_test_is_not_signed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet, key, out = tmp_path / "sheet.yaml", tmp_path / "key.pem", tmp_path / "report.jsonl"
    main(["keys", "person", "new", "--out", str(key), "--id", "E-03"])
    sheet.write_bytes(filled(case=("passed", ""), gpio=("passed", "")))
    command = ["acceptance", "sign", str(sheet), "--by", "E-03", "--key", str(key), "--out", str(out)]
    assert main(command) == 65
    assert len([line for line in capsys.readouterr().err.splitlines() if "empty, but the outcome is passed" in line]) == 2
    sheet.write_bytes(filled())
    (tmp_path / "selftest.json").write_text('{"going": true}')
    assert main([*command, "--selftest", str(tmp_path / "selftest.json")]) == 65
    assert not out.exists()


@pytest.mark.parametrize(
    ("device", "hours", "said"),
    [
        ("bodycam-02", 0.0, "the self test of bodycam-02, but the sheet is about camera-zero: run it on that camera"),
        (DEVICE, 24.1, "run it again; is the camera's clock right?"),
        (DEVICE, -0.1, "run it again; is the camera's clock right?"),
    ],
)
def test_the_self_test_is_this_cameras_and_of_the_day(device: str, hours: float, said: str) -> None:
    now = datetime.now(UTC)
    now_us = int(now.timestamp() * 1_000_000)
    with pytest.raises(DataError, match=re.escape(said)):
        self_test.read(printed(now - timedelta(hours=hours), device).encode(), "selftest.json", DEVICE, now_us)
    for near in (0.0, 23.9):
        assert self_test.read(printed(now - timedelta(hours=near)).encode(), "selftest.json", DEVICE, now_us).go is False
