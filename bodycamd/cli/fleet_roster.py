"""`bodycamd fleet roster` and `cosign`: the next roster, shown and signed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli import fleet_option
from bodycamd.cli.fleet_option import FleetOption
from bodycamd.cli.output import counted, print_json, say
from bodycamd.cli.passphrases import PassphraseFile, asking
from bodycamd.errors import UsageError

if TYPE_CHECKING:
    from bodycamd.evidence.keys import Signer
    from bodycamd.evidence.roster import Roster, SignedRoster
    from bodycamd.workshop.fleet.signing import Ask

RootKeys = Annotated[list[Path] | None, typer.Option("--root", help="A sealed root key; as many as the threshold says.", readable=False)]


def roster(
    root: RootKeys = None,
    fleet: FleetOption = fleet_option.FLEET,
    days: Annotated[int, typer.Option(min=1, max=90, help="So long the roster is in force.")] = 90,
    draft: Annotated[bool, typer.Option("--draft", help="Others sign it too, elsewhere: write a draft for `fleet cosign`.")] = False,
    signed: Annotated[Path | None, typer.Option("--signed", help="Take a draft that enough people have signed.", readable=False)] = None,
    passphrase_file: PassphraseFile = None,
    json: Annotated[bool, typer.Option("--json", help='Print {"file":…,"version":…,"sha256":…,"not_after":…,"cameras":…}.')] = False,
) -> None:
    """Sign the next roster: who of the fleet file counts, with every camera that is enrolled, as it is now.

    What it changes is printed before a passphrase is asked for. It is written beside the fleet file, into a folder that keeps every roster.
    Where the root was changed, the old keys sign too.
    """
    from bodycamd.workshop.fleet.signing import sign_next, take_draft

    if bool(root) == (signed is not None) or (signed is not None and draft):
        raise UsageError("give --root FILE to sign, or --signed DRAFT to take one that others have signed")
    _, found = fleet_option.usable(fleet)
    now_us = fleet_option.now_us()
    if signed is not None:
        _tell(*take_draft(fleet, signed, _show, now_us), json)
        return
    path, made = sign_next(found, fleet, _shown_and_asked(root or [], passphrase_file), now_us, days, draft=draft)
    _tell(path, made, json, "a draft, ")


def cosign(
    draft: Annotated[Path, typer.Argument(help="A draft of `bodycamd fleet roster --draft`; it is changed.", readable=False)],
    root: RootKeys = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign a draft of a roster too, on a computer of one's own. What it changes is printed before the passphrase is asked for.

    For that the roster before (VERSION.roster of the same folder) must lie beside the draft; without it all of the draft is printed.
    """
    from bodycamd.workshop.fleet import signing

    if not root:
        raise UsageError("--root: the root key that signs")
    made = signing.cosign(draft, _shown_and_asked(root, passphrase_file))
    say(f"{draft}: signed by {len(made.document.signatures)}; {made.roster.root.threshold} of its root must sign", err=True)


def _shown_and_asked(root: Sequence[Path], passphrase_file: Path | None) -> Ask:
    from bodycamd.workshop.fleet import root_keys

    for path in root:
        root_keys.check_file(path)
    ask = asking(passphrase_file)

    def shown(unsigned: Roster, last: Roster | None) -> list[Signer]:
        _show(unsigned, last)
        return [root_keys.opened(path, ask(f"passphrase of {path}", False)) for path in root]

    return shown


def _show(roster: Roster, last: Roster | None) -> None:
    from bodycamd.workshop.fleet.differences import differences

    if last is not None:
        what = f"changes since roster {last.version}"
    elif roster.version == 1:
        what = "the first one, all of it"
    else:
        what = f"no roster {roster.version - 1} of this root is here, so all of it, also what is not new"
    say(f"roster {roster.version} of root {roster.root.version}, in force until {roster.not_after[:10]}; {what}:", err=True)
    for line in differences(last, roster) or ["nothing but its term"]:
        say(f"  {line}", err=True)


def _tell(path: Path, made: SignedRoster, json: bool, kind: str = "") -> None:
    cameras = len(made.roster.cameras)
    if json:
        words = {"file": str(path), "sha256": made.document.sha256, "not_after": made.roster.not_after}
        print_json({"version": made.roster.version, "cameras": cameras, **words})
        return
    say(str(path))
    kind = kind if path.suffix == ".draft" else ""
    say(f"{kind}roster {made.roster.version}, {counted(cameras, 'camera')}, in force until {made.roster.not_after[:10]}", err=True)
