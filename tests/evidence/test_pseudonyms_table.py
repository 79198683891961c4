"""What may be written about people, word by word; and what a person is told whose word is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bodycamd.errors import UsageError
from bodycamd.evidence.pseudonyms import decider, pseudonym, reference, release_reason
from tests.evidence.making import told

PSEUDONYM = "--officer: a pseudonym such as H-12, with a digit, without spaces, at most 32 characters; never a name."
DECIDER = (
    "--by: a pseudonym with a digit, such as E-03, or a role (coordinator, evidence, privacy, technician, administrator); never a name."
)
REFERENCE = (
    "--case: a case number such as Z-2026/00123: letters, digits, - / . _, at least one digit, no spaces, at most 40 characters; "
    "anybody who has the card can read it: no name, no address."
)
NAMES = ["Jansen", "Piet Jansen", "P.Jansen", "", " H-12", "H-12 ", "H-12\n", "-12", "H:12", "H-1é2", "\u0661\u0662", None, 12, b"H-12"]


@pytest.mark.parametrize("value", ["H-12", "7", "a.b_c-9", "x" * 31 + "1"])
def test_a_pseudonym(value: str) -> None:
    assert pseudonym(value, "--officer") == decider(value, "--by") == value


@pytest.mark.parametrize("value", [*NAMES, "x" * 32 + "1", "H/12"])
def test_what_is_no_pseudonym(value: object) -> None:
    assert told(lambda: pseudonym(value, "--officer"), UsageError) == f"{PSEUDONYM} Not {value!r}"
    assert told(lambda: decider(value, "--by"), UsageError) == f"{DECIDER} Not {value!r}"


@pytest.mark.parametrize("role", ["coordinator", "evidence", "privacy", "technician", "administrator"])
def test_a_role_decides_and_is_no_officer(role: str) -> None:
    assert decider(role, "--by") == role
    for wrong in (role.upper(), f"{role} "):
        assert told(lambda wrong=wrong: decider(wrong, "--by"), UsageError) == f"{DECIDER} Not {wrong!r}"  # type: ignore[misc]
    assert told(lambda: pseudonym(role, "--officer"), UsageError) == f"{PSEUDONYM} Not {role!r}"


@pytest.mark.parametrize("value", ["Z-2026/00123", "1", "abcdefgh1", "abcdefgh-ijklmnop/1", "1" * 40])
def test_a_case_number(value: str) -> None:
    assert reference(value, "--case") == value


@pytest.mark.parametrize("value", [*NAMES, "abcdefghi1", "1" * 41, "Z 2026", "/1"])
def test_what_is_no_case_number(value: object) -> None:
    assert told(lambda: reference(value, "--case"), UsageError) == f"{REFERENCE} Not {value!r}"


def test_why_a_hold_ends() -> None:
    reasons = ["settled", "withdrawn", "handed-over", "not-needed", "mistake"]
    assert [release_reason(reason, "--reason") for reason in reasons] == reasons
    listed = "settled, withdrawn, handed-over, not-needed, mistake"
    for wrong in ("Settled", "he asked", "", None, ["settled"], 1):
        said = f"--reason {wrong!r}: it is one of {listed}; the story belongs in the case file"
        assert told(lambda wrong=wrong: release_reason(wrong, "--reason"), UsageError) == said  # type: ignore[misc]


@pytest.mark.parametrize("ask", [pseudonym, decider, reference, release_reason])
def test_a_long_word_is_cut_and_what_steers_is_written_out(ask: Callable[[object, str], str]) -> None:
    said = told(lambda: ask("x" * 500 + "\n", "--it"), UsageError)
    assert f"{'x' * 58}…" in said
    assert "x" * 59 not in said
    assert "\\x1b" in told(lambda: ask("\x1b[2J", "--it"), UsageError)
