"""`bodycamd station help`: calls for help, and a person's answer to one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from msgspec import Struct

from bodycamd.cli import fleet_option
from bodycamd.cli.daemon_or_store import AsJson
from bodycamd.cli.local_time import TimezoneOption, local_time
from bodycamd.cli.order_sign import Certificates, KeyOption, Out, Person, RosterOption, StationAddress, lines, read_roster, signer
from bodycamd.cli.output import print_json, say, say_lines, table
from bodycamd.cli.passphrases import PassphraseFile, asking
from bodycamd.cli.station_option import DEFAULT_STATION, FileArgument
from bodycamd.errors import OutputError

if TYPE_CHECKING:
    from bodycamd.municipality.station.help_index import KnownCall

app = typer.Typer(help="Calls for help: which have come, and an answer to one.", no_args_is_help=True)


class CallAt(Struct, frozen=True, kw_only=True):
    """A call for help, or a camera's daily test of one. `called`: how many people were called so far."""

    call: str
    camera: str
    came: str
    test: bool
    called: int
    state: Literal["calling", "sent", "answered", "forgotten"]

    @classmethod
    def of(cls, one: KnownCall) -> CallAt:
        """What is told of it."""
        from bodycamd.evidence.statements import wall_text

        state: Literal["calling", "sent", "answered", "forgotten"] = "calling" if one.file_bytes else "forgotten"
        state = "answered" if one.answer is not None else "sent" if one.sent is not None else state
        came = wall_text(one.came_us).partition(".")[0] + "Z"
        return cls(call=one.id, camera=one.device, came=came, test=one.test, called=one.called, state=state)


@app.command("list")
def list_calls(
    file: FileArgument = DEFAULT_STATION,
    json: AsJson = False,
) -> None:
    """List the calls for help and the daily tests of the last four weeks, on the station's computer.

    Sent is what the station has signed; whether the officer felt it, and an answer, the camera's ledger states.
    """
    from bodycamd.municipality.station.service import opened_calls
    from bodycamd.municipality.station.station_file import load_station

    with opened_calls(load_station(file)) as index:
        found = [CallAt.of(one) for one in index.calls()]
    if json:
        print_json(found)
        return
    rows = [(one.call, one.camera, one.came, "test" if one.test else one.state, str(one.called)) for one in found]
    say_lines(table([("call", "camera", "came", "state", "people called"), *rows]) if rows else ["no calls"])


@app.command("answer")
def answer(
    call: Annotated[str, typer.Argument(help="The call's id: 64 digits, as the message has it.")],
    camera: Annotated[str, typer.Option("--camera", help="The camera that called.")],
    person: Person,
    key: KeyOption,
    roster: RosterOption,
    out: Out,
    station: StationAddress = None,
    ca: Certificates = None,
    timezone: TimezoneOption = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Answer a call for help: the officer feels that somebody takes care of it, and nobody more is called.

    Signed by a coordinator of the camera's team, on that person's own computer. With --station it is sent at once; without, bring the file:
    bodycamd station order FILE, on the station's computer. Ends with 69 where the station cannot be reached: the file is there then too.
    """
    from bodycamd.evidence.orders import Answer
    from bodycamd.linux.new_file import write_new
    from bodycamd.municipality.orders import posting, signing

    if os.path.lexists(out):
        raise OutputError(f"{out}: exists already; choose another name")
    target = posting.target(station, ca) if station is not None else None
    known, now_us = read_roster(roster), fleet_option.now_us()
    order = signing.make(Answer(call=call), known, cameras=[camera], person=person, second=None, now_us=now_us, days=1)
    for line in lines(order, local_time(timezone)):
        say(line, err=True)
    own = signer(key, asking(passphrase_file))
    signed = signing.sign(order, known, own, now_us)
    write_new({out: signed.document.file_bytes})
    say(f"{out}: order {signed.id}")
    if target is not None:
        target.post(signed.document.file_bytes, own)
        say("the station has it")
