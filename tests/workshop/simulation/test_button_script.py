"""The simulation's script: what is read, and that everything else is refused with its line's number."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.errors import UsageError
from bodycamd.workshop.simulation.button_script import Step, parse
from tests.kit.scale import count, only_in_full


def test_all_actions() -> None:
    text = "# a shift\n\n0.5 tap  # press\n 2 down\n3.25 up\n4 hold 2.5\n6.5 tap\n9 quit\n"
    assert parse(text, "s") == [
        Step(0.5, "down"),
        Step(0.65, "up"),
        Step(2, "down"),
        Step(3.25, "up"),
        Step(4, "down"),
        Step(6.5, "up"),
        Step(6.5, "down"),
        Step(6.65, "up"),
        Step(9, "quit"),
    ]


def test_an_empty_script_is_a_short_run() -> None:
    assert parse("# nothing\n", "s") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tap", "line 1: the line must begin with"),
        ("-1 tap", "line 1"),
        ("nan tap", "line 1"),
        ("1e9 tap", "line 1"),
        ("1", "line 1: unknown action"),
        ("1 jump", "unknown action"),
        ("1 tap twice", "unknown action"),
        ("1 hold", "unknown action"),
        ("1 hold long", "hold must name"),
        ("1 hold -2", "hold must name"),
        ("2 tap\n\n1 tap", "line 3: 1 s lies before"),
        ("1 tap\n1.1 tap", "line 2: at 1.1 s the button is still held until 1.15 s"),
        ("1 hold 3\n2 quit", "line 2"),
        ("1 up", "not down"),
        ("1 down\n2 down", "down already"),
        ("1 down\n2 tap", "down already"),
        ("1 quit\n2 tap", "line 2: nothing may follow quit"),
        ("\n" * 10_001, "more than 10000 lines"),
    ],
)
def test_refused_with_the_lines_number(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse(text, "s")


@only_in_full
@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from(["down", "up", "tap", "hold 1", "quit", "hold", "x"])), max_size=12))
@settings(max_examples=count(2000))
def test_steps_are_in_order_and_the_button_alternates(lines: list[tuple[float, str]]) -> None:
    try:
        steps = parse("\n".join(f"{at} {action}" for at, action in lines), "s")
    except UsageError:
        return
    assert [step.at_seconds for step in steps] == sorted(step.at_seconds for step in steps)
    edges = [step.action for step in steps if step.action != "quit"]
    assert all(edge == ("down", "up")[number % 2] for number, edge in enumerate(edges))
