"""`bodycamd order`: signed on a person's own computer, carried by whoever comes by, delivered to a camera."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli import fleet_option, order_sign, suspension_sign
from bodycamd.cli.daemon_or_store import AsJson
from bodycamd.cli.local_time import TimezoneOption, local_time
from bodycamd.cli.order_sign import KeyOption, RosterOption
from bodycamd.cli.output import print_json, say
from bodycamd.cli.passphrases import PassphraseFile, asking
from bodycamd.cli.place import ConfigOption, SocketOption, find_socket
from bodycamd.errors import OutputError, PermissionDeniedError

if TYPE_CHECKING:
    from bodycamd.camera.keeping.delivered import Delivered
    from bodycamd.evidence.orders import Order, SignedOrder
    from bodycamd.evidence.suspension import Suspension

app = typer.Typer(help="Orders to cameras: sign them, deliver them.", no_args_is_help=True)
app.add_typer(order_sign.app, name="sign")
order_sign.app.command("suspension")(suspension_sign.suspension)
PAUSE_SECONDS = 0.25
"""Between two requests: a camera takes five a second."""

OrderFiles = Annotated[list[Path], typer.Argument(help="Orders, suspensions or a roster.", readable=False)]


@app.command()
def cosign(
    file: Annotated[Path, typer.Argument(help="An order that needs your signature too; it is changed.", readable=False)],
    key: KeyOption,
    roster: RosterOption,
    passphrase_file: PassphraseFile = None,
    timezone: TimezoneOption = None,
) -> None:
    """Sign somebody's order too, such as a release. All of it is printed before the passphrase is asked for."""
    from bodycamd.linux import durable
    from bodycamd.municipality.orders import signing

    order, known = order_sign.read_order(file), order_sign.read_roster(roster)
    for line in order_sign.lines(order.order, local_time(timezone)):
        say(line, err=True)
    signer = order_sign.signer(key, asking(passphrase_file))
    made = signing.cosign(order, known, signer, fleet_option.now_us())
    try:
        durable.replace(file, made.document.file_bytes)
    except OSError as error:
        raise OutputError(f"{file}: cannot be written: {error.strerror}") from error
    _tell_signed(file, made, signing.missing(made, known))


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="An order, or a suspension.", readable=False)],
    roster: Annotated[Path | None, typer.Option("--roster", help="A roster, to say who has signed.", readable=False)] = None,
    timezone: TimezoneOption = None,
    json: AsJson = False,
) -> None:
    """Print all that an order or a suspension says; with --roster, whether the people whom it names have signed it."""
    from bodycamd.evidence import orders, suspension
    from bodycamd.linux.foreign import read_named
    from bodycamd.municipality.orders import signing, suspending

    raw = read_named(file, 2 * suspension.MAX_SUSPENSION_BYTES)
    local, known = local_time(timezone), order_sign.read_roster(roster) if roster is not None else None
    if raw.startswith(suspension.SUSPEND_TYPE.encode()):
        suspended = suspension.decode(raw, str(file))
        content: Order | Suspension = suspended.suspension
        missing = suspending.missing(suspended, known) if known is not None else None
        kind, id, told = "suspension", suspended.document.sha256, suspending.told(suspended.suspension, local)
    else:
        order = orders.decode(raw, str(file))
        missing = signing.missing(order, known) if known is not None else None
        content, kind, id, told = order.order, "order", order.id, signing.told(order.order, local)
    if json:
        print_json({"id": id, kind: content, "missing": missing})
        return
    say(f"{kind} {id}")
    for line in order_sign.spoken(told):
        say(line)
    if missing is not None:
        say(f"not signed by {' and '.join(missing)}" if missing else "signed by all whom it names")


@app.command()
def deliver(files: OrderFiles, config: ConfigOption = None, socket: SocketOption = None, json: AsJson = False) -> None:
    """Bring orders, suspensions or a roster to this machine's camera, which judges them by itself; once is enough, twice does no harm.

    What comes of each is printed. Ends with 77 where one was refused: why is said, and it may be brought again. What is accepted and not
    done yet is carried out when the camera rests: its ledger says what came of it.
    """
    from bodycamd.evidence.roster import MAX_ROSTER_BYTES
    from bodycamd.linux.foreign import read_named

    where = find_socket(config, socket)
    told: list[tuple[Path, Delivered]] = []
    contents = [(file, read_named(file, 2 * MAX_ROSTER_BYTES)) for file in files]
    for file, raw in contents:
        told.append((file, _delivered(where, raw, pause=bool(told))))
    if json:
        print_json([{"file": str(file), "id": one.id, "outcome": one.outcome, "done": one.done, "why": one.why} for file, one in told])
    else:
        for file, one in told:
            say(f"{file}: {one.outcome.replace('_', ' ')}" + (f": {one.why}" if one.why else ""))
    if refused := [file for file, one in told if not one.done and one.outcome != "accepted"]:
        raise PermissionDeniedError(f"{', '.join(map(str, refused))}: not carried out; nothing of it is used up")


def _delivered(socket: Path, raw: bytes, *, pause: bool) -> Delivered:
    """Whole, or in parts where it is long."""
    import time

    from bodycamd.camera.daemon.protocol import MAX_PART_BYTES, Deliver
    from bodycamd.camera.keeping.delivered import Delivered
    from bodycamd.cli.daemon_or_store import ask

    parts = range(0, max(1, len(raw)), MAX_PART_BYTES)
    answer = Delivered(id="", outcome="part", done=False)
    for offset in parts:
        if pause or offset:
            time.sleep(PAUSE_SECONDS)
        size = len(raw) if len(parts) > 1 else None
        answer = ask(socket, Deliver(document=raw[offset : offset + MAX_PART_BYTES], offset=offset, size=size), Delivered)
    return answer


def _tell_signed(file: Path, made: SignedOrder, missing: Sequence[str]) -> None:
    say(f"{file}: order {made.id}")
    if missing:
        say(f"{' and '.join(missing)} must sign it too: bodycamd order cosign {file}", err=True)
