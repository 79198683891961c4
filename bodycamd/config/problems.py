"""What is wrong with a configuration: a line for each mistake, with its place, the value, what is allowed and what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

LEAST_LIKENESS = 0.6
"""From 0 to 1, as `difflib` counts it: below it a guess confuses more than it helps."""


class Problem(Struct, frozen=True):
    """One mistake. `key` is the dotted path, empty where it is the whole file; `line` counts from 1, `None` where no line is to blame.

    `others` are the keys that it was judged by too: where one of them is wrong itself, nothing is said of this one.
    """

    key: str
    reason: str
    allowed: str
    line: int | None = None
    meant: str = ""
    others: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """One line; `name` is the file's."""
        line = f"line {self.line}: " if self.line is not None else ""
        key = f"{self.key}: " if self.key else ""
        allowed = f"; allowed: {self.allowed}" if self.allowed else ""
        meant = f"; did you mean {self.meant}?" if self.meant else ""
        return f"{name}: {line}{key}{self.reason}{allowed}{meant}"


def in_order(problem: Problem) -> float:
    """What problems are sorted by: those of no line come last."""
    return problem.line if problem.line is not None else float("inf")


def nearest(word: str, choices: Iterable[str]) -> str:
    """The choice that was probably meant; empty where none is like it."""
    import difflib  # for who has made a mistake

    found = difflib.get_close_matches(word[:100], list(choices), n=1, cutoff=LEAST_LIKENESS)
    return found[0] if found else ""
