"""`bodycamd prune`: delete from a copy what the camera has deleted since."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli.output import counted, print_json, say, size
from bodycamd.cli.passphrases import PassphraseFile
from bodycamd.cli.people import KeyOption, listed
from bodycamd.cli.verification_options import key_and_anchor
from bodycamd.errors import UsageError


def prune(
    store: Annotated[Path, typer.Option(help="The copy: a folder that `bodycamd offload` made.", readable=False)],
    device_key: Annotated[Path, typer.Option(help="The camera's registered public key (device.pem).", readable=False)],
    people: Annotated[Path, typer.Option(help="The list of people whose keys count (docs/copies.md).", readable=False)],
    key: KeyOption = None,
    passphrase_file: PassphraseFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete; without it, only say what would go.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Delete from a copy what the camera's own ledger states as deleted, and say what stays and why. Without --yes nothing is changed.

    What is held stays, by the camera's ledger or at the copy. Each step is signed with --key into copy.jsonl.
    """
    from bodycamd.cli.person import load
    from bodycamd.municipality.copies.copies import now_us
    from bodycamd.municipality.copies.prune import plan
    from bodycamd.municipality.copies.prune import prune as delete

    registered, _ = key_and_anchor(device_key, None)
    known = listed(people)
    if not yes:
        planned, gone = plan(store, registered, known, now_us()), None
    elif key is None:
        raise UsageError("--yes needs --key: who deletes signs for it")
    else:
        planned, gone = delete(store, registered, known, load(key, passphrase_file), now_us())
    if json:
        print_json({"plan": planned, "pruned": gone})
        return
    for due in planned.due:
        what = "is deleted" if gone is not None else "would be deleted"
        say(f"{due.recording} {what}: {due.why} ({counted(due.segments, 'file')}, {size(due.bytes)})")
    if not planned.due:
        say("nothing was to be deleted" if gone is not None else "nothing would be deleted")
    for stays in planned.held:
        say(f"{stays.recording} stays: {stays.why}")
    for stays in planned.proposed:
        say(f"{stays.recording} stays for now: {stays.why}", err=True)
    for note in planned.notes:
        say(note, err=True)
    if planned.due and gone is None:
        say("nothing was changed; with --yes and --key it is done", err=True)
