"""`bodycamd station`: where the footage of a municipality's cameras comes in."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli import mistakes, station_bundle, station_copies, station_help
from bodycamd.cli.daemon_or_store import AsJson
from bodycamd.cli.output import counted, print_json, say, say_lines, table
from bodycamd.cli.recording_id import RecordingArgument
from bodycamd.cli.station_lists import CameraAt, OrderAt, StampAt
from bodycamd.cli.station_option import DEFAULT_STATION, FileArgument
from bodycamd.config.problems import Problem
from bodycamd.errors import DataError

app = typer.Typer(help="The station: takes in what cameras send, and gives receipts.", no_args_is_help=True)
app.add_typer(station_help.app, name="help")
app.add_typer(station_bundle.app, name="bundle")

app.command("copies")(station_copies.list_copies)


@app.command("init")
def init(
    folder: Annotated[Path, typer.Argument(help="Where its key is made.", readable=False)] = DEFAULT_STATION.parent,
    name: Annotated[str, typer.Option(help="What the roster calls it.")] = "station-1",
) -> None:
    """Make a station's key, and print its line for the fleet file.

    The key signs receipts. It opens no footage and orders no camera: if it is lost, make another one and sign the next roster.
    """
    from bodycamd.municipality.station.opening import make_key

    path = folder / f"{name}.key"
    key = make_key(path)
    say(f"made {path}: it stays here; nobody else needs it")
    say("for the fleet file, under stations:")
    say_lines([f"  - {{id: {name}, key: {key.public.raw.hex()}}}"])


@app.command("push-key")
def push_key(
    folder: Annotated[Path, typer.Argument(help="Where it is made.", readable=False)] = DEFAULT_STATION.parent,
    name: Annotated[str, typer.Option(help="What the roster calls the station.")] = "station-1",
) -> None:
    """Make a station's key for Web Push, and print its public half: what a page subscribes a browser with.

    One that is there is never replaced, for every subscription is for that key alone: then its public half is printed again.
    """
    from bodycamd.municipality.station.push_key import make

    path = folder / f"{name}.push.key"
    key, new = make(path)
    say(f"made {path}: it stays here; nobody else needs it" if new else f"{path} is there already")
    say("for the page that subscribes, as applicationServerKey:")
    say_lines([key.public])


@app.command("check")
def check(
    file: FileArgument = DEFAULT_STATION,
    text_only: Annotated[bool, typer.Option("--text-only", help="Do not look at the files that it names.")] = False,
    json: Annotated[bool, typer.Option("--json", help='Print {"file":…,"ok":…,"problems":[…],"warnings":[…]}.')] = False,
) -> None:
    """Check a station's configuration and the files that it names, as the station does at its start: run it as the station's user.

    Ends with 0, or with 78 and a line for each mistake: file, line, key, reason, and what is allowed. What may be so today and not
    tomorrow, such as a receiver's disk that is not mounted, is a warning. No network is asked.
    """
    from bodycamd.config.load import read
    from bodycamd.municipality.station.named_files import look
    from bodycamd.municipality.station.station_file import judge_station, placed

    raw, warnings = read(file), list[Problem]()
    settings, problems = judge_station(raw)
    if settings is not None and not text_only:
        problems, warnings = (placed(raw, found) for found in look(settings, time.time_ns() // 1000))
    mistakes.tell(file, "the station's configuration", problems, warnings, json)


@app.command("run")
def run(file: FileArgument = DEFAULT_STATION) -> None:
    """Run a station until it is stopped. A proxy in front of it ends TLS."""
    from bodycamd.municipality.station.service import serve
    from bodycamd.municipality.station.station_file import load_station

    serve(load_station(file), say)


@app.command("rebuild")
def rebuild(
    file: FileArgument = DEFAULT_STATION,
    forwarded_from: Annotated[
        str | None, typer.Option(help="Of what this municipality has forwarded here: a name of `forwarded_from`.")
    ] = None,
) -> None:
    """Make the index anew, from what cameras signed and the station's own receipts and log.

    The station is stopped, and the old index moved away. Ends with 65 where something does not verify; the rest is in the index then.
    """
    from bodycamd.municipality.station.service import rebuild_forwarded_index, rebuild_index
    from bodycamd.municipality.station.station_file import load_station

    settings = load_station(file)
    done = rebuild_index(settings) if forwarded_from is None else rebuild_forwarded_index(settings, forwarded_from)
    for problem in done.problems:
        say(f"bodycamd: {problem}", err=True)
    log_lines, documents = counted(done.audit_lines, "line"), counted(done.documents, "document")
    say(f"{counted(done.cameras, 'camera')}, {counted(done.receipts, 'receipt')}, {documents}, {log_lines} of the log")
    if done.problems:
        raise typer.Exit(DataError.exit_code)


@app.command("backup")
def backup(
    folder: Annotated[Path, typer.Argument(help="Where it is written, beside the earlier ones.", readable=False)],
    file: FileArgument = DEFAULT_STATION,
    keep_days: Annotated[int, typer.Option(min=1, max=7, help="Older ones of this station are removed from there.")] = 7,
) -> None:
    """Back up what cameras and people signed, and the station's receipts and log, whether it runs or not. No footage, no key.

    Keep the station's key, its configuration and root.json by themselves: they are in no backup.
    """
    from bodycamd.municipality.station.service import make_backup
    from bodycamd.municipality.station.station_file import load_station

    done = make_backup(load_station(file), folder, keep_days)
    for problem in done.problems:
        say(f"bodycamd: {problem}", err=True)
    removed = f"; {counted(len(done.removed), 'older backup')} removed" if done.removed else ""
    say(f"{done.path}: {counted(done.files, 'file')}; the station's word on it is beside it, .sig{removed}")
    if done.problems:
        raise typer.Exit(DataError.exit_code)


@app.command("restore")
def restore(
    backup_file: Annotated[Path, typer.Argument(metavar="BACKUP", help="A .tar of bodycamd station backup.", readable=False)],
    file: FileArgument = DEFAULT_STATION,
) -> None:
    """Restore a station from a backup, before it serves again.

    The station is stopped, and the old index moved away. What is here already, and goes on from the backup, stays. Ends with 65 where
    something does not verify, or footage that has a receipt is not here; the rest is restored then.
    """
    from bodycamd.municipality.station.service import restore_backup
    from bodycamd.municipality.station.station_file import load_station

    done = restore_backup(load_station(file), backup_file)
    lost = [f"{device}: {recording}/{name} has a receipt, and is not in the storage" for device, recording, name in done.lost]
    unknown = [f"{device}: {recording} is in the storage, and no ledger here states it yet" for device, recording in done.unknown]
    for problem in (*done.rebuilt.problems, *lost, *unknown):
        say(f"bodycamd: {problem}", err=True)
    found = done.rebuilt
    told = [counted(found.cameras, "camera"), counted(found.receipts, "receipt"), counted(found.documents, "document")]
    say(f"restored from the backup of {done.made_at}: {', '.join(told)}, {counted(found.audit_lines, 'line')} of the log")
    if done.deleted_again:
        say(f"{counted(done.deleted_again, 'recording')} that the log states as deleted had come back: deleted again")
    say("nothing is deleted yet: bring again the orders that came after it (bodycamd station order), then: bodycamd station orders-brought")
    if found.problems or done.lost or done.unknown:
        raise typer.Exit(DataError.exit_code)


@app.command("orders-brought")
def orders_brought(file: FileArgument = DEFAULT_STATION) -> None:
    """After a restore: the orders that came after the backup are here again. From here on copies whose term is over are deleted.

    A camera that nothing comes from holds its own copies back for a week more. Ends with 65 where the station was never restored.
    """
    from bodycamd.municipality.station.service import orders_are_brought
    from bodycamd.municipality.station.station_file import load_station

    if not orders_are_brought(load_station(file)):
        raise DataError("this station was not restored: nothing waits for orders")
    say("stated: copies whose term is over are deleted again")


@app.command("order")
def order(
    order_file: Annotated[Path, typer.Argument(metavar="ORDER", help="A signed order, or a suspension.", readable=False)],
    file: FileArgument = DEFAULT_STATION,
) -> None:
    """Have a station bring a signed order, or a suspension, to its cameras, whether it runs or not. Twice does no harm.

    Ends with 65 where somebody whom it names has not signed it, or the roster in force does not list a person or a camera of it. Whether it
    is carried out is each camera's to decide: bodycamd station orders.
    """
    from bodycamd.linux.foreign import read_named
    from bodycamd.municipality.station.orders import MAX_TAKEN_BYTES
    from bodycamd.municipality.station.service import lacks_bundle, take_order
    from bodycamd.municipality.station.station_file import load_station

    settings, raw = load_station(file), read_named(order_file, MAX_TAKEN_BYTES)
    taken = take_order(settings, raw)
    say(f"{taken.id}: {'kept' if taken.new else 'was kept already'}, for {', '.join(taken.cameras)}")
    if (missing := lacks_bundle(settings, raw)) is not None:
        say(f"bodycamd: this station does not have bundle {missing}: no camera fetches it before bodycamd station bundle add", err=True)


@app.command("forward")
def forward(
    order_file: Annotated[Path, typer.Argument(metavar="ORDER", help="A signed order to forward.", readable=False)],
    file: FileArgument = DEFAULT_STATION,
) -> None:
    """Give a recording, sealed as it is, to a receiver of the station's configuration, with the camera's ledger and its receipts.

    By an order that a person with the role evidence signed (bodycamd order sign forward). Done again it goes on where it was. A standing
    order is kept, and the station that runs forwards by itself; so is one that ends it (bodycamd order sign end-forward). Ends with 65
    where the recording is not closed, not all here, or does not verify at the receiver; with 66 for an unknown receiver; with 69 where its
    disk is not mounted; with 77 where who signed may not.
    """
    from bodycamd.evidence.orders import MAX_ORDER_BYTES
    from bodycamd.linux.foreign import read_named
    from bodycamd.municipality.station.orders import Taken
    from bodycamd.municipality.station.service import forward as carry_out
    from bodycamd.municipality.station.station_file import load_station

    done = carry_out(load_station(file), read_named(order_file, 2 * MAX_ORDER_BYTES))
    if isinstance(done, Taken):
        kept = "kept" if done.new else "was kept already"
        say(f"{done.id}: {kept}, for {', '.join(done.cameras)}: the station that runs goes by it")
        return
    note = done.note
    how = "is forwarded" if done.new else "was forwarded already"
    say(f"{note.recording} of {note.device} {how} to {note.receiver} ({note.controller}): {done.store}")
    say(f"there it is kept {counted(note.keeps_days, 'day')}, by another controller than the municipality")


@app.command("orders")
def list_orders(file: FileArgument = DEFAULT_STATION, json: AsJson = False) -> None:
    """List the orders that a station has, and how far each has come at each camera.

    Done is what a ledger that has come and verified states; sent, and seen by the camera's uplink, is what the station noticed.
    """
    from bodycamd.municipality.station.service import opened_orders
    from bodycamd.municipality.station.station_file import load_station

    with opened_orders(load_station(file)) as index:
        found = index.deliveries()
    told = [OrderAt.of(one) for one in found]
    if json:
        print_json(told)
        return
    rows = [(one.order[:16], one.kind, ", ".join(one.people), one.camera, one.state, one.outcome, one.ledger) for one in told]
    say_lines(table([("order", "kind", "by", "camera", "state", "outcome", "ledger"), *rows]) if rows else ["no orders"])


@app.command("cameras")
def list_cameras(file: FileArgument = DEFAULT_STATION, json: AsJson = False) -> None:
    """List the cameras that have asked a station for orders: when last, and what each said of itself."""
    from bodycamd.municipality.station.service import opened_orders
    from bodycamd.municipality.station.station_file import load_station

    with opened_orders(load_station(file)) as index:
        found = [CameraAt.of(one) for one in index.presences()]
    if json:
        print_json(found)
        return
    rows = [(one.camera, one.seen, one.battery, one.free, one.waiting) for one in found]
    say_lines(table([("camera", "last seen", "battery", "free", "to be sent"), *rows]) if rows else ["no camera has asked for orders"])


@app.command("stamps")
def list_stamps(file: FileArgument = DEFAULT_STATION, json: AsJson = False) -> None:
    """List the time stamps over a station's log (RFC 3161), each held against the log and the authority's certificates.

    Ends with 65 where one is no stamp over this log.
    """
    from bodycamd.municipality.station import service
    from bodycamd.municipality.station.station_file import load_station

    told = [StampAt.of(one) for one in service.list_stamps(load_station(file))]
    if json:
        print_json(told)
    else:
        rows = [(str(one.line), one.head[:16], one.at, one.problem or "verifies") for one in told]
        say_lines(table([("line", "head", "stamped at", "verdict"), *rows]) if rows else ["the log has not been stamped yet"])
    if any(one.problem for one in told):
        raise typer.Exit(DataError.exit_code)


@app.command("certificate")
def certificate(
    recording: RecordingArgument,
    camera: Annotated[str, typer.Option(help="The camera that recorded it.")],
    out: Annotated[Path, typer.Option(help="The certificate to write.")],
    file: FileArgument = DEFAULT_STATION,
) -> None:
    """Certify, with the station's key, that its copy of a recording is gone: all of it, and why it might.

    For the camera's own place: bodycamd recordings certificate --store DATA/cameras/CAMERA/store.
    """
    from bodycamd.linux.new_file import write_new
    from bodycamd.municipality.station.service import certify
    from bodycamd.municipality.station.station_file import load_station

    made = certify(load_station(file), camera, recording)
    write_new({out: made.file_bytes})
    say(f"{out}: the station's copy of {recording} of {camera} is certified as deleted")
