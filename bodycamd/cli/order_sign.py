"""`bodycamd order sign KIND`: what is signed is printed before the passphrase is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from bodycamd.cli import fleet_option
from bodycamd.cli.local_time import TimezoneOption, local_time
from bodycamd.cli.output import say
from bodycamd.cli.passphrases import PassphraseFile, asking
from bodycamd.errors import OutputError, UsageError
from bodycamd.foreign_text import shown

if TYPE_CHECKING:
    from bodycamd.evidence.keys import SigningKey
    from bodycamd.evidence.orders import Body, Interval, Order, SignedOrder
    from bodycamd.evidence.roster import SignedRoster
    from bodycamd.municipality.words.times import LocalTime

app = typer.Typer(help="Sign an order with a person's key: ID.key.pem of `bodycamd keys person for-fleet`.", no_args_is_help=True)

KeyOption = Annotated[Path, typer.Option("--key", help="Your signing key.", readable=False)]
RosterOption = Annotated[
    Path, typer.Option("--roster", help="The newest roster: it says what you may, and for which cameras.", readable=False)
]
Person = Annotated[str, typer.Option("--person", help="Your pseudonym, such as E-03, as the roster has it.")]
Out = Annotated[Path, typer.Option(help="The order's file, to be carried to the camera. It must not exist.")]
Cameras = Annotated[list[str], typer.Option("--camera", help="For this camera; again for others.")]
StationAddress = Annotated[str | None, typer.Option(help="Send it there at once: the station's address, such as https://….")]
Certificates = Annotated[Path | None, typer.Option("--ca", help="Certificates (PEM) that the station's must lead to.", readable=False)]
Days = Annotated[int | None, typer.Option(help="It ends after so many days: at most 31, of a shift 1.", show_default=False)]


@app.command()
def hold(
    camera: Cameras,
    ground: Annotated[str, typer.Option(help="complaint, criminal-investigation or access-request.")],
    reference: Annotated[str, typer.Option(help="The case: a number such as Z-2026/00123, never a name or an address.")],
    review_on: Annotated[str, typer.Option(help="The day on which somebody looks whether it is still needed: YYYY-MM-DD.")],
    person: Person,
    key: KeyOption,
    roster: RosterOption,
    out: Out,
    recording_id: Annotated[str | None, typer.Option("--recording", help="The recording, such as 000042-0001.")] = None,
    since: Annotated[str | None, typer.Option(help="Or all that may have been recorded from here: 2026-03-08T20:00, local time.")] = None,
    until: Annotated[str | None, typer.Option(help="… until here.")] = None,
    timezone: TimezoneOption = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Hold a recording, or all that may overlap a stretch of time, on cameras wherever they are. It never expires.

    It counts when a camera has it: see that its ledger says so (`bodycamd recordings log`), well before day 28.
    """
    from bodycamd.evidence import pseudonyms
    from bodycamd.evidence.orders import Hold
    from bodycamd.retention.holds import known_ground

    local = local_time(timezone)
    if (recording_id is None) == (since is None and until is None):
        raise UsageError("give either --recording, or --since and --until")
    body = Hold(
        ground=known_ground(ground),
        reference=pseudonyms.reference(reference, "--reference"),
        review_on=review_on,
        recording=recording_id,
        interval=None if recording_id is not None else _interval(since, until, local),
    )
    _sign(body, camera, person, None, None, key, roster, out, local, asking(passphrase_file))


