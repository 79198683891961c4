"""`docs/hil.md`, made of the scenarios and the boards: `python -m tests.hil.table > docs/hil.md`."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hil.scenario import BoardNotes, Scenario, boards, missing, scenarios

HEAD = """# Hardware in the loop

A scenario is written once (`tests/hil/scenarios`) and runs on every board that can do what it needs: the button is pressed, the pins of
lamp and motor are read, a part is broken. Lamp and motor are judged by the times of their pins against the camera's own tables, the
warning by what the loudspeaker played (0.99 alike).

`make hil` runs them on mock pins, `make hil BOARD=virtual` on the virtual camera. Made by `python -m tests.hil.table`.

## The virtual camera

`scripts/make-virtual-camera` makes an image of a card as Raspberry Pi OS is one (a FAT boot partition, Debian trixie, cloud-init), the
signed bundle of the commit, and the same image with that bundle installed. `bodycamd fleet cards` makes cards of both; QEMU boots them
without a network. A hand in the camera (`tests/hil/guest`) pulls the button's line and is told by the kernel, to the microsecond, when
the lines of lamp and motor were set. Everything is judged by the camera's clock, which counts emulated instructions (500 million a
second): on a busy computer the camera is late, and none of its timers is. Its times may be four times those of the scenarios.

Beside the scenarios: the first boot, accounts, what is left on the card, enrolment once (`tests/hil/test_cards.py`); and the power is cut
while it records (`tests/hil/test_power_cuts.py`, `CUTS=6`), which is QEMU killed: acknowledged fragments, written outside the camera,
against what is there after the next start, verified and played on the host with stock tools.

Seen so far, on a computer under a load of 9 to 14 for two processors: from the power to the hand 15 s, to standby 22 s of the camera's
time, for 100 s of the computer's; the card whose image has the program, from `fleet cards` to a camera that is enrolled once, in 30 s
of the camera's time until its application, 150 s of the computer's processor and 7 minutes in all
(`test_a_card_whose_image_has_the_program`); `bounce` in 13 s and `press` in 28 s, with the lamp's tenths of a second within 10 ms; and,
by hand, one power cut while it recorded: the last acknowledged fragment was there, the newest 1.14 s of the film were not, incomplete
by that stated cause to `bodycamd verify` and `scripts/verify.sh`. Making the images took 13 minutes. **Not seen to pass yet**: the other
scenarios, the power cuts' tests from their beginning to their end, a card whose bundle the emulated camera installs itself, and `make
hil BOARD=virtual` as a whole; so it is no part of CI.

"""


def cell(scenario: Scenario, board: BoardNotes) -> str:
    """Whether the scenario runs on the board, or why it does not."""
    if no := "; ".join(missing(scenario, board)):
        return no
    if board.runner:
        return "no runner"
    return "runs" if board.seen is None or scenario.name in board.seen else "not seen to pass yet"


def page() -> Iterator[str]:
    """The lines."""
    yield from HEAD.splitlines()
    found = boards()
    yield "| board | is | runner |"
    yield "|---|---|---|"
    for name, board in found.items():
        yield f"| `{name}` | {board.about} | {board.runner or f'`make hil BOARD={name}`'} |"
    yield ""
    yield f"| scenario | {' | '.join(f'`{name}`' for name in found)} |"
    yield "|---|" + "---|" * len(found)
    for scenario in scenarios():
        cells = [cell(scenario, board) for board in found.values()]
        yield f"| `{scenario.name}`: {scenario.title} | {' | '.join(cells)} |"


if __name__ == "__main__":
    print("\n".join(page()))
