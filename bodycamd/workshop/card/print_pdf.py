"""Prints a page as PDF with the machine's Chromium. The page is our own and loads nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from bodycamd.errors import UnavailableError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PRINT_SECONDS = 120
INSTEAD = "write the page instead (--out CARD.html) and print it on A5 from a browser"


def print_pdf(page: str) -> bytes:
    """The page as PDF, of the size that its `@page` names. Raises `UnavailableError` where no browser is found or it does not print."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise UnavailableError(f"a PDF takes Chromium, which is not installed: sudo apt install chromium; or {INSTEAD}")
    with tempfile.TemporaryDirectory(prefix="bodycamd-card-") as folder:
        written, printed = Path(folder) / "card.html", Path(folder) / "card.pdf"
        written.write_text(page, encoding="utf-8")
        confined = [] if os.geteuid() else ["--no-sandbox"]  # as root Chromium does not start confined
        command = [browser, "--headless", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={folder}/profile", *confined]
        try:
            ended = subprocess.run(
                [*command, f"--print-to-pdf={printed}", written.as_uri()], capture_output=True, timeout=PRINT_SECONDS, check=False
            )
            return printed.read_bytes()
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"{browser} did not print within {PRINT_SECONDS} s; {INSTEAD}") from error
        except FileNotFoundError as error:
            last = ended.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise UnavailableError(f"{browser} did not print ({''.join(last) or f'exit code {ended.returncode}'}); {INSTEAD}") from error
