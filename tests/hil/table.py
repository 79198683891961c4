"""`docs/hil.md`, made of the scenarios and the boards: `python -m tests.hil.table > docs/hil.md`."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hil.scenario import boards, missing, scenarios

HEAD = """# Hardware in the loop

A scenario is written once (`tests/hil/scenarios`) and runs on every board that can do what it needs: the button is pressed, the pins of
lamp and motor are read, a part is broken. Lamp and motor are judged by the times of their pins against the camera's own tables, the
warning by what the loudspeaker played (0.99 alike).

`make hil` runs them on the board `mock`. Made by `python -m tests.hil.table`.

"""


def page() -> Iterator[str]:
    """The lines."""
    yield from HEAD.splitlines()
    found = boards()
    yield "| board | is | runner |"
    yield "|---|---|---|"
    for name, board in found.items():
        yield f"| `{name}` | {board.about} | {board.runner or '`make hil`'} |"
    yield ""
    yield f"| scenario | {' | '.join(f'`{name}`' for name in found)} |"
    yield "|---|" + "---|" * len(found)
    for scenario in scenarios():
        cells = [no if (no := "; ".join(missing(scenario, board))) else "no runner" if board.runner else "runs" for board in found.values()]
        yield f"| `{scenario.name}`: {scenario.title} | {' | '.join(cells)} |"


if __name__ == "__main__":
    print("\n".join(page()))
