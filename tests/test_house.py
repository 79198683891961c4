"""The house: sizes of modules, import order, what may not stand in the repository, the unit, the metadata."""

from __future__ import annotations

import ast
import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.kit.scale import only_in_full

ROOT = Path(__file__).parent.parent


def tracked(*patterns: str) -> list[Path]:
    """The files of the repository: committed, or new and not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [ROOT / name for name in sorted(set(names) - {""}) if (ROOT / name).is_file()]


@pytest.fixture(scope="module", autouse=True)
def _in_a_repository() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")


def test_no_module_is_over_400_lines() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in tracked("*.py")}
    assert {name: count for name, count in lines.items() if count > 400} == {}


def test_a_module_is_short_as_a_rule() -> None:
    """Half of the product's modules have at most 150 lines."""
    lines = [len(path.read_text(encoding="utf-8").splitlines()) for path in tracked("bodycamd/**.py")]
    assert statistics.median(lines) <= 150


def test_imports_run_one_way() -> None:
    linted = subprocess.run([Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout + linted.stderr


@only_in_full
@pytest.mark.parametrize(
    ("module", "content", "said"),
    [
        ("elsewhere.py", "", "bodycamd.elsewhere"),
        ("camera/elsewhere.py", "", "bodycamd.camera.elsewhere"),
        ("municipality/film/here.py", "from bodycamd.camera.control import state\n", "bodycamd.municipality"),
        ("retention/here.py", "import bodycamd.camera.daemon.service\n", "bodycamd.retention"),
    ],
)
def test_a_module_out_of_its_place_fails_the_check(module: str, content: str, said: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "bodycamd", tmp_path / "bodycamd", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "bodycamd" / module).write_text(content)
    command: list[str | Path] = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    linted = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert linted.returncode == 1, linted.stdout
    assert said in linted.stdout


def test_nothing_of_one_machine_stands_in_the_repository() -> None:
    """Paths of somebody's machine, private hosts and registries, or keys."""
    # Written in pieces, so that this file does not find itself.
    pieces = ["/wo" + "rk/", r"\.pye" + "nv", "/ho" + r"me/[a-z]+/", r"\.inte" + r"rnal\b", r"pkg\.d" + "ev", "file" + ":///"]
    pieces += ["AGE-SECRET-" + "KEY-1[A-Z0-9]{20}", "BEGIN [A-Z ]*PRIVATE " + "KEY"]
    forbidden = re.compile("|".join(pieces).encode())
    # Private keys that are in the repository on purpose: they were made for these stores, and open and sign nothing else.
    known = {ROOT / "tests/old_stores/identity.txt", *tracked("tests/old_stores/*/signing/*.key")}
    found = [
        f"{path.relative_to(ROOT)}: {match.group().decode(errors='replace')}"
        for path in tracked()
        if path not in known and path.suffix not in {".wav", ".png", ".mp4", ".age"} and (match := forbidden.search(path.read_bytes()))
    ]
    assert found == []


def test_documents_link_to_files_that_exist() -> None:
    missing = []
    for page in tracked("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                missing.append(f"{page.relative_to(ROOT)}: {target}")
    assert missing == []


def test_scripts_can_be_started() -> None:
    scripts = [path for path in tracked("scripts", ".ci") if path.read_bytes().startswith(b"#!")]
    assert scripts
    assert [path.name for path in scripts if not path.stat().st_mode & 0o111] == []
    for script in scripts:
        if b"bash" in script.read_bytes().splitlines()[0]:
            subprocess.run(["bash", "-n", script], check=True)


UNITS = sorted(path for path in (ROOT / "systemd").rglob("*") if path.suffix in (".service", ".timer", ".socket", ".path", ".mount"))
SERVICES = [path for path in UNITS if path.suffix == ".service"]
MOST_EXPOSURE = 1.5
INTERPRETER = re.compile(r"/opt/bodycamd(/current|-station)/bin/python")
with_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")


@with_systemd
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_unit_is_understood_without_a_message(path: Path, tmp_path: Path) -> None:
    """`systemd-analyze verify` succeeds on unknown keys: only an empty stderr tells. The interpreter is replaced by one that exists."""
    for unit in UNITS:
        (tmp_path / unit.name).write_text(INTERPRETER.sub(sys.executable, unit.read_text(encoding="utf-8")))
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / path.name], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")


@with_systemd
@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_service_is_hardly_exposed(path: Path) -> None:
    command: list[str | Path] = ["systemd-analyze", "security", "--offline=yes", "--no-pager", path]
    judged = subprocess.run(command, capture_output=True, text=True, check=True)
    [exposure] = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", judged.stdout)
    assert float(exposure) <= MOST_EXPOSURE


def test_unit_keeps_what_the_design_promises() -> None:
    unit = (ROOT / "systemd/bodycamd.service").read_text(encoding="utf-8").splitlines()
    for line in (
        "Type=notify",
        "Restart=always",
        "StartLimitIntervalSec=0",
        "PrivateNetwork=yes",
        "LimitCORE=0",
        "KillMode=mixed",
        "User=bodycam",
        "StateDirectory=bodycamd",
        "RuntimeDirectory=bodycamd",
    ):
        assert line in unit
    assert any(line.startswith("WatchdogSec=") for line in unit)
    assert any(line.startswith("ExecStopPost=") and "bodycamd.camera.board.lamp_off" in line for line in unit)


def test_publiccode_has_what_version_0_4_demands() -> None:
    about = yaml.safe_load((ROOT / "publiccode.yml").read_text(encoding="utf-8"))
    assert about["publiccodeYmlVersion"] == "0.4"
    for key in ("name", "url", "platforms", "developmentStatus", "softwareType", "description", "legal", "maintenance", "localisation"):
        assert about[key], key
    for language, text in about["description"].items():
        assert len(text["shortDescription"]) <= 150, language
        assert 150 <= len(text["longDescription"]) <= 10_000, language
        assert text["features"], language
    assert about["legal"]["license"] == "EUPL-1.2"
    assert "EUROPEAN UNION PUBLIC LICENCE v. 1.2" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert about["maintenance"]["contacts"]


def test_the_glossary_names_modules_that_exist() -> None:
    named = re.findall(r"`((?:camera|municipality|evidence|retention|store|linux)/[a-z_/]+)`", (ROOT / "docs/glossary.md").read_text())
    assert len(named) > 30
    assert [name for name in named if not any((ROOT / "bodycamd" / name).with_suffix(end).exists() for end in ("", ".py"))] == []


def test_documents_that_a_test_writes_are_compared_in_every_run() -> None:
    """What `make test` leaves out is found days later: a page that is made from the code takes milliseconds to compare."""
    texts = {path: path.read_text(encoding="utf-8") for path in tracked("tests/**/test_*.py")}
    late = [
        f"{path.relative_to(ROOT)}: {function.name}"
        for path, text in texts.items()
        if "only_in_full" in text and "python -m tests." in text
        for function in ast.walk(ast.parse(text))
        if isinstance(function, ast.FunctionDef)
        and any("only_in_full" in ast.unparse(decorator) for decorator in function.decorator_list)
        and "python -m tests." in ast.unparse(function)
    ]
    assert late == []
