"""Runs the job whose name is in the share; where it fails, the host finds the reason and the journal."""

from __future__ import annotations

import importlib
import subprocess

from tests.machine.jobs.guest import BENCH

if __name__ == "__main__":
    try:
        importlib.import_module(f"tests.machine.jobs.{(BENCH / 'job').read_text()}").main()
    except Exception as error:
        journal = subprocess.run(["journalctl", "--no-pager", "-n", "200"], capture_output=True, text=True)
        (BENCH / "failed").write_text(f"{error!r}\n{journal.stdout}")
        raise
