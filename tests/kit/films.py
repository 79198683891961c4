"""Segments as a camera writes them, made with ffmpeg, pyrage and the evidence format; times are those of a camera up for two hours."""

from __future__ import annotations

import io
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import av
import av.error
import pyrage

from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.segment import GrowingSegment
from bodycamd.evidence.signing import Start
from bodycamd.evidence.statements import ZERO_HASH
from bodycamd.footage import EncryptedInit
from bodycamd.linux.clock import SettableClock
from tests.kit.fragments import sealed_piece

BOOT_SECONDS = 7200.25


def fragmented_mp4(
    seconds: float,
    *,
    begins: float = BOOT_SECONDS,
    size: str = "320x180",
    rate: int = 30,
    audio: bool = True,
    sound_after_seconds: float = 0,
) -> bytes:
    """An fMP4 stream of one-second GOPs."""
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}"]
    if audio:
        command += ["-itsoffset", str(sound_after_seconds), "-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={seconds}"]
        command += ["-c:a", "aac", "-b:a", "96k"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p"]
    command += ["-g", str(rate), "-keyint_min", str(rate)]
    flags = "frag_keyframe+empty_moov+default_base_moof+cmaf+frag_discont"
    command += ["-output_ts_offset", str(begins), "-movflags", flags, "-f", "mp4", "-"]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


def split(stream: bytes) -> tuple[bytes, list[bytes]]:
    """The init segment, and the fragments (moof+mdat)."""
    boxes: list[tuple[bytes, bytes]] = []
    at = 0
    while at < len(stream):
        size, kind = struct.unpack(">I4s", stream[at : at + 8])
        boxes.append((kind, stream[at : at + size]))
        at += size
    init = b"".join(content for kind, content in boxes if kind in (b"ftyp", b"moov"))
    rest = [(kind, content) for kind, content in boxes if kind in (b"moof", b"mdat")]
    fragments = [moof + mdat for (_, moof), (_, mdat) in zip(rest[::2], rest[1::2], strict=True)]
    return init, fragments


def stated_of(init: bytes) -> tuple[int, int, bool]:
    """Width, height and whether there is sound; something where the footage is not to be read."""
    try:
        with av.open(io.BytesIO(init), "r") as container:
            return container.streams.video[0].width, container.streams.video[0].height, bool(container.streams.audio)
    except (av.error.FFmpegError, IndexError):
        return 320, 180, True


def picture_begins_us(init: bytes, fragment: bytes) -> int:
    """The time stamp of a fragment's first picture; that of a camera up for two hours where the footage is not to be read."""
    try:
        with av.open(io.BytesIO(init + fragment), "r") as container:
            packet = next(packet for packet in container.demux(video=0) if packet.pts is not None)
            assert packet.pts is not None
            assert packet.time_base is not None
            return round(packet.pts * packet.time_base * 1_000_000)
    except (av.error.FFmpegError, StopIteration):
        return int(BOOT_SECONDS * 1e6)


class Camera:
    """Writes segments into one recording folder."""

    def __init__(self, folder: Path, recording: str = "000001-0001", device: str = "cam") -> None:
        self.identity = pyrage.x25519.Identity.generate()
        self.recording = recording
        self.folder = folder / recording
        self.folder.mkdir(parents=True)
        self.identity_file = folder / "identity.txt"
        self.identity_file.write_text(f"# created: 2025-06-01T12:00:00Z\n# public key: {self.identity.to_public()}\n{self.identity}\n")
        signer = SigningKey.generate()
        self.public_key = signer.public
        self.clock = SettableClock(int(BOOT_SECONDS * 1e6), 1_750_000_000_000_000, source="test", step_us=1000)
        self._start = Start(
            number=1,
            device=device,
            boot_id="b",
            signer=signer,
            clock=self.clock,
        )
        self.seq = 0
        self._segment = 0
        self._end_us = 0

    def _gap_us(self, pts_us: int) -> int:
        missing = max(0, pts_us - self._end_us) if self._end_us else 0
        self._end_us = pts_us + 1_000_000
        return missing

    def write(
        self,
        init: bytes,
        fragments: Sequence[bytes],
        *,
        suffix: str = ".tar",
        generation: int = 1,
        torn: int = 0,
        stated: tuple[int, int, bool] | None = None,
    ) -> Path:
        """One segment. `torn` cuts so many bytes off its end. `stated` (width, height, sound) is what the film has, unless given; then
        the film is not looked at, and its fragments begin second after second.
        """
        growing = GrowingSegment(self._start, recording=self.recording, segment=self._segment, ledger_head=ZERO_HASH)
        recipient = self.identity.to_public()
        width, height, sound = stated or stated_of(init)
        sealed = EncryptedInit(generation, pyrage.encrypt(init, [recipient]), (str(recipient),), "libx264", width, height, 30.0, sound)
        pieces = [*growing.init(sealed)]
        for number, fragment in enumerate(fragments):
            self.seq += 1
            pts_us = picture_begins_us(init, fragment) if stated is None else int(BOOT_SECONDS * 1e6) + number * 1_000_000
            age = pyrage.encrypt(fragment, [recipient])
            encrypted_fragment = sealed_piece(generation, self.seq, pts_us, 1_000_000, 30, "live", pts_us, 48_000, 0, age)
            pieces += growing.fragment(encrypted_fragment, gap_us=self._gap_us(pts_us))
        if suffix == ".tar":
            pieces += growing.end()
        path = self.folder / f"{self._segment:06d}{suffix}"
        content = b"".join(pieces)
        path.write_bytes(content[: len(content) - torn])
        self._segment += 1
        return path
