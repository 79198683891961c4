"""The independent judges: tar, age, openssl, sha256sum, ffprobe and ffmpeg, run as a court's expert would run them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any


def run(*command: str | Path, data: bytes | None = None) -> bytes:
    """The standard output of a command that must succeed without a word on standard error."""
    done = subprocess.run([str(word) for word in command], input=data, capture_output=True)
    assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stderr.decode(errors='replace')}"
    assert not done.stderr, f"{command} said: {done.stderr.decode(errors='replace')}"
    return done.stdout


def play(segment: Path, identity: Path, film: Path) -> Path:
    """The command of the format: every age file of a segment, decrypted in order, is a film."""
    film.write_bytes(run("tar", "-xf", segment, "--wildcards", "*.age", f"--to-command=age -d -i {identity}"))
    return film


def extract(segment: Path, folder: Path) -> list[Path]:
    """All members as files, in the order of the archive."""
    folder.mkdir(parents=True, exist_ok=True)
    run("tar", "-xf", segment, "-C", folder)
    return [folder / name for name in run("tar", "-tf", segment).decode().split()]


DECODED = ("-enc_time_base", "1:1000000", "-f", "null", "-")
"""Where `ffmpeg` leaves what it decoded. Without a time base of its own it counts in the film's mean frame rate, and warns where two
pictures of an uneven film come into one tick; that says nothing of the film."""


def decodes(film: Path) -> None:
    """`ffmpeg` decodes every frame and sample without a message."""
    run("ffmpeg", "-nostdin", "-v", "warning", "-i", film, *DECODED)


def streamhash(film: Path) -> list[str]:
    """One hash of all packets for each stream."""
    hashes = run("ffmpeg", "-v", "warning", "-i", film, "-map", "0", "-c", "copy", "-f", "streamhash", "-hash", "sha256", "-")
    return hashes.decode().split()


def probe(film: Path) -> dict[str, Any]:
    """What `ffprobe` says of format and streams."""
    result: dict[str, Any] = json.loads(run("ffprobe", "-v", "warning", "-of", "json", "-show_format", "-show_streams", film))
    return result


def verify_signatures(segment: Path, pem: Path, folder: Path) -> int:
    """`openssl pkeyutl` accepts every signature of a segment, `sha256sum` agrees with every statement; gives the number of statements."""
    members = extract(segment, folder)
    statements = [member for member in members if member.suffix == ".json"]
    for statement in statements:
        signature = statement.with_suffix(".sig")
        out = run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", pem, "-rawin", "-in", statement, "-sigfile", signature)
        assert b"Signature Verified Successfully" in out
        said = json.loads(statement.read_bytes())
        (sealed,) = [member for member in members if member.name.startswith(statement.stem) and member.suffix == ".age"]
        assert run("sha256sum", sealed).split()[0].decode() == said["sha256"]
        assert sealed.stat().st_size == said["size"]
    return len(statements)
