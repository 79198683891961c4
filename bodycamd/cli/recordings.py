"""`bodycamd recordings`: what is in a store, how long it stays, and what became of it. Reads only; a copy of a store will do, and no key is
needed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from msgspec import structs
from msgspec.structs import asdict

from bodycamd.cli.local_time import TimezoneOption, local_time
from bodycamd.cli.output import counted, duration, fitted, print_json, say, say_lines, size, table, tell_broken
from bodycamd.cli.place import ConfigOption, SocketOption, StoreOption, find_place
from bodycamd.cli.recording_id import RecordingArgument, RecordingOption
from bodycamd.evidence.statements import wall_text, wall_us
from bodycamd.foreign_text import Json
from bodycamd.municipality.words.language import Language

if TYPE_CHECKING:
    from bodycamd.municipality.words.times import LocalTime
    from bodycamd.retention.outlook import Retention
    from bodycamd.store.reader import RecordingInfo

LISTED = ("recording", "opened", "age", "length", "size", "state", "warning", "deletes on", "held for")
DAY_US = 86_400e6
app = typer.Typer(help="List, show and check the recordings of a store, and what became of them.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_recordings(
    store: StoreOption = None,
    config: ConfigOption = None,
    socket: SocketOption = None,
    timezone: TimezoneOption = None,
    json: AsJson = False,
) -> None:
    """List all recordings, the oldest first."""
    from bodycamd.cli.mirror import readable_store
    from bodycamd.retention.outlook import read_recordings

    place = find_place(store, config, socket)
    local = local_time(timezone, config)
    with readable_store(place) as reader:
        found, retention = read_recordings(reader)
    tell_broken(retention.broken)
    if json:
        print_json([{**_fields(info), **structs.asdict(_stay(info.id, retention))} for info in found])
        return
    if not found:
        say(f"{place.store}: no recordings")
        return
    cells = [{**_cells(info, local), **_stay_cells(info.id, retention, local)} for info in found]
    say_lines(table([LISTED, *(tuple(line[name] for name in LISTED) for line in cells)]))
    length = duration(sum(info.duration_us for info in found) / 1e6)
    held = sum(1 for info in found if retention.holds.get(info.id))
    total = size(sum(info.bytes for info in found))
    kept = counted(retention.rules.days, "day")
    say_lines(fitted(f"{counted(len(found), 'recording')}, {length}, {total}; {held} held; kept for {kept}"))


@app.command()
def show(
    recording: RecordingArgument,
    store: StoreOption = None,
    config: ConfigOption = None,
    socket: SocketOption = None,
    timezone: TimezoneOption = None,
    json: AsJson = False,
) -> None:
    """Show one recording and its segments."""
    from bodycamd.cli.mirror import readable_store
    from bodycamd.retention.holds import HoldInfo
    from bodycamd.retention.outlook import read_retention

    place = find_place(store, config, socket)
    local = local_time(timezone, config)
    with readable_store(place) as reader:
        retention = read_retention(reader.directory)
        info = reader.recording(recording)
        files = [(place.store / path.relative_to(reader.directory), count) for path, count in reader.sizes(recording)]
    tell_broken(retention.broken)
    if json:
        holds = [HoldInfo.of(hold) for hold in retention.holds.get(recording, ())]
        listed: list[Json] = [{"path": str(path), "bytes": count} for path, count in files]
        print_json({**_fields(info), **structs.asdict(_stay(recording, retention)), "holds": holds, "files": listed})
        return
    for name, value in {**_cells(info, local), "resumes": info.resumes or "-", **_stay_cells(recording, retention, local)}.items():
        say_lines(fitted(f"{name:<12} {value}"))
    for hold in retention.holds.get(recording, ()):
        words = f"for {hold.ground} ({hold.reference}) by {hold.by} since {local.day(hold.since)}, review on {hold.review_on}"
        say_lines(fitted(f"{'hold':<12} {words}"))
    for path, count in files:
        say_lines(fitted(f"{path}  {size(count)}"))


@app.command()
def log(
    store: StoreOption = None,
    config: ConfigOption = None,
    recording: RecordingOption = None,
    since: Annotated[str, typer.Option(help="Only from this local day on: YYYY-MM-DD.")] = "",
    socket: SocketOption = None,
    timezone: TimezoneOption = None,
    json: AsJson = False,
) -> None:
    """Read the ledger as sentences, the oldest first."""
    from bodycamd.cli.mirror import readable_store
    from bodycamd.municipality.verify.past import ledger_of
    from bodycamd.municipality.words.sentences import sentences

    place = find_place(store, config, socket)
    local = local_time(timezone, config)
    with readable_store(place) as reader:
        ledger = ledger_of(reader.directory)
        for line in sentences(ledger, local, recording=recording, since=since):
            if json:
                print_json(line)
            else:
                say_lines(fitted(f"{local.wall_beside_utc(line.wall)}  {line.text}"))
    tell_broken(ledger.broken)


@app.command()
def check(store: StoreOption = None, config: ConfigOption = None, json: AsJson = False) -> None:
    """Find what is in the store without an entry, and entries without their footage. Ends with 65 where there is any.

    Names and sizes are compared with the ledger's entries; `bodycamd verify` checks the bytes and signatures.
    """
    from bodycamd.municipality.verify.store_check import inventory

    findings, recordings = inventory(find_place(store, config).store)
    if json:
        print_json({"recordings": recordings, "findings": findings})
    else:
        for finding in findings:
            say(f"{finding.path}: {finding.problem}")
        say(f"{counted(recordings, 'recording')}, {counted(len(findings), 'finding')}")
    if findings:
        raise typer.Exit(65)


@app.command()
def certificate(
    recording: RecordingArgument,
    store: StoreOption = None,
    config: ConfigOption = None,
    out: Annotated[Path | None, typer.Option(help="The certificate to write, in JSON; without it, it is printed.")] = None,
    html: Annotated[Path | None, typer.Option(help="Also write it as a page to read and print.")] = None,
    with_holds: Annotated[
        bool, typer.Option("--with-holds", help="Also tell of holds: case numbers and pseudonyms; not for third parties.")
    ] = False,
    language: Annotated[Language, typer.Option(help="The page's language.")] = "nl",
    timezone: TimezoneOption = None,
) -> None:
    """Certify that a recording was deleted: the camera's own signed lines, which stock tools verify (docs/retention.md)."""
    from bodycamd.errors import UsageError
    from bodycamd.linux.new_file import write_new
    from bodycamd.municipality.publish.certificate import certify
    from bodycamd.municipality.publish.certificate_page import page

    if out is not None and out == html:
        raise UsageError(f"{out}: --out and --html name the same file")
    place = find_place(store, config)
    local = local_time(timezone, config)
    made = certify(place.store, recording, with_holds=with_holds)
    files: dict[Path, bytes] = {}
    if out is not None:
        files[out] = msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n"
    if html is not None:
        files[html] = page(made, language, local).encode()
    write_new(files)
    if not files:
        print_json(made)
    for path in files:
        found, stated = made.segments_deleted, made.segments_recorded
        known = found is not None and stated is not None
        some = f"; it recorded {stated} segments and found {found} when it deleted them" if known and found != stated else ""
        say(f"{path}: the deletion of {recording} is certified{some}")


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """How long a recording stays, for programs. `deletes_on` is text of the wall clock, where something tells."""

    deletes_on: str | None
    remaining_days: float | None
    held_for: list[str]


