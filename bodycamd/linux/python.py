"""Starts Python processes that import only this program, and nothing that lies about."""

from __future__ import annotations

import sys


def python_command(module: str, *arguments: str, python: str = sys.executable) -> list[str]:
    """The command line of a process that runs `module`.

    `-P`: not a module of the same name in the working directory, which the service can write to. `-s`: nor one in the user's own folder of
    packages, which for the service lies there too.
    """
    return [python, "-P", "-s", "-m", module, *arguments]
