"""`bodycamd order sign suspension`: whose word counts no more, until the next roster."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli import fleet_option
from bodycamd.cli.local_time import TimezoneOption, local_time
from bodycamd.cli.order_sign import Certificates, KeyOption, Person, RosterOption, StationAddress, read_roster, signer, spoken
from bodycamd.cli.output import say
from bodycamd.cli.passphrases import PassphraseFile, asking
from bodycamd.errors import OutputError


def suspension(
    person: Person,
    key: KeyOption,
    roster: RosterOption,
    out: Annotated[Path, typer.Option(help="The suspension's file, to be carried to the station and to cameras. It must not exist.")],
    camera: Annotated[list[str] | None, typer.Option("--camera", help="Suspend this camera and its keys; again for others.")] = None,
    suspend: Annotated[list[str] | None, typer.Option(help="Suspend this person, by pseudonym; again for others.")] = None,
    station: StationAddress = None,
    ca: Certificates = None,
    timezone: TimezoneOption = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Suspend cameras and people at once, until the next roster: signed by one person with the role administrator or privacy.

    It only takes away: a suspended person orders nothing, a suspended camera is shut out by the station. Footage recipients stay as they
    are. It counts at the station, and at each camera, as soon as it is there: with --station at once, else by `bodycamd station order FILE`
    or `bodycamd order deliver FILE`. Ends with 69 where the station cannot be reached: the file is there then too.
    """
    from bodycamd.linux.new_file import write_new
    from bodycamd.municipality.orders import posting, suspending

    if os.path.lexists(out):
        raise OutputError(f"{out}: exists already; choose another name")
    target = posting.target(station, ca) if station is not None else None
    known = read_roster(roster)
    made = suspending.make(known, cameras=camera or (), people=suspend or (), by=person, now_us=fleet_option.now_us())
    for line in spoken(suspending.told(made, local_time(timezone))):
        say(line, err=True)
    own = signer(key, asking(passphrase_file))
    signed = suspending.sign(made, known, own)
    write_new({out: signed.document.file_bytes})
    say(f"{out}: suspension {signed.document.sha256}")
    if target is not None:
        target.post(signed.document.file_bytes, own)
        say("the station has it")
