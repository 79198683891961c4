"""`bodycamd fleet init`: the root keys, and a fleet file to begin with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli import fleet_option
from bodycamd.cli.output import say
from bodycamd.cli.passphrases import PassphraseFile, asking
from bodycamd.errors import UsageError


def init(
    out: Annotated[Path, typer.Option(help="An existing folder: fleet.yaml, its record and the sealed root keys are made in it.")],
    municipality: Annotated[str, typer.Option(help="Small letters, digits and dashes, such as alphen-aan-den-rijn.")],
    roots: Annotated[int, typer.Option(min=1, max=8, help="How many root keys.")] = 2,
    threshold: Annotated[
        int, typer.Option(min=1, max=8, help="How many of them must sign a roster: 1 is against loss, 2 against theft.")
    ] = 1,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make the municipality's root keys, each sealed with a passphrase of its own, and a fleet file to fill in.

    A root key says whose word counts on every camera. Give each file to another person, who alone knows its passphrase; with a threshold
    below the number of keys one may be lost.
    """
    from bodycamd.linux.new_file import write_new
    from bodycamd.workshop.fleet import root_keys
    from bodycamd.workshop.fleet.new_fleet import MUNICIPALITY, fleet_file
    from bodycamd.workshop.fleet.record import first_line, record_path

    if threshold > roots:
        raise UsageError(f"--threshold {threshold}: more than there are root keys ({roots})")
    if not MUNICIPALITY.match(municipality):
        raise UsageError(f"--municipality {municipality!r}: small letters, digits and dashes, such as alphen-aan-den-rijn")
    ask = asking(passphrase_file)
    files: dict[Path, bytes] = {}
    public: dict[str, str] = {}
    passphrases: dict[str, str] = {}
    for name in (f"root-{number}" for number in range(1, roots + 1)):
        said = ask(f"new passphrase of {name}", True)
        root_keys.check_length(said)
        if said in passphrases.values():
            raise UsageError(f"{name}: the passphrase of another root key: each has one of its own, known to one person; nothing was made")
        passphrases[name] = said
    for name, passphrase in passphrases.items():
        key, content = root_keys.sealed(passphrase)
        files[out / f"{name}{root_keys.SUFFIX}"] = content
        public[name] = key.public.raw.hex()
    files[out / "fleet.yaml"] = fleet_file(municipality, public, threshold, os.urandom(16).hex()).encode()
    files[record_path(out / "fleet.yaml")] = first_line(municipality, fleet_option.today())
    write_new(files)
    for path in files:
        say(str(path))
    say(
        "next: two people or more with the role evidence, at their own desks (bodycamd keys person for-fleet): their lines go into people, "
        f"then bodycamd fleet check {out / 'fleet.yaml'}",
        err=True,
    )
    say(f"move the root keys (root-*{root_keys.SUFFIX}) out of this folder, each to a stick of its own: whoever has it has them", err=True)
