"""`bodycamd keys person`: the keys of a person of the municipality."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli.output import print_json, say
from bodycamd.cli.passphrases import PassphraseFile, asking
from bodycamd.foreign_text import Json

if TYPE_CHECKING:
    from bodycamd.evidence.keys import PublicKey, SigningKey

app = typer.Typer(help="Make or look at the signing key of a person: it signs what happens to copies of footage.", no_args_is_help=True)

Id = Annotated[str, typer.Option("--id", help="The person's pseudonym, such as E-03; never a name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def new(
    out: Annotated[Path, typer.Option(help="The file to make: the private key. Never on a camera.")],
    id: Id,
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for a passphrase that the key is sealed with.")] = False,
    passphrase_file: PassphraseFile = None,
    json: AsJson = False,
) -> None:
    """Make a signing key and print its public half: the line for the list of people (--people).

    The key's id is for comparing, by telephone or face to face, by who keeps that list. It is of the key alone: for who is in a fleet file
    `keys person for-fleet` prints the fingerprint of key and recipient, which is another number.
    """
    from bodycamd.evidence.pseudonyms import pseudonym
    from bodycamd.municipality.copies.person_keys import new_person_key

    pseudonym(id, "--id")
    secret = asking(passphrase_file)(f"passphrase for {out}", True).encode() if passphrase or passphrase_file is not None else None
    _tell(id, new_person_key(out, secret), json)


@app.command("for-fleet")
def for_fleet(
    id: Annotated[str, typer.Argument(help="The person's pseudonym, such as E-03; never a name.")],
    out: Annotated[Path, typer.Option(help="An existing folder: the person's private keys are made in it. Never on a camera.")],
    roles: Annotated[str, typer.Option(help="The person's roles, with commas: evidence,coordinator")] = "evidence",
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make all keys of a person, sealed with one passphrase, and print the public lines for the fleet file.

    ID.key.pem signs orders; with the role evidence, ID.identity.txt opens footage. The person keeps both, and a copy elsewhere.
    The fingerprint is of key and recipient together: `fleet list` and `fleet roster` print the same. `keys person check` prints the id of
    the key alone, which is for lists of people.
    """
    from bodycamd.evidence.pseudonyms import pseudonym
    from bodycamd.linux.new_file import write_new
    from bodycamd.workshop.fleet.new_person import lines, make, wanted_roles

    name, wanted = pseudonym(id, "ID"), wanted_roles(roles)
    made = make(name, wanted, asking(passphrase_file)(f"new passphrase of {name}", True))
    write_new({out / file: content for file, content in made.files.items()})
    for line in lines(name, wanted, made):
        say(line)
    say(f"fingerprint  {made.fingerprint}", err=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A private key of a person, or a list of people.", readable=False)],
    id: Annotated[str, typer.Option("--id", help="With a private key: the person's pseudonym, for the line.")] = "",
    passphrase_file: PassphraseFile = None,
    json: AsJson = False,
) -> None:
    """Check a private key, or a list of people, and print who is in it, each with the id of the key, as `acceptance show` prints it.

    Ends with 0, or with one line: what is wrong, and where.
    """
    from bodycamd.evidence.pseudonyms import pseudonym
    from bodycamd.linux.foreign import read_named
    from bodycamd.municipality.copies.person_keys import MAX_PEOPLE_BYTES, read_people, spoken_id

    if b"-----BEGIN " in read_named(file, MAX_PEOPLE_BYTES):
        _tell(pseudonym(id, "--id") if id else "?", load(file, passphrase_file).public, json)
        return
    people = read_people(file)
    if json:
        print_json([_fields(name, key) for name, key in people.values()])
        return
    for name, key in people.values():
        say(f"{name}  key id {spoken_id(key)}")


def load(path: Path, passphrase_file: Path | None = None) -> SigningKey:
    """The key of who gives the command; asks for its passphrase where it has one, or takes it from the file. Raises as
    `person_keys.load_person_key` does.
    """
    from bodycamd.municipality.copies.person_keys import load_person_key

    return load_person_key(path, lambda: asking(passphrase_file)(f"passphrase of {path}", False).encode())


def _tell(id: str, public: PublicKey, json: bool) -> None:
    from bodycamd.municipality.copies.person_keys import spoken_id

    if json:
        print_json(_fields(id, public))
        return
    say(f"{id} {public.raw.hex()}")
    say(f"key id  {spoken_id(public)}", err=True)


def _fields(id: str, public: PublicKey) -> dict[str, Json]:
    return {"id": id, "public_key": public.raw.hex(), "key_id": public.id}
