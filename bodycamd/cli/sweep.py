"""`bodycamd sweep`: delete what may go now, or only say what would go and when."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli.daemon_or_store import AsJson, ask_or_do, with_own_start
from bodycamd.cli.local_time import TimezoneOption, local_time
from bodycamd.cli.output import print_json, say, say_lines, table
from bodycamd.cli.place import ConfigOption, SocketOption, StoreOption, find_owner

if TYPE_CHECKING:
    from bodycamd.camera.keeping.keeper import Keeper
    from bodycamd.config.settings import Config
    from bodycamd.evidence.statements import Caller
    from bodycamd.municipality.words.times import LocalTime
    from bodycamd.retention.deletion import Enter
    from bodycamd.retention.outlook import Plan, Swept, Upcoming


def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go, and when the rest goes.")] = False,
    store: StoreOption = None,
    config: ConfigOption = None,
    socket: SocketOption = None,
    timezone: TimezoneOption = None,
    json: AsJson = False,
) -> None:
    """Delete every recording whose days have provably passed and that nothing holds. The daemon does it by itself, every ten minutes."""
    from bodycamd.camera.daemon.protocol import AskPlan, Sweep
    from bodycamd.retention.outlook import Plan, Swept

    camera = find_owner(store, config, socket)
    local = local_time(timezone, config)
    if dry_run:
        plan: Plan = ask_or_do(camera, AskPlan(), Plan, _read_plan)
    else:
        plan = ask_or_do(camera, Sweep(), Plan, with_own_start(_sweep))
    if json:
        print_json(plan)
        return
    if isinstance(plan, Swept):
        say_lines([f"{recording} is deleted" for recording in plan.deleted] or ["nothing was to be deleted"])
    else:
        words = "would be deleted now" if dry_run else "is being deleted by the daemon"
        say_lines([f"{deletion.recording} {words}" for deletion in plan.deletions] or ["nothing is to be deleted now"])
    _print_upcoming(plan, local)


def _read_plan(config: Config) -> Plan:
    """Without a daemon it is read from the store; nothing is written, and no start is made."""
    from bodycamd.camera.keeping.opening import rules_of
    from bodycamd.linux.clock import SystemClock
    from bodycamd.retention.outlook import read_plan

    return read_plan(Path(config.storage.directory), SystemClock(), rules_of(config))


def _sweep(keeper: Keeper, enter: Enter, caller: Caller) -> Swept:
    from bodycamd.evidence.retention_entries import SweepRequested
    from bodycamd.retention.outlook import Swept

    enter(SweepRequested(caller=caller))
    deleted = keeper.sweep(enter)
    left = keeper.plan()
    return Swept(
        days=left.days,
        clock_confirmed=left.clock_confirmed,
        deletions=left.deletions,
        upcoming=left.upcoming,
        warnings=left.warnings,
        deleted=deleted,
        problems=list(keeper.problems),
    )


def _print_upcoming(plan: Plan, local: LocalTime) -> None:
    from bodycamd.retention.outlook import Swept

    going = {deletion.recording for deletion in plan.deletions}
    rows = [("recording", "proven age", "deletes on", "held for")]
    for item in plan.upcoming:
        if item.recording not in going:
            rows.append((item.recording, f"{item.age_days:.1f} d", when(item, local), ", ".join(item.held_for) or "-"))
    if len(rows) > 1:
        say_lines(table(rows))
    if not plan.clock_confirmed:
        say("the clock is not confirmed now: only running time is proof", err=True)
    for warning in plan.warnings:
        say(f"{warning.recording}: {warning.text}", err=True)
    for problem in plan.problems if isinstance(plan, Swept) else ():
        say(problem, err=True)


def when(item: Upcoming, local: LocalTime) -> str:
    """When a recording goes, in words."""
    if item.held_for:
        return "when released"
    if item.deletes_on is not None:
        return local.wall_beside_utc(item.deletes_on)
    return f"after {item.remaining_days:.1f} d of running" if item.remaining_days is not None else "-"
