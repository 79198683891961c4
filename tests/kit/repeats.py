"""Which tests have the very same cases at every scale, and so need not run again after `make test`.

A test has more cases at a larger scale where its own text, a fixture of it, or anything that these name in the tests' modules comes from
`tests.kit.scale`. This is read from the syntax trees: whoever names the scale in passing is run again, which costs time and loses nothing.
Names that are put together while a test runs are not seen.
"""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.kit.scale import only_in_full

ROOT = Path(__file__).parents[2]
SCALE_MODULE = "tests.kit.scale"


def _named(node: ast.AST) -> Iterator[str]:
    """All names that a piece of code has in it: variables, attributes and arguments, which in a test are fixtures."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.arg):
            yield part.arg


def _imported(node: ast.ImportFrom, path: Path) -> Iterator[str]:
    if not node.module or not node.module.startswith("tests"):
        return
    source = ROOT / (node.module.replace(".", "/") + ".py")
    for alias in node.names:
        grows = node.module == SCALE_MODULE or (source.is_file() and source != path and alias.name in growing_names(source))
        if grows:
            yield alias.asname or alias.name


@functools.cache
def growing_names(path: Path) -> frozenset[str]:
    """The module's names whose meaning depends on the scale."""
    defined: dict[str, set[str]] = {}
    growing: set[str] = set()
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.ImportFrom):
            growing.update(_imported(node, path))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined[node.name] = set(_named(node))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for name in {name for target in targets for name in _named(target)}:
                defined[name] = set(_named(node)) - {name}
    while more := {name for name, uses in defined.items() if name not in growing and uses & growing}:
        growing |= more
    return frozenset(growing)


def grows(item: pytest.Function) -> bool:
    """Whether a larger scale gives this test more cases, or runs it at all."""
    names = growing_names(item.path)
    if (
        only_in_full.mark in item.iter_markers()
        or "pytestmark" in names
        or any(part.name.split("[")[0] in names for part in item.listchain())
    ):
        return True
    functions = [fixture.func for name in item.fixturenames for fixture in item._fixtureinfo.name2fixturedefs.get(name, ())]
    for function in functions:
        source = Path(inspect.getsourcefile(inspect.unwrap(function)) or "")
        if source.is_relative_to(ROOT / "tests") and function.__name__ in growing_names(source):
            return True
    return False


def without_repeats(items: Sequence[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """(what is to run, what `make test` has run already)."""
    run: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        (run if not isinstance(item, pytest.Function) or grows(item) else left).append(item)
    return run, left
