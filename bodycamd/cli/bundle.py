"""`bodycamd bundle`: build a bundle and look at one; on a camera: update, roll back, remove."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from bodycamd.cli import person
from bodycamd.cli.output import print_json, say
from bodycamd.cli.passphrases import PassphraseFile
from bodycamd.errors import UsageError

app = typer.Typer(help="One signed file with everything that a camera runs: build it, update with it, go back.", no_args_is_help=True)

BundleFile = Annotated[Path, typer.Argument(help="The bundle: bodycamd-VERSION.bundle.", metavar="BUNDLE")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def build(
    key: Annotated[Path, typer.Option(help="The release key, as `bodycamd keys release` makes it.")],
    out: Annotated[Path, typer.Option(help="The folder that gets bodycamd-VERSION.bundle.")] = Path("."),
    machine: Annotated[str, typer.Option(help="aarch64 (a Raspberry Pi), or x86_64 (the virtual camera).")] = "aarch64",
    python: Annotated[str, typer.Option(help="The Python of the image that it is for.")] = "3.13",
    commit: Annotated[str, typer.Option(help="What to build.")] = "HEAD",
    locks: Annotated[Path, typer.Option(help="The folder of lock files.")] = Path("config/locks"),
    debian_lock: Annotated[
        Path | None, typer.Option(help="Another lock file of Debian packages, as debian.txt in a bundle.", show_default=False)
    ] = None,
    debian_archive: Annotated[
        list[str] | None, typer.Option(help="An address or a folder that the locked Debian packages come from; may be given again.")
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(help="The cameras' image, unpacked, or the folder where it is mounted: what it lacks of Debian packages goes in."),
    ] = None,
    packages: Annotated[Path, typer.Option(help="The manifest of those packages.")] = Path("config/debian-packages.toml"),
    card_reader: Annotated[Literal["none", "pcsc"], typer.Option(help="As board.card_reader of the cameras.")] = "none",
    passphrase_file: PassphraseFile = None,
    json: AsJson = False,
) -> None:
    """Build a bundle from a commit of this checkout and from the lock files, and sign it. Needs the internet; cameras do not.

    The same commit gives the same bytes. The SHA-256 that is printed is the bundle's name: in the ledger of each camera that runs it.
    """
    from bodycamd.workshop.bundle import build as building

    if image is not None and (debian_lock is not None or debian_archive):
        raise UsageError("--image finds the Debian packages itself: leave --debian-lock and --debian-archive out")
    building.check_clean(Path("."))
    signer = person.load(key, passphrase_file)
    with tempfile.TemporaryDirectory(prefix="bodycamd-image-") as made:
        if image is not None:
            from bodycamd.workshop.bundle import debian

            groups = ["camera", *([card_reader] if card_reader != "none" else [])]
            found = debian.resolve_on(image, debian.read_manifest(packages, groups), machine, python, Path(made))
            debian_lock, debian_archive = found.lock, [str(found.archive)]
        recipe = building.Recipe(Path("."), machine, python, locks, commit, debian_lock, debian_archive or ())
        built = building.build(recipe, signer, out)
    if json:
        print_json({"file": str(built.path), "version": built.version, "sha256": built.sha256, "bytes": built.size})
    else:
        say(f"{built.path}: {built.version}, {built.size / 1e6:.1f} MB")
        say(f"name: {built.sha256}")


@app.command()
def show(
    bundle: BundleFile,
    release_key: Annotated[Path, typer.Option(help="The release keys that count, in PEM.")],
    json: AsJson = False,
) -> None:
    """Check every byte of a bundle against its signature, and print what it is."""
    from bodycamd.camera.installation.archive import verify
    from bodycamd.camera.installation.manifest import as_fields
    from bodycamd.camera.installation.release_key import read_release_keys

    found = verify(bundle, read_release_keys(release_key))
    made = found.manifest
    if json:
        print_json({**as_fields(made), "sha256": found.sha256, "signed_by": found.signed_by})
        return
    say(f"bodycamd {made.version} for {made.machine} and Python {made.python}, from commit {made.commit}")
    say(f"name: {found.sha256}")
    say(f"signed by release key: {found.signed_by}")
    for member in made.files:
        say(f"{member.sha256}  {member.size:>10}  {member.path}")


Docked = Annotated[bool, typer.Option("--docked", help="The camera is on its supply, where no gauge can tell.")]


@app.command()
def install(
    bundle: BundleFile,
    release_key: Annotated[Path | None, typer.Option(help="The release keys that count from now on, in PEM; the first time only.")] = None,
    docked: Docked = False,
) -> None:
    """Bring a bundle into use on a camera, for the first time. The bundle's own `install.pyz` does the same where nothing is installed yet.

    As root. Every byte is checked first, and nothing of a bundle that is refused is used.
    """
    from bodycamd.camera.installation import commands

    say(commands.install(bundle, release_key, docked=docked))


@app.command()
def update(
    bundle: Annotated[
        Path | None, typer.Argument(help="The bundle; with --ordered by default the one that the uplink has fetched.", metavar="BUNDLE")
    ] = None,
    docked: Docked = False,
    ordered: Annotated[
        bool, typer.Option("--ordered", help="Only where a signed order names this bundle; the camera's ledger then says what came of it.")
    ] = False,
) -> None:
    """Bring a newer bundle into use on a camera. As root; the camera must be docked and in standby (75 where it is not).

    The new version is made beside the old one and checked there: what it loads, the camera's configuration (78 with the key), its units, a
    trial recording that is thrown away. Then it takes one rename; where its recorder does not become ready, the old version comes back.
    """
    from bodycamd.camera.installation import commands

    if ordered:
        from bodycamd.camera.updating import this_camera

        say(this_camera.update(bundle, docked=docked))
        return
    if bundle is None:
        raise UsageError("name a bundle, or --ordered: then the one that the uplink has fetched, if an order names it")
    say(commands.install(bundle, None, docked=docked))


@app.command()
def rollback(docked: Docked = False) -> None:
    """Bring the version before into use again. As root; docked and in standby."""
    from bodycamd.camera.installation import commands

    say(commands.rollback(docked=docked))


@app.command()
def remove(
    footage: Annotated[
        bool, typer.Option("--footage", help="Delete recordings, ledger and keys too; refused while anything is held.")
    ] = False,
) -> None:
    """Take bodycamd off a camera. As root, in standby. Recordings, ledger, keys and configuration stay, unless told otherwise."""
    from bodycamd.camera.installation import commands

    say(commands.remove(footage=footage))
