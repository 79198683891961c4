"""What is wrong with a camera, for who stands before it, and what to do about it: one for each condition that `status` can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bodycamd.camera.daemon.status_message import Flag


@dataclass(frozen=True, slots=True)
class Remedy:
    """The problem in a few words, and what to do: a sentence or two."""

    problem: str
    to_do: str


REMEDIES: Mapping[Flag, Remedy] = {
    "storage_full": Remedy(
        "the card is full: nothing is recorded",
        "Put in another card and keep this one. `bodycamd sweep --dry-run` says when room comes back by itself.",
    ),
    "disk_unusable": Remedy(
        "the card cannot be used",
        "`journalctl -u bodycamd -b` says why. Restart once; if it comes back, put in another card and keep this one.",
    ),
    "disk_failing": Remedy(
        "footage does not get onto the card",
        "Stop recording when you can, put in another card, and keep this one: it holds evidence.",
    ),
    "capture_stalled": Remedy(
        "no pictures come",
        "Check the camera's ribbon cable. `bodycamd status --verbose` has the last failure, under capture.",
    ),
    "worker_stuck": Remedy(
        "a capture process cannot be ended and may hold the camera",
        "Where no footage comes for a minute the machine begins anew by itself. If it comes back, check the camera's ribbon cable.",
    ),
    "worker_missing": Remedy(
        "no capture process can be had: nothing can be recorded",
        "`bodycamd status --verbose` and `journalctl -u bodycamd -b` say why. Restart once; if it comes back, install the version anew.",
    ),
    "button_stuck": Remedy(
        "the button stays down: no press can come",
        "Free the button; where it is free, check its wires and `board.gpio.button`.",
    ),
    "failing": Remedy(
        "it failed and resumed five times within a minute",
        "Take the camera out of service and look into `journalctl -u bodycamd -b`.",
    ),
    "voice_failed": Remedy(
        "the warning cannot be spoken",
        "Say it yourself. Check the loudspeaker and its wires; `bodycamd status --verbose` has the reason, under voice.",
    ),
    "audio_lost": Remedy(
        "no sound is recorded",
        "Check the microphone and its wires, then begin a new recording.",
    ),
    "audio_silent": Remedy(
        "the microphone gives digital silence: what is recorded is without sound",
        "Check its wires and `microphone.channel` (an I2S microphone fills one side only), then begin a new recording.",
    ),
    "battery_low": Remedy(
        "the battery is low",
        "Charge it, or change it, before the next shift.",
    ),
    "gauge_silent": Remedy(
        "the battery cannot be read: nobody knows how full it is",
        "`journalctl -u bodycamd-sensors -b` says why. Check the gauge's wires and `board.battery`; charge it before the next shift.",
    ),
    "sensors_silent": Remedy(
        "heat and supply are not watched: the sensors report nothing",
        "`systemctl status bodycamd-sensors` says whether it runs; `journalctl -u bodycamd-sensors -b` says why not.",
    ),
    "card_reader_silent": Remedy(
        "no card can be read: shifts do not begin by card",
        "`systemctl status bodycamd-cards` says why. Check the reader's cable; until then: `bodycamd shift begin --officer H-12`.",
    ),
    "under_voltage": Remedy(
        "the supply is too low: the camera may switch off at any moment",
        "Use a thicker or shorter cable, or a supply or battery board that gives more current.",
    ),
    "throttled": Remedy(
        "the processor is slowed down",
        "Look at heat and supply first: frames may be dropped until it is over.",
    ),
    "hot": Remedy(
        "the camera is too hot",
        "Take it out of the sun and out of thick clothing; where it comes back, fit a heat sink or choose a smaller picture.",
    ),
    "storage_low": Remedy(
        "the card is nearly full",
        "`bodycamd sweep --dry-run` says when room comes back by itself; else put in a larger card.",
    ),
    "clock_untrusted": Remedy(
        "the clock is not synchronised",
        "Let the machine reach a time server (`timedatectl`), or fit a battery-backed clock (`clock.rtc`). "
        "Until then recordings are deleted by running time alone.",
    ),
    "roster_missing": Remedy(
        "no roster is in force: no order reaches this camera",
        "`journalctl -u bodycamd -b` says why. Put the newest roster at `keys.roster` and restart the camera; it records all the same.",
    ),
    "roster_ended": Remedy(
        "the roster has ended: of all orders only holds count",
        "Sign the next one (`bodycamd fleet roster`), put it at `keys.roster` and restart the camera.",
    ),
    "roster_ending": Remedy(
        "the roster ends within two weeks",
        "Sign the next one (`bodycamd fleet roster`), put it at `keys.roster` and restart the camera.",
    ),
    "help_unconfirmed": Remedy(
        "the last call for help, or the last test of one, was not confirmed",
        "Use the radio. `journalctl -u bodycamd-uplink -b` says what the station answered; `bodycamd station help list` what it knows.",
    ),
    "swap_degraded": Remedy(
        "memory can be written to the card",
        "Let the unit set LimitMEMLOCK=infinity, or turn swap off; `bodycamd status --verbose` has the ways, under swap.",
    ),
}
"""What costs most comes first."""