def _stay(recording: str, retention: Retention) -> Stay:
    outlook = retention.outlooks.get(recording)
    held = [hold.ground for hold in retention.holds.get(recording, ())]
    known = outlook is not None and outlook.deletes_on_us is not None and not held
    return Stay(
        deletes_on=wall_text(outlook.deletes_on_us or 0) if outlook is not None and known else None,
        remaining_days=round(outlook.remaining_us / DAY_US, 3) if outlook is not None and not held else None,
        held_for=held,
    )


def _stay_cells(recording: str, retention: Retention, local: LocalTime) -> dict[str, str]:
    stay = _stay(recording, retention)
    if recording not in retention.outlooks:
        deletes_on = "-"
    elif stay.held_for:
        deletes_on = "when released"
    elif stay.deletes_on is not None:
        deletes_on = local.wall_beside_utc(stay.deletes_on)
    else:
        deletes_on = f"after {stay.remaining_days:.1f} d running"
    return {"deletes on": deletes_on, "held for": ", ".join(stay.held_for) or "-"}


def _age(opened: str) -> str:
    """By the clock of whoever reads."""
    if not opened:
        return "-"
    days = (time.time() - wall_us(opened, "opened") / 1e6) / 86_400
    return f"{days:.0f} d" if days >= 2 else f"{days * 24:.0f} h" if days >= 0 else "-"


def _fields(info: RecordingInfo) -> dict[str, str | int | None]:
    """For programs, which know the id by the name that it has everywhere else."""
    return {"recording" if name == "id" else name: value for name, value in asdict(info).items()}


def _cells(info: RecordingInfo, local: LocalTime) -> dict[str, str]:
    return {
        "recording": info.id,
        "opened": local.wall_beside_utc(info.opened) if info.opened else "-",
        "age": _age(info.opened),
        "length": duration(info.duration_us / 1e6),
        "fragments": str(info.fragments),
        "size": size(info.bytes),
        "segments": str(info.segments),
        "received": f"{info.received} of {info.segments} by a station" if info.received else "-",
        "state": f"{info.state}: {info.reason}" if info.reason else info.state,
        "warning": info.warning.replace("_", " ") or "-",
    }
