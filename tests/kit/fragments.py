"""Synthetic footage for the tests of ring and writer: bytes that begin like an age file and are different for every `seq`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from bodycamd.footage import AGE_MAGIC, AudioState, EncryptedFragment, EncryptedInit, FragmentFacts

SECOND = 1_000_000
RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudlk2vxsqss2ua"


@dataclass(frozen=True)
class ClearFragment:
    """A fragment as the muxer makes it."""

    facts: FragmentFacts
    data: bytes


def age_bytes(label: str, size: int) -> bytes:
    """`size` bytes with the head of an age file, the rest determined by `label`."""
    head = AGE_MAGIC + b"-> X25519 "
    block = hashlib.sha256(label.encode()).digest()
    return (head + block * (size // 32 + 1))[: max(size, len(head))]


def sealed_piece(
    generation: int,
    seq: int,
    pts_us: int,
    duration_us: int,
    frames: int,
    audio: AudioState,
    audio_pts_us: int | None,
    audio_samples: int,
    gap_us: int,
    age: bytes,
) -> EncryptedFragment:
    """A fragment as the ring gets it."""
    facts = FragmentFacts(
        generation=generation,
        pts_us=pts_us,
        duration_us=duration_us,
        frames=frames,
        audio=audio,
        audio_pts_us=audio_pts_us,
        audio_samples=audio_samples,
        gap_us=gap_us,
    )
    return EncryptedFragment(facts, seq, age)


def init(generation: int = 1, recipients: tuple[str, ...] = (RECIPIENT,)) -> EncryptedInit:
    """An init segment of this generation."""
    return EncryptedInit(generation, age_bytes(f"init {generation}", 900), recipients, "libx264", 1280, 720, 30.0, True)


def fragment(
    seq: int, *, pts_us: int | None = None, duration_us: int = SECOND, generation: int = 1, size: int = 1000, gap_us: int = 0
) -> EncryptedFragment:
    """Fragment number `seq` of one second; by default the film begins at 1 s of boot time with `seq` 1."""
    start = seq * SECOND if pts_us is None else pts_us
    age = age_bytes(f"fragment {seq}", size)
    return sealed_piece(generation, seq, start, duration_us, 30, "live", start, 48_000, gap_us, age)