@app.command()
def release(
    hold: Annotated[list[str], typer.Argument(help="The ids of the holds; of one by order, the order's.")],
    camera: Cameras,
    reason: Annotated[str, typer.Option(help="settled, withdrawn, handed-over, not-needed or mistake.")],
    person: Person,
    second: Annotated[str, typer.Option(help="Who signs too: one of you has the role evidence, the other one privacy.")],
    key: KeyOption,
    roster: RosterOption,
    out: Out,
    days: Days = None,
    timezone: TimezoneOption = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Release holds: two people sign. The second one adds a signature with `bodycamd order cosign`."""
    from bodycamd.evidence import pseudonyms
    from bodycamd.evidence.orders import Release

    body = Release(holds=tuple(hold), reason=cast("pseudonyms.ReleaseReason", pseudonyms.release_reason(reason, "--reason")))
    _sign(body, camera, person, second, days, key, roster, out, local_time(timezone), asking(passphrase_file))


@app.command()
def shift(
    change: Annotated[Literal["begin", "end"], typer.Argument(help="begin or end.")],
    officer: Annotated[str, typer.Option(help="The officer's pseudonym, such as H-12; never a name.")],
    camera: Annotated[str, typer.Option("--camera", help="The camera that the officer wears.")],
    person: Person,
    key: KeyOption,
    roster: RosterOption,
    out: Out,
    timezone: TimezoneOption = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Begin or end an officer's shift on a camera. It ends after a day."""
    from bodycamd.evidence import pseudonyms
    from bodycamd.evidence.orders import ShiftChange

    body = ShiftChange(change=change, officer=pseudonyms.pseudonym(officer, "--officer"))
    _sign(body, [camera], person, None, 1, key, roster, out, local_time(timezone), asking(passphrase_file))


@app.command()
def configuration(
    changes: Annotated[list[str], typer.Argument(metavar="KEY=VALUE…", help="Settings and their new values: gestures.hold_seconds=2.5")],
    camera: Annotated[str, typer.Option("--camera", help="The camera whose settings change.")],
    base: Annotated[
        str,
        typer.Option(help="The configuration that is in force there: 64 hex digits, from `bodycamd status --json` or the ledger's start."),
    ],
    person: Person,
    key: KeyOption,
    roster: RosterOption,
    out: Out,
    days: Days = None,
    timezone: TimezoneOption = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Change settings of a camera that is wherever it is. It tries them when it rests, and goes back where it is not ready with them."""
    from bodycamd.evidence.orders import Configuration
    from bodycamd.municipality.orders.changes import read_changes

    body = Configuration(base=base, changes=read_changes(changes))
    _sign(body, [camera], person, None, days, key, roster, out, local_time(timezone), asking(passphrase_file))


@app.command()
def update(
    bundle: Annotated[str, typer.Argument(help="The bundle's name: 64 hex digits, as `bodycamd bundle show` prints it.")],
    camera: Cameras,
    person: Person,
    key: KeyOption,
    roster: RosterOption,
    out: Out,
    days: Days = None,
    timezone: TimezoneOption = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Have cameras take a bundle that a release key signed, once the station or somebody brings it: bodycamd bundle update --ordered."""
    from bodycamd.evidence.orders import Update

    _sign(Update(bundle=bundle), camera, person, None, days, key, roster, out, local_time(timezone), asking(passphrase_file))


@app.command()
def forward(
    camera: Annotated[list[str], typer.Option("--camera", help="The camera that recorded it; of a standing order again for others.")],
    receiver: Annotated[str, typer.Option(help="To whom: a name of `receivers` in the station's configuration.")],
    ground: Annotated[str, typer.Option(help="complaint, criminal-investigation or access-request.")],
    reference: Annotated[str, typer.Option(help="The case: a number such as Z-2026/00123, never a name or an address.")],
    person: Person,
    key: KeyOption,
    roster: RosterOption,
    out: Out,
    recording_id: Annotated[str | None, typer.Option("--recording", help="The recording, such as 000042-0001.")] = None,
    recipient: Annotated[
        str | None,
        typer.Option(help="Or by itself each one that was sealed to this age recipient of the receiver's when it was recorded: age1…"),
    ] = None,
    since: Annotated[str | None, typer.Option(help="… and recorded from here: 2026-03-08T20:00, local time.")] = None,
    until: Annotated[str | None, typer.Option(help="… until here.")] = None,
    days: Annotated[
        int | None, typer.Option(help="It ends after so many days: at most 31, a standing order 90.", show_default=False)
    ] = None,
    timezone: TimezoneOption = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Give a recording, sealed as it is, to somebody else, such as the control room. The station does: bodycamd station forward.

    With --recipient it is a standing order: the station forwards by itself what was sealed to that recipient when it was recorded, and
    nothing else, until the order ends, its signer may no more, or somebody ends it (end-forward).
    """
    from bodycamd.evidence import pseudonyms
    from bodycamd.evidence.orders import Forward, StandingForward
    from bodycamd.retention.holds import known_ground

    local, of = local_time(timezone), pseudonyms.reference(reference, "--reference")
    if (recording_id is None) == (recipient is None):
        raise UsageError("give either --recording, or --recipient")
    if recipient is None and (since is not None or until is not None):
        raise UsageError("--since and --until: a recording is named by itself")
    interval = None if since is None and until is None else _interval(since, until, local)
    body: Body
    if recipient is not None:
        body = StandingForward(recipient=recipient, receiver=receiver, ground=known_ground(ground), reference=of, interval=interval)
    else:
        body = Forward(recording=recording_id or "", receiver=receiver, ground=known_ground(ground), reference=of)
    _sign(body, camera, person, None, days, key, roster, out, local, asking(passphrase_file))


@app.command("end-forward")
def end_forward(
    order: Annotated[str, typer.Argument(help="The standing order's id: 64 hex digits.")],
    camera: Cameras,
    person: Annotated[str, typer.Option("--person", help="Your pseudonym: you have the role evidence or privacy.")],
    key: KeyOption,
    roster: RosterOption,
    out: Out,
    days: Days = None,
    timezone: TimezoneOption = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """End a standing order to forward, for good: bodycamd station forward. What has gone to the receiver stays there."""
    from bodycamd.evidence.orders import EndForward

    _sign(EndForward(order=order), camera, person, None, days, key, roster, out, local_time(timezone), asking(passphrase_file))


def read_order(file: Path) -> SignedOrder:
    """The order in a file. Raises `DataError`, `NotFoundError`, `StorageError`."""
    from bodycamd.evidence import orders
    from bodycamd.linux.foreign import read_named

    return orders.decode(read_named(file, 2 * orders.MAX_ORDER_BYTES), str(file))


def read_roster(file: Path) -> SignedRoster:
    """The roster in a file. Raises as `read_order` does."""
    from bodycamd.evidence import roster
    from bodycamd.linux.foreign import read_named

    return roster.decode(read_named(file, 2 * roster.MAX_ROSTER_BYTES), str(file))


def signer(file: Path, ask: Callable[[str, bool], str]) -> SigningKey:
    """A person's key; its passphrase is asked for. Raises as `load_person_key` does."""
    from bodycamd.municipality.copies.person_keys import load_person_key

    return load_person_key(file, lambda: ask(f"passphrase of {file}", False).encode())


def lines(order: Order, local: LocalTime) -> Iterator[str]:
    """All that an order says, in lines."""
    from bodycamd.municipality.orders.signing import told

    return spoken(told(order, local))


def spoken(told: Iterable[tuple[str, str]]) -> Iterator[str]:
    """What a document says, name by name, in lines."""
    for name, value in told:
        yield f"{name + ':':<18}{shown(value, 400)}"


def _sign(
    body: Body,
    cameras: list[str],
    person: str,
    second: str | None,
    days: int | None,
    key: Path,
    roster: Path,
    out: Path,
    local: LocalTime,
    ask: Callable[[str, bool], str],
) -> None:
    from bodycamd.linux.new_file import write_new
    from bodycamd.municipality.orders import signing

    if os.path.lexists(out):
        raise OutputError(f"{out}: exists already; choose another name")
    known, now_us = read_roster(roster), fleet_option.now_us()
    order = signing.make(body, known, cameras=cameras, person=person, second=second, now_us=now_us, days=days)
    for line in lines(order, local):
        say(line, err=True)
    signed = signing.sign(order, known, signer(key, ask), now_us)
    write_new({out: signed.document.file_bytes})
    say(f"{out}: order {signed.id}")
    if second is not None:
        say(f"{second} must sign it too: bodycamd order cosign {out}", err=True)


def _interval(since: str | None, until: str | None, local: LocalTime) -> Interval:
    from bodycamd.evidence.orders import Interval

    if since is None or until is None:
        raise UsageError("--since and --until: an interval needs both")
    return Interval(since=_instant(since, "--since", local, fold=0), until=_instant(until, "--until", local, fold=1))


def _instant(text: str, option: str, local: LocalTime, fold: Literal[0, 1]) -> str:
    """Local time as UTC; of the hour that comes twice in autumn the earlier, or the later one."""
    from bodycamd.evidence.statements import wall_text

    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {shown(text, 40)!r} is not a time: 2026-03-08T20:00") from error
    if at.tzinfo is None:
        at = at.replace(tzinfo=local.zone, fold=fold)
    return wall_text(round(at.timestamp() * 1e6))
