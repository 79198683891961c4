"""Prints a page as PDF, or a picture as PNG, with the machine's Chromium. Both are our own and load nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from bodycamd.errors import UnavailableError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PRINT_SECONDS = 120


CARD_INSTEAD = "write the page instead (--out CARD.html) and print it on A5 from a browser"


def print_pdf(page: str, instead: str = CARD_INSTEAD) -> bytes:
    """The page as PDF, of the size that its `@page` names. Raises `UnavailableError` where no browser is found or it does not print, which
    says what to do `instead`.
    """
    return _printed(page, "html", "pdf", ["--no-pdf-header-footer"], "--print-to-pdf", instead)


def print_png(svg: str, width: int, height: int) -> bytes:
    """The picture as PNG, of this size in pixels. Raises `UnavailableError` where no browser is found or it does not draw it."""
    options = ["--hide-scrollbars", f"--window-size={width},{height}"]
    return _printed(svg, "svg", "png", options, "--screenshot", "write the picture itself instead (--out NAME.svg)")


def _printed(text: str, kind: str, wanted: str, options: list[str], order: str, instead: str) -> bytes:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise UnavailableError(f"a {wanted.upper()} takes Chromium, which is not installed: sudo apt install chromium; or {instead}")
    with tempfile.TemporaryDirectory(prefix="bodycamd-print-") as folder:
        written, printed = Path(folder) / f"page.{kind}", Path(folder) / f"page.{wanted}"
        written.write_text(text, encoding="utf-8")
        confined = [] if os.geteuid() else ["--no-sandbox"]  # as root Chromium does not start confined
        command = [browser, "--headless", "--disable-gpu", f"--user-data-dir={folder}/profile", *options, *confined]
        try:
            ended = subprocess.run(
                [*command, f"{order}={printed}", written.as_uri()], capture_output=True, timeout=PRINT_SECONDS, check=False
            )
            return printed.read_bytes()
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"{browser} did not print within {PRINT_SECONDS} s; {instead}") from error
        except FileNotFoundError as error:
            last = ended.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise UnavailableError(f"{browser} did not print ({''.join(last) or f'exit code {ended.returncode}'}); {instead}") from error
