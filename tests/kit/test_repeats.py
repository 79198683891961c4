"""What `make test-full` leaves out has the same cases in `make test`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.repeats import growing_names

MODULE = """
from tests.kit.scale import count as cases, only_in_full
import pytest

TIMES = cases(100)
OTHER = 3

@pytest.fixture
def many(tmp_path):
    return range(TIMES)

def looped():
    return list(many)

def test_plain(tmp_path): assert OTHER == 3
def test_by_fixture(many): assert many
def test_by_function(): assert looped()
@only_in_full
def test_long(): assert True
@pytest.mark.parametrize("n", range(TIMES))
def test_each(n): assert n >= 0
class TestBoth:
    def test_few(self): assert OTHER
    def test_many(self): assert TIMES
class TestPlain:
    def test_few(self): assert OTHER
"""


def test_a_test_grows_by_its_text_its_fixtures_and_what_it_calls(tmp_path: Path) -> None:
    module = tmp_path / "test_planted.py"
    module.write_text(MODULE, encoding="utf-8")
    tests = {name for name in growing_names(module) if name.lower().startswith("test")}
    assert tests == {"test_by_fixture", "test_by_function", "test_long", "test_each", "TestBoth"}


def test_a_name_that_another_module_of_the_tests_made_from_the_scale_grows_too(tmp_path: Path) -> None:
    module = tmp_path / "test_planted.py"
    module.write_text(
        "from tests.kit.scale import nightly_count\n"
        "from tests.kit.repeats import ROOT, only_in_full\n"
        "def test_a(): ROOT\n"
        "def test_b(): only_in_full\n"
    )
    assert growing_names(module) == {"nightly_count", "only_in_full", "test_b"}


def test_whole_modules_grow_by_their_mark(tmp_path: Path) -> None:
    module = tmp_path / "test_planted.py"
    module.write_text("from tests.kit.scale import only_in_full\npytestmark = [only_in_full]\n")
    assert "pytestmark" in growing_names(module)


@pytest.mark.parametrize("text", ["def test_a(tmp_path): pass\n", "import os\nfrom pathlib import Path\ndef test_a(count): count\n"])
def test_what_does_not_name_the_scale_does_not_grow(tmp_path: Path, text: str) -> None:
    module = tmp_path / "test_planted.py"
    module.write_text(text)
    assert not growing_names(module)
