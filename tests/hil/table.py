"""`docs/hil.md`, made of the scenarios and the boards: `python -m tests.hil.table > docs/hil.md`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bodycamd.config.load import load
from tests.hil.pi_camera import drawing
from tests.hil.scenario import BoardNotes, Scenario, boards, missing, scenarios
from tests.kit.measured import FILE

HEAD = """# Hardware in the loop

A scenario is written once (`tests/hil/scenarios`) and runs on every board that can do what it needs: the button is pressed, the pins of
lamp and motor are read, a part is broken. Lamp and motor are judged by the times of their pins against the camera's own tables, the
warning by what the loudspeaker played (0.99 alike).

`make hil` runs them on mock pins, `make hil BOARD=virtual` on the virtual camera, `make hil BOARD=pi HOST=…` on a Raspberry Pi. Made by
`python -m tests.hil.table`.

## The virtual camera

`scripts/make-virtual-camera` makes an image of a card as Raspberry Pi OS is one (a FAT boot partition, Debian trixie, cloud-init), the
signed bundle of the commit, and the same image with that bundle installed. `bodycamd fleet cards` makes cards of both; QEMU boots them
without a network. A hand in the camera (`tests/hil/guest`) pulls the button's line and is told by the kernel, to the microsecond, when
the lines of lamp and motor were set. Everything is judged by the camera's clock, which counts emulated instructions (500 million a
second): on a busy computer the camera is late, and none of its timers is. Its times may be four times those of the scenarios.

After its first boot the camera is frozen in standby: its memory and its card. Each scenario goes on from that instant with a card of its
own (what differs from the frozen one), so that none sees what another one did, and none waits for a boot.

Beside the scenarios: the first boot, accounts, what is left on the card, enrolment once (`tests/hil/test_cards.py`); and the power is cut
while it records (`tests/hil/test_power_cuts.py`, `CUTS=6`), which is QEMU killed: acknowledged fragments, written outside the camera,
against what is there after the next start, verified and played on the host with stock tools. What the camera had not flushed to its card
is gone. Of six cuts two are followed by a boot, each of those cameras records on and is cut once more; after the other cuts the recorder
starts on the host, on a copy of what the card's file system holds once the kernel has played its journal back: the same code as in the
camera, without the minutes of an emulated boot.

`driver_unbound` does not run there: no camera's driver is in the image. The kernel's simulated camera (vimc) under the real picamera2 was
seen in an emulated machine of its own, with two processors and the computer's clock: some 1.5 pictures a second at 320x240, RGB, where the
recorder takes YUV420 or NV12, and after `unbind` picamera2's `capture_request` did not come back, without an error, until `bind`. Between
that and this scenario are picamera2's libraries in the image, a conversion in the place of an image processor, and the rate: a
configuration has five pictures a second at least, and a worker without one for 0.8 s is replaced. It was not tried here.

SEEN

`make nightly` runs the whole. CI runs its part, and makes the images beside another one (`.ci/run`). **Not measured**: CI as a
whole with it, and a clone without images from beginning to end in one run: set-up (84 s), images and the whole add up to 23½ minutes.

## A Raspberry Pi

`make hil BOARD=pi HOST=technician@camera` runs the scenarios on a camera that has been installed, over ssh, for who uses `ssh` and `sudo`
there without being asked anything. **It has never run on a Raspberry Pi**: the line was tried with a stand-in for `ssh` that runs its
command here, hand and eyes with one for gpiod, what happens to the camera with a model of its commands (`tests/hil/test_pi.py`); by hand
the line with OpenSSH 9.2 at both ends, cut off too, and what is laid over the camera's folders with real mounts.

With the power off, join the two pins of each letter by a wire with 1 kΩ in it; button, lamps and motor stay where they are. This is the
header of the configuration as it is shipped, seen from above; `python -m tests.hil.pi_camera FILE` draws that of another one.

```
JUMPERS
```

The hand pulls the button's line as an open drain (an open source with `button_to: 3v3`) and has no pull of its own; the eyes are told by
the kernel when a line changed. The daemon keeps its lines, and knows of no bench.

The recorder is stopped, which its ledger states as any stop, and started again afterwards. Meanwhile `/etc/bodycamd` lies under a copy with
the bench's configuration, and `/var/lib/bodycamd` under a file system of 2 GB (`/var/tmp/bodycamd-hil.img`), so that the camera's footage,
ledger and keys are neither read nor written; what is filmed is sealed to a key that nobody has, and deleted. The picture is its own
camera module's, or with `FILM=FILE.h264` a film; the loudspeaker is a sound card of snd-aloop whose other end is the microphone. Where ssh
ends, the camera is as before; where the Pi itself is cut off, a reboot does it but for that file, which the next bench deletes. A camera
that is not in standby is left alone (75), and so is one without bodycamd, or one that cannot be reached (69).

"""


def cell(scenario: Scenario, board: BoardNotes) -> str:
    """Whether the scenario runs on the board, or why it does not."""
    if no := "; ".join(missing(scenario, board)):
        return no
    if board.runner:
        return "no runner"
    return "runs" if board.seen is None or scenario.name in board.seen else "not seen to pass yet"


def minutes(seconds: float) -> str:
    """Of waiting, as a person says it."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} minutes"


def seen(measured: dict[str, Any]) -> Iterator[str]:
    """What passed on the virtual camera, and how long that took."""
    for made in measured.get("images", []):
        yield f"- Images from {made['from']}: {minutes(made['seconds'])} at {made['load']} ({made['what']}; commit {made['commit']})."
    yield ""
    for part, command in (("all", "make hil BOARD=virtual"), ("ci", "make hil BOARD=virtual PART=ci")):
        if (run := measured.get(part)) is None:
            yield f"**Not seen to pass yet**: `{command}` as a whole."
        else:
            took = ", ".join(f"`{name}` {seconds} s" for name, seconds in sorted(run["seconds"].items(), key=lambda one: -one[1]))
            waited = minutes(run["waited_seconds"])
            yield f"`{command}`, images made before: all {len(run['seconds'])} passed in {waited} of waiting on"
            yield f"{run['machine']}, {run['load']} (commit {run['commit']}, {run['date']}): {took}."
            yield from (f"The power: {said}." for said in run["power_cuts"])
        yield ""


def page() -> Iterator[str]:
    """The lines."""
    shipped = load(Path(__file__).parents[2] / "config/bodycamd.yaml")
    figures = "\n".join(seen(json.loads(FILE.read_text(encoding="utf-8")).get("hil", {})))
    yield from HEAD.replace("JUMPERS", "\n".join(drawing(shipped))).replace("SEEN\n", figures).splitlines()
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
