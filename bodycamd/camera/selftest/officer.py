"""Go or no go before a shift: the running daemon is asked, and shows the verdict on lamp and motor. Within 15 s, nothing recorded.

What the daemon holds it measures itself (`check_parts`); the rest is what it says of itself (`status`). Button and lamps are judged by the
officer, who sees and feels the verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import AskStatus, CheckParts, Logged, PartsSeen, ShowCheck
from bodycamd.camera.daemon.status_message import Status
from bodycamd.camera.selftest import judge_capture, judge_hands, judge_machine, probes
from bodycamd.camera.selftest.measured import (
    BatteryFacts,
    ClockFacts,
    HeatFacts,
    SandboxFacts,
    SpaceFacts,
    SwapFacts,
    VoiceFacts,
)
from bodycamd.camera.selftest.verdict import CheckName, Verdict
from bodycamd.config.settings import Config

CONDITIONS: dict[str, str] = {
    "disk_unusable": "it cannot be used",
    "disk_failing": "a write failed",
    "failing": "the daemon has died and resumed again and again",
    "worker_stuck": "a hung worker holds the camera",
}
"""What `status` calls wrong with what a check cannot try while the daemon runs."""
NOT_WORN: tuple[CheckName, ...] = ("upright", "focus")
"""Nobody holds the target up before a shift."""


def verdicts(client: ControlClient, config: Config) -> list[Verdict]:
    """Measure and judge. Raises what the daemon refuses with: `StoreBusyError` where it records."""
    seen = client.request(CheckParts(), PartsSeen)
    status = client.request(AskStatus(), Status)
    privileges, seccomp = (None, None) if config.board.adapter == "simulated" else probes.process_status(client.daemon_pid())
    return list(judged(seen, status, config, no_new_privileges=privileges, seccomp=seccomp, year=datetime.now(UTC).year))


def show(client: ControlClient, found: list[Verdict]) -> None:
    """Lamp and motor say it, and the ledger keeps it."""
    failed = ", ".join(verdict.check for verdict in found if verdict.outcome == "failed")
    client.request(ShowCheck(failed=failed[:200]), Logged)


def judged(
    seen: PartsSeen, status: Status, config: Config, *, no_new_privileges: bool | None, seccomp: bool | None, year: int
) -> Iterator[Verdict]:
    """The verdicts that the daemon's word allows. Pure."""
    yield judge_hands.at_rest("button_stuck" in status.flags)
    said = VoiceFacts(outcome=seen.outcome, detail=seen.detail)
    captured = judge_capture.all_of(seen.look, said, audio=config.audio, deaf=judge_capture.is_deaf(config))
    yield from (verdict for verdict in captured if verdict.check not in NOT_WORN)
    wrong = [text for flag, text in CONDITIONS.items() if flag in status.flags]
    yield judge_machine.disk_told(", ".join(wrong))
    reserve = config.storage.reserve_minutes
    yield judge_machine.space(SpaceFacts(minutes=status.storage.minutes_left, reserve_minutes=reserve))
    clock = ClockFacts(trusted=status.clock.trusted, source=status.clock.source, year=year)
    yield judge_machine.clock(clock, on_the_bench=False)
    yield judge_machine.battery(_battery(status))
    machine = status.machine
    under = None if machine is None or machine.under_voltage == "not_measurable" else machine.under_voltage
    yield judge_machine.heat(
        HeatFacts() if machine is None else HeatFacts(celsius=machine.celsius, throttled=machine.throttled, under_voltage=under)
    )
    swap = status.swap
    yield judge_machine.swap(SwapFacts(degraded=swap.state == "degraded", because=swap.because, to_do=swap.to_do))
    yield judge_machine.sandbox(SandboxFacts(worker=seen.look.sandbox, no_new_privileges=no_new_privileges, seccomp=seccomp))


def _battery(status: Status) -> BatteryFacts:
    told = status.battery
    silent = "silent" if told.gauge == "silent" else None
    return BatteryFacts(fitted=told.gauge != "none", level=told.level, percent=told.percent, charging=told.charging, fault=silent)
