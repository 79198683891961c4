"""Whether memory can reach the card by way of swap, judged from what is in force. Pure; `bodycamd.linux.memory` reads and locks.

Plaintext footage is in the capture worker's memory, the keys that sign are in the recorder's. Any one of these keeps both off the card:

- Both processes have locked their memory.
- No swap is on a disk. zram is memory and gone with the power; but with a backing device (the hybrid swap of Raspberry Pi OS) it writes
  pages to the card.
- The service's control group may not swap: `memory.swap.max` is 0, its own or that of a group above. Raspberry Pi OS boots with
  `cgroup_disable=memory`: there is no such file there, and `MemorySwapMax=` in a unit does nothing, without an error.

Not judged: what the kernel and other programs (a sound server) hold, and a swap that was on before and is off now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

TO_DO: Final = (
    "let the unit set LimitMEMLOCK=infinity, as systemd/bodycamd.service does; "
    "or turn swap off (Raspberry Pi OS: Mechanism=none in /etc/rpi/swap.conf; older: systemctl disable --now dphys-swapfile); "
    "or add cgroup_enable=memory to /boot/firmware/cmdline.txt; then restart"
)


class Area(Struct, frozen=True):
    """A swap in use. `backing` is of zram: the device that it writes pages back to, `none` without one; `None` for any other swap."""

    name: str
    backing: str | None = None

    @property
    def on_a_disk(self) -> bool:
        """Whether pages can get from it to a disk."""
        return self.backing != "none"


class Machine(Struct, frozen=True):
    """What the kernel says. `limits`: the `memory.swap.max` of the process's control group and of those above it, as far as they exist."""

    areas: Sequence[Area]
    limits: Sequence[str]


class Protection(Struct, frozen=True):
    """`closed`: neither footage nor keys can be swapped to a disk, for what is in `because`. `degraded`: they can; `to_do` helps."""

    state: Literal["closed", "degraded"]
    because: str
    to_do: str | None = None


def judge(machine: Machine, *, recorder: str | None, worker: str | None) -> Protection:
    """`recorder` and `worker` say why that process's memory is not locked; `None` if it is, or if there is no worker yet."""
    on_disks = [area.name for area in machine.areas if area.on_a_disk]
    forbidden = "0" in machine.limits
    unlocked = [f"the {who}'s memory is not locked ({why})" for who, why in (("recorder", recorder), ("worker", worker)) if why is not None]
    in_force = [] if unlocked else ["memory is locked"]
    in_force += [] if on_disks else ["no swap on a disk"]
    in_force += ["the control group may not swap"] if forbidden else []
    if in_force:
        return Protection("closed", "; ".join(in_force))
    no_limit = "swap is not limited" if machine.limits else "the kernel cannot limit swap (no memory control group)"
    return Protection("degraded", "; ".join((f"memory can be written to {', '.join(on_disks)}", *unlocked, no_limit)), TO_DO)
