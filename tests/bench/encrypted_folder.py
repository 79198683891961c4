"""The peer that seals whole files: FFmpeg's segments in a folder that gocryptfs encrypts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.kit.waiting import wait_for


def folder_cpu_seconds(film: Path, folder: Path) -> float:
    """Processor time of FFmpeg and of gocryptfs, from its mount to its end, for `film` in segments of a minute, written and synchronised.

    `folder` must not exist. Needs /dev/fuse and the right to mount there.
    """
    cipher, plain, word = folder / "cipher", folder / "plain", folder / "word"
    for made in (cipher, plain):
        made.mkdir(parents=True)
    word.write_text("bench\n")
    subprocess.run(["gocryptfs", "-q", "-init", "-scryptn", "10", "-passfile", word, cipher], check=True)
    mounted = subprocess.Popen(["gocryptfs", "-q", "-fg", "-passfile", word, cipher, plain])
    try:
        wait_for(lambda: os.path.ismount(plain), 20, "the encrypted folder")
        segments = ("-c", "copy", "-f", "segment", "-segment_time", "60", "-segment_format_options", "movflags=frag_keyframe+empty_moov")
        writing = subprocess.Popen(["ffmpeg", "-nostdin", "-v", "error", "-i", film, *segments, plain / "%06d.mp4"])
        written = _ended(writing)
        for file in plain.iterdir():
            descriptor = os.open(file, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
    finally:
        subprocess.run(["fusermount3", "-u", plain], check=True)
        sealed = _ended(mounted)
    return written + sealed


def _ended(process: subprocess.Popen[bytes]) -> float:
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.args
    return usage.ru_utime + usage.ru_stime
