"""Why this boot began, as far as the machine can tell: after its watchdog, after a loss of power, or nobody knows.

Two witnesses are asked, and none is guessed for:

- `bootstatus` of a watchdog's driver, with WDIOF_CARDRESET where the watchdog caused the last reset (linux/watchdog.h). `i6300esb` tells;
  `bcm2835_wdt`, the Pi's, never sets it: its zero says nothing (drivers/watchdog/bcm2835_wdt.c).
- On a Pi the firmware's copy of the register PM_RSTS, `/proc/device-tree/chosen/bootloader/pm_rsts` (Raspberry Pi documentation, device
  tree, "common bootloader properties"). 0x1000 (HADPOR): power-on; 0x20 (HADWRF): a full reset by the watchdog. A Pi's ordinary reboot
  ends in the same reset (raspberrypi/linux #1586), so it tells only that the power stayed: who reboots in order has closed what was open.

Not guaranteed: that firmware tells. Some of a Pi 4 reports 0x1000 after every reset (raspberrypi/linux #4527), which is taken for a loss
of power: the safe side.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

log = logging.getLogger(__name__)

ResetCause = Literal["watchdog", "power", "unknown"]

WATCHDOGS = Path("/sys/class/watchdog")
PM_RSTS = Path("/proc/device-tree/chosen/bootloader/pm_rsts")
CARD_RESET = 0x0020
"""WDIOF_CARDRESET."""
POWER_ON = 0x1000
WATCHDOG_FULL_RESET = 0x0020


def reset_cause(watchdogs: Path = WATCHDOGS, pm_rsts: Path = PM_RSTS) -> ResetCause:
    """The cause of the last reset. What cannot be read tells nothing."""
    if any(_bootstatus(path) & CARD_RESET for path in sorted(watchdogs.glob("watchdog*/bootstatus"))):
        return "watchdog"
    try:
        register = pm_rsts.read_bytes()
    except OSError:
        return "unknown"
    if len(register) != 4:
        log.warning("%s has %d bytes, not 4", pm_rsts, len(register))
        return "unknown"
    bits = int.from_bytes(register, "big")
    if bits & POWER_ON:
        return "power"
    return "watchdog" if bits & WATCHDOG_FULL_RESET else "unknown"


def _bootstatus(path: Path) -> int:
    """The flags of linux/watchdog.h, in decimal or in C's hexadecimal."""
    try:
        return int(path.read_text("ascii").strip(), 0)
    except (OSError, ValueError) as error:
        log.warning("%s: %s", path, error)
        return 0
