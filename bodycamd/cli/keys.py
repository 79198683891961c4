"""`bodycamd keys`: key pairs of the evidence officer, keys of people, whether they still open, the release key of bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli import keys_drill, person
from bodycamd.cli.output import print_json, say
from bodycamd.cli.passphrases import PassphraseFile, asking
from bodycamd.errors import UsageError

app = typer.Typer(help="Make a key pair for the evidence officer; check a recipients file; signing keys of people.", no_args_is_help=True)
app.add_typer(person.app, name="person")
app.add_typer(keys_drill.app, name="drill")


@app.command()
def new(
    out: Annotated[Path, typer.Option(help="The identity file to make: the private key. Never on a camera.")],
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for a passphrase to seal the file with, like `age -p`.")] = False,
    passphrase_file: PassphraseFile = None,
    json: Annotated[bool, typer.Option("--json", help='Print {"identity":…,"recipient":…}.')] = False,
) -> None:
    """Make an age identity, as `age-keygen` does, and print its recipient: the line for the cameras' recipients file.

    Keep the file safe, and a copy elsewhere: without a private key the footage is lost. It is never overwritten.
    """
    from bodycamd.municipality.film.new_identity import new_identity

    sealed = passphrase or passphrase_file is not None
    recipient = new_identity(out, asking(passphrase_file)(f"passphrase for {out}", True) if sealed else None)
    if json:
        print_json({"identity": str(out), "recipient": recipient})
    else:
        say(recipient)


@app.command()
def check(
    recipients: Annotated[Path, typer.Argument(help="A recipients file, as cameras get it.")],
    json: Annotated[bool, typer.Option("--json", help='Print {"file":…,"recipients":[…]}.')] = False,
) -> None:
    """Check a recipients file as the camera does at its start, and print the recipients.

    Ends with 0, or with 78 and one line: file, line, reason. A single recipient is right, but is warned of: its loss loses the footage.
    """
    from bodycamd.camera.capture.worker.encrypt import load_recipients

    names = load_recipients(recipients).names
    if json:
        print_json({"file": str(recipients), "recipients": names})
        return
    for name in names:
        say(name)
    if len(names) == 1:
        say(f"{recipients}: one recipient only: if its identity is lost, so is the footage", err=True)


@app.command()
def release(
    out: Annotated[Path, typer.Option(help="The file to make: the private key. Never on a camera.")],
    public: Annotated[Path, typer.Option(help="The file for its public half, which cameras get.")],
    passphrase: Annotated[bool, typer.Option(help="Ask for a passphrase that the key is sealed with.")] = True,
    passphrase_file: PassphraseFile = None,
    json: Annotated[bool, typer.Option("--json", help='Print {"key":…,"public":…,"sha256":…}.')] = False,
) -> None:
    """Make a release key: it signs bundles, and a camera takes no other software than what such a key signed.

    Whoever has it can have cameras run anything: keep it on a computer that does nothing else, and a copy in a safe.
    """
    from bodycamd.municipality.copies.person_keys import new_person_key

    if passphrase_file is not None and not passphrase:
        raise UsageError("--no-passphrase and --passphrase-file: give one of them")
    secret = asking(passphrase_file)(f"passphrase for {out}", True).encode() if passphrase else None
    key = new_person_key(out, secret, public)
    if json:
        print_json({"key": str(out), "public": str(public), "sha256": key.id})
    else:
        say(f"release key {key.id}")
