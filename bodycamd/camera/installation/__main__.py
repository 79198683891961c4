"""`install.pyz` of a bundle, and `python -m bodycamd.camera.installation`: the installer without anything but Python and openssl.

    tar -xOf bodycamd-0.2.0.bundle install.pyz >/run/install.pyz
    python3 -I /run/install.pyz install bodycamd-0.2.0.bundle --release-key release.pem

`bodycamd bundle` on a camera is the same. At boot systemd calls `settle` (bodycamd-settle.service).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bodycamd.camera.installation.commands import install, remove, rollback, settle_at_boot
from bodycamd.errors import BodycamError


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command and return its exit code; what is wrong is one line on stderr."""
    parser = argparse.ArgumentParser(prog="install.pyz", description="What a body-worn camera runs: install, update, roll back, remove.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (("install", "bring a bundle into use, the first one"), ("update", "bring a newer bundle into use")):
        command = commands.add_parser(name, help=what)
        command.add_argument("bundle", type=Path)
        command.add_argument("--release-key", type=Path, help="the public halves of the release keys, in PEM; kept for later updates")
        command.add_argument("--docked", action="store_true", help="it is on its supply, where no gauge can tell")
    command = commands.add_parser("rollback", help="bring the version before into use again")
    command.add_argument("--docked", action="store_true", help="it is on its supply, where no gauge can tell")
    command = commands.add_parser("remove", help="take the software off; recordings, ledger and configuration stay")
    command.add_argument("--footage", action="store_true", help="delete recordings, ledger and keys too; refused while anything is held")
    commands.add_parser("settle", help="lead an interrupted update back (at boot)")
    given = parser.parse_args(argv)
    try:
        match given.command:
            case "install" | "update":
                said = install(given.bundle, given.release_key, docked=given.docked)
            case "rollback":
                said = rollback(docked=given.docked)
            case "remove":
                said = remove(footage=given.footage)
            case _:
                said = settle_at_boot()
    except BodycamError as error:
        print(_printable(f"install: {error}"), file=sys.stderr)  # noqa: T201 - it has no other package
        return error.exit_code
    print(_printable(said))  # noqa: T201 - it has no other package
    return 0


def _printable(line: str) -> str:
    """One line of ASCII: names of files come from others."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in line)


if __name__ == "__main__":
    sys.exit(main())
