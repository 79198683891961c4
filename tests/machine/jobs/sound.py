"""Sound cards of the kernel's own drivers, opened as the capture worker and the voice open them. Runs in the virtual camera; the service
itself does not: its liveness is for real time, which an emulated processor beside others does not keep."""

from __future__ import annotations

from tests.machine.jobs.guest import run


def main() -> None:
    """`opened.json` of the share, with what was heard and played as raw samples beside it."""
    run("/opt/bodycamd/current/bin/python", "-B", "-m", "tests.machine.jobs.sound_opened")
