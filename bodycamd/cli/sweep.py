"""`bodycamd sweep`: delete what may go now, or only say what would go and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bodycamd.cli.daemon_or_store import DEFAULT_CONFIG, AsJson, ConfigOption, SocketOption, ask_or_do
from bodycamd.cli.local_time import configured_local_time
from bodycamd.cli.output import print_json, say, say_lines, table

if TYPE_CHECKING:
    from bodycamd.municipality.words.times import LocalTime


def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go, and when the rest goes.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: AsJson = False,
) -> None:
    """Delete every recording whose days have provably passed and that nothing holds. The daemon does it by itself, every ten minutes."""
    local = configured_local_time(config)
    if dry_run:
        plan, _ = _plan(config, socket)
        deleted: list[str] | None = None
    else:
        plan, by_daemon = ask_or_do(config, socket, "sweep", {}, _sweep_alone)
        deleted = None if by_daemon else plan["deleted"]
    if json:
        print_json(plan)
        return
    if deleted is not None:
        say_lines([f"{recording} is deleted" for recording in deleted] or ["nothing was to be deleted"])
    else:
        going = [deletion["recording"] for deletion in plan["deletions"]]
        words = "would be deleted now" if dry_run else "is being deleted by the daemon"
        say_lines([f"{recording} {words}" for recording in going] or ["nothing is to be deleted now"])
    _print_upcoming(plan, local)


def _plan(config: Any, socket: Any) -> tuple[Any, bool]:
    """Without a daemon it is read from the store; nothing is written, and no start is made."""
    from pathlib import Path

    from bodycamd.camera.daemon.client import ControlClient
    from bodycamd.config import load as configuration
    from bodycamd.errors import UnavailableError
    from bodycamd.retention.outlook import read_plan

    settings = configuration.load(config) if socket is None or config.exists() else None
    try:
        with ControlClient(socket or Path(settings.control.socket if settings is not None else "")) as client:
            return client.request("retention_plan"), True
    except UnavailableError:
        if settings is None:
            raise
    from bodycamd.camera.keeping.opening import rules_of
    from bodycamd.linux.clock import SystemClock

    return read_plan(Path(settings.storage.directory), SystemClock(), rules_of(settings)), False


def _sweep_alone(keeper: Any, enter: Any, caller: Any) -> dict[str, Any]:
    from bodycamd.evidence.retention_entries import SweepRequested

    enter(SweepRequested(caller=caller))
    deleted = keeper.sweep(enter)
    return {**keeper.plan(), "deleted": deleted, "problems": list(keeper.problems)}


def _print_upcoming(plan: Mapping[str, Any], local: LocalTime) -> None:
    going = {deletion["recording"] for deletion in plan["deletions"]}
    rows = [("recording", "proven age", "deletes on", "held for")]
    for item in plan["upcoming"]:
        if item["recording"] not in going:
            rows.append((item["recording"], f"{item['age_days']:.1f} d", when(item, local), ", ".join(item["held_for"]) or "-"))
    if len(rows) > 1:
        say_lines(table(rows))
    if not plan["clock_confirmed"]:
        say("the clock is not confirmed now: only running time is proof", err=True)
    for warning in plan["warnings"]:
        say(f"{warning['recording']}: {warning['text']}", err=True)
    for problem in plan.get("problems", []):
        say(problem, err=True)


def when(item: Mapping[str, Any], local: LocalTime) -> str:
    """When a recording goes, in words."""
    if item["held_for"]:
        return "when released"
    if item["deletes_on"] is not None:
        return local.wall_beside_utc(item["deletes_on"])
    return f"after {item['remaining_days']:.1f} d of running" if item["remaining_days"] is not None else "-"
