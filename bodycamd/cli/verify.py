"""`bodycamd verify`: is a store what the camera stated? Needs public keys only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli.output import counted, duration, print_json, say, size
from bodycamd.cli.people import PeopleOption, listed
from bodycamd.cli.place import ConfigOption, StoreOption, find_place
from bodycamd.cli.verification_options import key_and_anchor
from bodycamd.errors import NotFoundError, UsageError
from bodycamd.linux.foreign import Folder

if TYPE_CHECKING:
    from bodycamd.municipality.verify.verdicts import Findings, RecordingReport, StoreReport

VERDICT_CODES = {
    0: "all is intact, or deleted as stated",
    3: "something is incomplete by a stated cause, not yet received, or still open",
    4: "something is altered or missing, deleted against the rules, or contradicts itself",
    5: "something cannot be verified",
    6: "something is kept beyond its deletion",
}
"""What it ends with beside the codes of `bodycamd.errors`; the numbers are those of `verify.verdicts`, which help does not import."""


def verify(
    device_key: Annotated[Path, typer.Option(help="The camera's registered public key (device.pem).", readable=False)],
    store: StoreOption = None,
    config: ConfigOption = None,
    people: PeopleOption = None,
    anchor: Annotated[Path | None, typer.Option(help="An anchor taken earlier: the ledger must extend it.", readable=False)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify every byte of a store: ledger, recordings, and that nothing is missing.

    Ends with the verdict (see below); the worst one wins: 4, then 5, then 6, then 3. Writes nothing; the store of a running camera will do.
    """
    from bodycamd.municipality.verify.verify import verify as check

    place = find_place(store, config).store
    try:
        Folder.open(place).close()
    except NotFoundError as error:
        raise UsageError(f"{place}: there is no such folder") from error
    registered, taken = key_and_anchor(device_key, anchor)
    listener = None if json else _print_recording
    report = check(place, registered, taken, people=listed(people), progress=listener)
    if json:
        print_json(report)
    else:
        _print_store(report)
    raise typer.Exit(report.exit_code)


def _print_recording(done: RecordingReport) -> None:
    from bodycamd.municipality.verify.verdicts import WORDS

    written = f"{counted(done.fragments, 'fragment')} in {counted(done.segments, 'segment')}"
    facts = f"{duration(done.duration_us / 1e6)}, {written}, {size(done.bytes)}"
    say(f"{done.recording}  {WORDS[done.verdict]:<28}  {facts}" + (f"  opened {done.opened}" if done.opened else ""))
    _print_findings(done.findings)


def _print_store(report: StoreReport) -> None:
    from bodycamd.municipality.verify.verdicts import WORDS

    device, until = report.device or "?", report.last_wall or "?"
    entries = "1 entry" if report.entries == 1 else f"{report.entries} entries"
    say(f"ledger       {entries} of {counted(report.starts, 'start')} of {device}, up to {until}")
    say(f"head         {report.head}")
    if report.anchor:
        say(f"anchor       {report.anchor}")
    _print_findings(report.findings)
    say(f"{report.store}: {WORDS[report.verdict]}")
    sys.stdout.flush()


def _print_findings(findings: Findings) -> None:
    from bodycamd.municipality.verify.verdicts import WORDS

    for finding in findings.listed:
        say(f"    {WORDS[finding.verdict]}: {finding.where}: {finding.what}")
    if findings.unlisted:
        say(f"    and {findings.unlisted} more")
