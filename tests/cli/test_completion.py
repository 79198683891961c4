"""Tab, in the shells themselves: commands, options, and the ids of the store that the line names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.scale import only_in_full

SHELLS = ["bash", *(pytest.param(shell, marks=only_in_full) for shell in ("zsh", "fish"))]
BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_bodycamd_completion bodycamd
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
compdef() { :; }
_describe() { :; }
_arguments() { :; }
source "$1"; shift
env _TYPER_COMPLETE_ARGS="$*" _BODYCAMD_COMPLETE=complete_zsh bodycamd
"""
FISH = "source $argv[1]; complete -C (string join ' ' -- $argv[2..-1])"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """With the command `bodycamd` on the PATH, and a store of two recordings that nobody may take for more than names."""
    program = tmp_path / "bin" / "bodycamd"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m bodycamd.cli.entry "$@"\n')
    program.chmod(0o755)
    for name in ("000001-0001", "000002-0001", "stray"):
        (tmp_path / "store/recordings" / name).mkdir(parents=True)
    return {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path), "BODYCAMD_STORE": "/nowhere"}


def completed(shell: str, words: list[str], environment: dict[str, str]) -> str:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on this machine")
    script = Path(environment["HOME"]) / f"completion.{shell}"
    source = {**environment, "_BODYCAMD_COMPLETE": f"source_{shell}"}
    script.write_bytes(subprocess.run(["bodycamd"], env=source, check=True, capture_output=True, timeout=60).stdout)
    command = {"bash": ["bash", "-c", BASH, "bash"], "zsh": ["zsh", "-f", "-c", ZSH, "zsh"], "fish": ["fish", "-N", "-c", FISH]}[shell]
    run = subprocess.run([*command, str(script), *words], env=environment, capture_output=True, text=True, timeout=60)
    assert run.stderr == "", shell
    return run.stdout


@only_in_full
@pytest.mark.parametrize("shell", SHELLS)
def test_commands_and_ids_are_completed(shell: str, environment: dict[str, str], tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    found = completed(shell, ["bodycamd", "recordings", "show", "--store", store, "0000"], environment)
    assert "000001-0001" in found
    assert "000002-0001" in found
    assert "stray" not in found


@only_in_full
def test_what_cannot_be_read_completes_to_nothing_and_says_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    for words in (["bodycamd", "recordings", "show", ""], ["bodycamd", "hold", "add", "--config", str(tmp_path / "none.yaml"), ""]):
        assert "0000" not in completed("bash", words, environment)
    assert completed("bash", ["bodycamd", "rec"], environment).split() == ["recordings"]
    assert completed("bash", ["bodycamd", "export", "--store", str(tmp_path / "store"), "a"], environment).split() == ["all"]
    assert completed("bash", ["bodycamd", "export", "--con"], environment).split() == ["--config", "--contact-sheet"]
