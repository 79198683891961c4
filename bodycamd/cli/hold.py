"""`bodycamd hold`: keep a recording beyond its days, for a complaint, an investigation or an access request, and let it go again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import structs

from bodycamd.cli.copy_hold import CopyOption, at_copy, hold_copy, list_copy, release_copy
from bodycamd.cli.daemon_or_store import AsJson, ask_or_do, with_own_start
from bodycamd.cli.local_time import TimezoneOption, local_time
from bodycamd.cli.output import counted, print_json, say, say_lines, table, tell_broken
from bodycamd.cli.passphrases import PassphraseFile
from bodycamd.cli.people import KeyOption, PeopleOption
from bodycamd.cli.place import ConfigOption, SocketOption, find_owner, find_place
from bodycamd.cli.recording_id import RecordingArgument

if TYPE_CHECKING:
    from bodycamd.config.settings import Config
    from bodycamd.municipality.words.times import LocalTime
    from bodycamd.retention.holds import HoldInfo

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
    passphrase_file: PassphraseFile = None,
    people: PeopleOption = None,
    config: ConfigOption = None,
    socket: SocketOption = None,
    json: AsJson = False,
) -> None:
    """Hold a recording: it is not deleted until the hold is released. Signed and on the disk when this returns.

    Each case is a hold of its own, with the id that is printed. Reference and decider are in the clear in the ledger.
    With --store and --key it is the copy that is held: it is not pruned, whatever the camera does.
    """
    from bodycamd.camera.daemon.protocol import AddHold
    from bodycamd.evidence import pseudonyms
    from bodycamd.retention.holds import HoldInfo, added

    pseudonyms.reference(reference, "--reference")
    pseudonyms.decider(by, "--by")
    asked = AddHold(recording=recording, ground=ground, reference=reference, by=by, review_on=review_on)
    if at_copy(store, key, config):
        hold: HoldInfo = hold_copy(store, key, passphrase_file, people, asked)
    else:
        alone = with_own_start(
            lambda keeper, enter, who: keeper.add_hold(asked, who, enter),
            lambda facts, who, wall_us: added(asked, who, facts.recordings(), facts.holds, wall_us),
        )
        hold = ask_or_do(find_owner(None, config, socket), asked, HoldInfo, alone)
    if json:
        print_json(hold)
    else:
        say(f"{recording} is held for {hold.ground} ({hold.reference}), hold {hold.hold}; to be reviewed on {hold.review_on}")


@app.command()
def release(
    hold: Annotated[str, typer.Argument(help="The hold's id, as `bodycamd hold list` prints it; or the recording's, if that is clear.")],
    reason: Annotated[str, typer.Option(help=REASON_HELP)],
    by: By,
    ground: Annotated[str | None, typer.Option(help=f"With a recording's id, which of its holds: {GROUND_HELP}")] = None,
    store: CopyOption = None,
    key: KeyOption = None,
    passphrase_file: PassphraseFile = None,
    people: PeopleOption = None,
    config: ConfigOption = None,
    socket: SocketOption = None,
    json: AsJson = False,
) -> None:
    """Release a hold. Once nothing holds the recording it goes when its days have passed; that may be at once."""
    from bodycamd.camera.daemon.protocol import ReleaseHold
    from bodycamd.evidence import pseudonyms
    from bodycamd.retention.holds import ReleasedHold, released
    from bodycamd.store.names import recording_start

    pseudonyms.release_reason(reason, "--reason")
    pseudonyms.decider(by, "--by")
    of_recording = recording_start(hold) is not None
    asked = ReleaseHold(hold=None if of_recording else hold, recording=hold if of_recording else None, ground=ground, reason=reason, by=by)
    if at_copy(store, key, config):
        result = release_copy(store, key, passphrase_file, people, asked)
    else:
        alone = with_own_start(
            lambda keeper, enter, who: keeper.release_hold(asked, who, enter),
            lambda facts, who, _: released(asked, who, facts.recordings(), facts.holds),
        )
        result = ask_or_do(find_owner(None, config, socket), asked, ReleasedHold, alone)
    if json:
        print_json(result)
    elif result.still_held_for:
        still = " and ".join(sorted(set(result.still_held_for)))
        say(f"{result.recording}: hold {result.hold} is over; it is still held for {still}")
    else:
        say(f"{result.recording} is no longer held")


@app.command("list")
def list_holds(
    store: CopyOption = None,
    people: PeopleOption = None,
    config: ConfigOption = None,
    socket: SocketOption = None,
    timezone: TimezoneOption = None,
    json: AsJson = False,
) -> None:
    """List all holds. Asked of the daemon; with none running, read from the store.

    With --store, those at a copy; what the camera's own ledger in it holds is listed below them. With --json only those at the copy are,
    and the others are counted on standard error.
    """
    if store is not None:
        find_place(store, config)
        _print_both(store, people, local_time(timezone, config), json)
        return
    from bodycamd.camera.daemon.protocol import ListHolds
    from bodycamd.retention.holds import HoldInfo

    camera = find_owner(None, config, socket)
    local = local_time(timezone, config)
    holds = ask_or_do(camera, ListHolds(), list[HoldInfo], _read_holds)
    if json:
        print_json(holds)
    elif not holds:
        say("nothing is held")
    else:
        _print_holds(holds, COLUMNS, local)


def _read_holds(config: Config) -> list[HoldInfo]:
    return _stated_holds(Path(config.storage.directory))


def _stated_holds(store: Path) -> list[HoldInfo]:
    """What the camera's own ledger holds, as far as it verifies; where it does not to its end, that is told."""
    from bodycamd.retention.holds import listed
    from bodycamd.retention.outlook import read_retention

    retention = read_retention(store)
    tell_broken(retention.broken)
    return listed(retention.holds)


def _print_both(store: Path, people: Path | None, local: LocalTime, json: bool) -> None:
    """What is held at a copy, and what the camera's ledger in it holds."""
    held, stated = list_copy(store, people), _stated_holds(store)
    by_camera = f"the camera's own ledger in {store} has {counted(len(stated), 'hold')}"
    if json:
        print_json(held)
        if stated:
            say(f"{by_camera}: `bodycamd recordings list --store` shows on what", err=True)
        return
    if held:
        _print_holds(held, (*COLUMNS, "signed_by"), local)
    else:
        say(f"{store}: nothing is held at this copy")
    if stated:
        say(f"{by_camera}, as far as it was copied:")
        _print_holds(stated, COLUMNS, local)


def _print_holds(holds: Sequence[HoldInfo], columns: tuple[str, ...], local: LocalTime) -> None:
    headings = tuple(name.replace("_", " ") for name in columns)
    shown = [structs.replace(hold, since=local.wall_beside_utc(hold.since)) for hold in holds]
    say_lines(table([headings, *(tuple(getattr(hold, name) for name in columns) for hold in shown)]))
