"""The files that a camera's configuration names, each looked at as its own reader reads it.

One list for `bodycamd config check` and for the installer, which asks before anything is made: what the one takes, the other takes. The
recorder's start looks at the same files, but not into the recipients, which its capture worker reads: age stays out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bodycamd.camera.capture.worker.encrypt import load_recipients
from bodycamd.camera.cards.codes import read_officers
from bodycamd.config import checks
from bodycamd.config.problems import Problem
from bodycamd.config.settings import Config
from bodycamd.errors import ConfigError


def problems(config: Config) -> Iterator[Problem]:
    """Every file that is named and missing, unreadable, or not what is needed. `config`: from `load`, with absolute paths."""
    if config.shift.cards is not None:
        try:
            read_officers(Path(config.shift.cards))
        except ConfigError as error:
            yield Problem("shift.cards", str(error), "")
    recipients_told = False
    for problem in checks.file_problems(config):
        recipients_told |= problem.key == "keys.recipients"
        yield problem
    if not recipients_told:
        try:
            load_recipients(Path(config.keys.recipients))
        except ConfigError as error:
            yield Problem("keys.recipients", str(error), "")
