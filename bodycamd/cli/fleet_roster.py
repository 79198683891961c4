"""`bodycamd fleet roster`: the next roster, signed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli import fleet_option
from bodycamd.cli.fleet_option import FleetOption
from bodycamd.cli.output import counted, print_json, say
from bodycamd.cli.passphrases import PassphraseFile, asking


def roster(
    root: Annotated[list[Path], typer.Option("--root", help="A sealed root key; as many as the threshold says.", readable=False)],
    fleet: FleetOption = fleet_option.FLEET,
    days: Annotated[int, typer.Option(min=1, max=90, help="So long the roster is in force.")] = 90,
    passphrase_file: PassphraseFile = None,
    json: Annotated[bool, typer.Option("--json", help='Print {"file":…,"version":…,"sha256":…,"not_after":…,"cameras":…}.')] = False,
) -> None:
    """Sign the next roster: who of the fleet file counts, with every camera that is enrolled, as it is now.

    It is written beside the fleet file, into a folder that keeps every roster. Where the root was changed, the old keys sign too.
    """
    from bodycamd.workshop.fleet import root_keys
    from bodycamd.workshop.fleet.signing import sign_next

    _, found = fleet_option.usable(fleet)
    ask = asking(passphrase_file)
    signers = [root_keys.opened(path, ask(f"passphrase of {path}", False)) for path in root]
    path, signed = sign_next(found, fleet, signers, fleet_option.now_us(), days)
    cameras = len(signed.roster.cameras)
    if json:
        words = {"file": str(path), "sha256": signed.document.sha256, "not_after": signed.roster.not_after}
        print_json({"version": signed.roster.version, "cameras": cameras, **words})
        return
    say(str(path))
    say(f"roster {signed.roster.version}, {counted(cameras, 'camera')}, in force until {signed.roster.not_after[:10]}", err=True)
