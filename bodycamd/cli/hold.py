"""`bodycamd hold`: keep a recording beyond its days, for a complaint, an investigation or an access request, and let it go again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bodycamd.cli.copy_hold import CopyOption, at_copy, hold_copy, list_copy, release_copy
from bodycamd.cli.daemon_or_store import DEFAULT_CONFIG, AsJson, ConfigOption, SocketOption, ask_or_do
from bodycamd.cli.local_time import configured_local_time
from bodycamd.cli.output import print_json, say, say_lines, table
from bodycamd.cli.people import KeyOption, PeopleOption
from bodycamd.cli.recording_id import RecordingArgument

if TYPE_CHECKING:
    from bodycamd.municipality.words.times import LocalTime

app = typer.Typer(help="Keep recordings beyond their days, and let them go again.", no_args_is_help=True)

By = Annotated[str, typer.Option("--by", help="Who decides: a pseudonym such as E-03, or a role such as coordinator; never a name.")]
REASON_HELP = "settled, withdrawn, handed-over, not-needed or mistake."
COLUMNS = ("hold", "recording", "ground", "reference", "by", "since", "review_on")
GROUND_HELP = "complaint, criminal-investigation or access-request."


@app.command()
def add(
    recording: RecordingArgument,
    ground: Annotated[str, typer.Option(help=GROUND_HELP)],
    reference: Annotated[str, typer.Option(help="The case: a number such as Z-2026/00123, never a name or an address.")],
    by: By,
    review_on: Annotated[str, typer.Option(help="The day on which somebody looks whether it is still needed: YYYY-MM-DD.")],
    store: CopyOption = None,
    key: KeyOption = None,
    people: PeopleOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: AsJson = False,
) -> None:
    """Hold a recording: it is not deleted until the hold is released. Signed and on the disk when this returns.

    Each case is a hold of its own, with the id that is printed. Reference and decider stand in the clear in the ledger.
    With --store and --key it is the copy that is held: it is not pruned, whatever the camera does.
    """
    from bodycamd.evidence import pseudonyms
    from bodycamd.retention import holds

    pseudonyms.reference(reference, "--reference")
    pseudonyms.decider(by, "--by")
    arguments = {"recording": recording, "ground": ground, "reference": reference, "by": by, "review_on": review_on}
    if at_copy(store, key):
        hold = hold_copy(store, key, people, arguments)
    else:
        hold, _ = ask_or_do(
            config,
            socket,
            "hold_add",
            arguments,
            lambda keeper, enter, who: keeper.add_hold(arguments, who, enter),
            lambda facts, who, wall_us: holds.added(arguments, who, facts.recordings(), facts.holds, wall_us),
        )
    if json:
        print_json(hold)
    else:
        of_case = f"{recording} is held for {hold['ground']} ({hold['reference']})"
        say(f"{of_case}, hold {hold['hold']}; to be reviewed on {hold['review_on']}")


@app.command()
def release(
    hold: Annotated[str, typer.Argument(help="The hold's id, as `bodycamd hold list` prints it; or the recording's, if that is clear.")],
    reason: Annotated[str, typer.Option(help=REASON_HELP)],
    by: By,
    ground: Annotated[str | None, typer.Option(help=f"With a recording's id, which of its holds: {GROUND_HELP}")] = None,
    store: CopyOption = None,
    key: KeyOption = None,
    people: PeopleOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: AsJson = False,
) -> None:
    """Release a hold. Once nothing holds the recording it goes when its days have passed; that may be at once."""
    from bodycamd.evidence import pseudonyms
    from bodycamd.retention import holds
    from bodycamd.store.names import recording_start

    pseudonyms.release_reason(reason, "--reason")
    pseudonyms.decider(by, "--by")
    named = "recording" if recording_start(hold) is not None else "hold"
    arguments = {"hold": None, "recording": None, named: hold, "ground": ground, "reason": reason, "by": by}
    if at_copy(store, key):
        result = release_copy(store, key, people, {**arguments, "hold": hold})
    else:
        result, _ = ask_or_do(
            config,
            socket,
            "hold_release",
            arguments,
            lambda keeper, enter, who: keeper.release_hold(arguments, who, enter),
            lambda facts, who, _: holds.released(arguments, who, facts.recordings(), facts.holds),
        )
    if json:
        print_json(result)
    elif result["still_held_for"]:
        still = " and ".join(sorted(set(result["still_held_for"])))
        say(f"{result['recording']}: hold {result['hold']} is over; it is still held for {still}")
    else:
        say(f"{result['recording']} is no longer held")


@app.command("list")
def list_holds(
    store: CopyOption = None,
    people: PeopleOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: AsJson = False,
) -> None:
    """List all holds. Asked of the daemon; with none running, read from the store. With --store, those at a copy."""
    if store is not None:
        _print_holds(list_copy(store, people), (*COLUMNS, "signed_by"), configured_local_time(config), json)
        return
    from bodycamd.camera.daemon.client import ControlClient
    from bodycamd.config import load as configuration
    from bodycamd.errors import UnavailableError
    from bodycamd.retention.outlook import hold_fields, read_retention

    settings = configuration.load(config) if socket is None or config.exists() else None
    holds: list[dict[str, Any]]
    try:
        from pathlib import Path

        with ControlClient(socket or Path(settings.control.socket if settings is not None else "")) as client:
            holds = client.request("hold_list")
    except UnavailableError:
        if settings is None:
            raise
        retention = read_retention(Path(settings.storage.directory))
        holds = [hold_fields(hold) for _, held in sorted(retention.holds.items()) for hold in held]
    _print_holds(holds, COLUMNS, configured_local_time(config), json)


def _print_holds(holds: list[dict[str, Any]], columns: tuple[str, ...], local: LocalTime, json: bool) -> None:
    if json:
        print_json(holds)
        return
    if not holds:
        say("nothing is held")
    else:
        headings = tuple(name.replace("_", " ") for name in columns)
        shown = [{**hold, "since": local.wall_beside_utc(hold["since"])} for hold in holds]
        say_lines(table([headings, *(tuple(hold[name] for name in columns) for hold in shown)]))
