"""Which small changes to the code do a package's own fast tests notice? `make mutants`, nightly; mutmut makes and runs them.

    python -m tests.mutants.bench camera/control retention evidence
    python -m tests.mutants.bench retention/policy retention/elapsed=tests/retention/test_timeline_table.py

Each package, or module, is changed in a copy under `build/mutants` and judged by its folder of tests at a fiftieth of the random cases, so
that a table of cases notices and not a lucky life. mutmut changes the bodies of functions; constants of modules, properties, annotations
and docstrings stay. A survivor changes nothing, for the reason that stands in `equivalent/`, or a test is missing. The figures go to
`docs/measured.json`. Ends with 1 where less than 95 % are caught, or a survivor is neither caught nor explained.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

from tests.kit.measured import keep, provenance

ROOT = Path(__file__).parents[2]
COPIES = ROOT / "build/mutants"
EQUIVALENT = Path(__file__).with_name("equivalent")
BESIDE = ("config", "docs", "scripts", "systemd", "hardware", "README.md", "Makefile")
TARGET = 0.95
CAUGHT = ("killed", "timeout", "segfault", "caught by type check")
Change = tuple[str, str, str]
"""File, the line as it was, the line as it is."""


def beside(what: str) -> str:
    """The tests of a package or module: the deepest folder of tests with its name."""
    found = next(folder for folder in (Path(what), *Path(what).parents) if (ROOT / "tests" / folder).is_dir() and folder.name)
    return f"tests/{found}"


def settings(what: str, tests: str) -> str:
    """mutmut's part of pyproject.toml."""
    mutated = f"bodycamd/{what}/*" if (ROOT / "bodycamd" / what).is_dir() else f"bodycamd/{what}.py"
    arguments = ["-p", "no:cacheprovider", "-p", "no:xdist", "-q", "-o", "timeout=600"]
    lines = {
        "source_paths": ["bodycamd"],
        "only_mutate": [mutated],
        "also_copy": list(BESIDE),
        "pytest_add_cli_args_test_selection": tests.split(","),
        "pytest_add_cli_args": arguments,
        "track_dependencies": False,
        "timeout_constant": 3.0,
        "timeout_multiplier": 10.0,
    }
    return "\n[tool.mutmut]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())


def copied(what: str, tests: str) -> Path:
    """A fresh copy of the tree to change."""
    copy = COPIES / what.replace("/", "-")
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for name in ("bodycamd", "tests", *BESIDE):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    (copy / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text() + settings(what, tests))
    return copy


def mutmut(copy: Path, *arguments: str) -> str:
    """What it prints."""
    command = ["nice", str(Path(sys.executable).with_name("mutmut")), *arguments]
    environment = {**os.environ, "BODYCAMD_TEST_SCALE": "0.02"}
    return subprocess.run(command, cwd=copy, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def change(shown: str) -> Change:
    """The one changed line of a diff, without its indentation."""
    lines = shown.splitlines()
    path = next(line.split()[1] for line in lines if line.startswith("--- "))
    body = lines[lines.index(next(line for line in lines if line.startswith("@@"))) :]
    was, new = ([line[1:].strip() for line in body if line.startswith(sign)] for sign in "-+")
    return path, " ".join(was), " ".join(new)


def measured(what: str, tests: str, known: dict[Change, str]) -> tuple[dict[str, object], list[Change]]:
    """The figures of one package, and the survivors that nothing explains."""
    copy = copied(what, tests)
    mutmut(copy, "run", "--max-children", "2")
    results = dict(line.strip().split(": ", 1) for line in mutmut(copy, "results", "--all", "true").splitlines() if ": " in line)
    states = Counter(results.values())
    survivors = [change(mutmut(copy, "show", name)) for name, state in results.items() if state not in CAUGHT]
    equivalent = [survivor for survivor in survivors if survivor in known]
    figures = {
        "mutants": len(results),
        "caught": sum(states[state] for state in CAUGHT),
        "survivors": len(survivors),
        "survivors_that_change_nothing": len(equivalent),
        "tests": tests,
    }
    return figures, [survivor for survivor in survivors if survivor not in known]


def equivalents() -> dict[Change, str]:
    """The reviewed lists, one for each package."""
    listed = [entry for page in sorted(EQUIVALENT.glob("*.toml")) for entry in tomllib.loads(page.read_text())["mutant"]]
    return {(entry["file"], entry["was"], entry["is"]): entry["reason"] for entry in listed}


def main(arguments: list[str]) -> int:
    """Measure, tell, and write the figures down."""
    known, right = equivalents(), True
    for argument in arguments:
        what, _, tests = argument.partition("=")
        found, open_ = measured(what, tests or beside(what), known)
        score = int(str(found["caught"])) / max(1, int(str(found["mutants"])) - int(str(found["survivors_that_change_nothing"])))
        print(f"{what}: {found['caught']} of {found['mutants']} caught, {100 * score:.1f} % of those that change anything", flush=True)
        for file, was, new in open_:
            print(f"  {file}\n    - {was}\n    + {new}", flush=True)
        right = right and score >= TARGET and not open_
        write_down(what, found)
    return 0 if right else 1


def write_down(what: str, found: dict[str, object]) -> None:
    """Into the figures, beside those of the other packages and benches."""
    keep(found | provenance(), "mutants", what)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
