"""`bodycamd fleet enrol`: takes a camera's application, after its fingerprint was compared."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli import fleet_option
from bodycamd.cli.fleet_option import FleetOption
from bodycamd.cli.output import say
from bodycamd.errors import UsageError


def enrol(
    file: Annotated[Path, typer.Argument(help="The application: application-CAMERA.txt of the card's boot partition.", readable=False)],
    fingerprint: Annotated[str, typer.Option(help="What the camera shows, instead of being asked whether it is the same.")] = "",
    fleet: FleetOption = fleet_option.FLEET,
) -> None:
    """Enrol a camera: its keys are in the next roster. A token works once, and a name belongs to one camera.

    The fingerprint is what the camera itself printed at its first boot (`journalctl`, the console). Compare all of it: the token alone
    proves only that somebody held the card.
    """
    from bodycamd.evidence import application as applications
    from bodycamd.linux.foreign import read_named
    from bodycamd.linux.new_file import write_new
    from bodycamd.workshop.fleet import enrolling
    from bodycamd.workshop.fleet.record import appending, applications_folder, record_path

    _, found = fleet_option.usable(fleet)
    signed = applications.decode(read_named(file, 2 * applications.MAX_APPLICATION_BYTES), str(file))
    with appending(record_path(fleet)) as writer:
        enrolling.check(found, writer.record, signed, fleet_option.now_us())
        say(f"{signed.application.camera}  {signed.fingerprint}")
        if fingerprint:
            enrolling.check_fingerprint(signed, fingerprint)
        elif not sys.stdin.isatty():
            raise UsageError("there is no terminal to ask on: give what the camera shows with --fingerprint")
        elif not typer.confirm("Is this what the camera shows?", err=True):
            raise UsageError("nothing was enrolled: where the two differ, make a new card and find out who changed this one")
        kept = applications_folder(fleet) / f"{signed.application.camera}.{signed.document.sha256[:16]}.txt"
        if not kept.exists():
            write_new({kept: signed.document.file_bytes})
        writer.add(enrolling.line(signed, fleet_option.today()))
    say(f"{signed.application.camera} is enrolled; in force with the next roster: bodycamd fleet roster", err=True)
