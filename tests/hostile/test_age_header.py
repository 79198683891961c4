"""The header of an age file is bounded before any age library sees it; every file that this format allows passes."""

from __future__ import annotations

import time
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.capture import protocol as link
from bodycamd.camera.capture.worker.encrypt import encrypt, parse_recipients
from bodycamd.errors import DataError
from bodycamd.footage import AGE_MAGIC, MAX_AGE_HEADER_BYTES, MAX_AGE_STANZAS, check_age_header
from bodycamd.municipality.film.identities import Identities
from tests.kit.age_files import AGE_HEADER
from tests.kit.scale import count

KEYS = [pyrage.x25519.Identity.generate() for _ in range(64)]
END = b"--- " + b"C" * 43 + b"\n"
STANZA = b"-> X25519 " + b"A" * 43 + b"\n" + b"B" * 43 + b"\n"
FRAGMENT = link.Fragment(
    generation=1, pts_us=1, duration_us=1_000_000, frames=30, audio="live", audio_pts_us=1, audio_samples=48_000, gap_us=0
)


@settings(max_examples=count(200))
@given(st.integers(1, 64), st.binary(min_size=1, max_size=200))
def test_every_number_of_recipients_passes(recipients: int, content: bytes) -> None:
    chosen = KEYS[:recipients]
    encrypted = encrypt(content, parse_recipients("\n".join(str(key.to_public()) for key in chosen)))
    link.encode(FRAGMENT, encrypted)
    assert Identities(chosen[-1:], "identity.txt").open(encrypted, "here") == content


@pytest.mark.parametrize(
    ("age", "why"),
    [
        (AGE_MAGIC + STANZA * 1000 + END + bytes(64), "does not end within"),
        (AGE_MAGIC + b"-> a\n\n" * (MAX_AGE_STANZAS + 1) + END + bytes(64), "73 stanzas"),
        (AGE_MAGIC + END + bytes(64), "not end within|0 stanzas"),
        (AGE_MAGIC + b"-> X25519 " + b"A" * 100_000, "does not end within"),
        (AGE_MAGIC + STANZA + b"--- " + b"C" * 100_000, "does not end within"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\n" + b"A" * 64 + b"\n", "not an age file"),
        (AGE_MAGIC, "does not end within"),
        (b"", "not an age file"),
    ],
)
def test_other_headers_are_refused_before_the_library(age: bytes, why: str, tmp_path: Path) -> None:
    begun = time.thread_time()
    with pytest.raises(DataError, match=rf"^here: .*({why})"):
        Identities(KEYS[:1], "identity.txt").open(age, "here")
    with pytest.raises(link.LinkError):
        link.encode(FRAGMENT, age)
    assert time.thread_time() - begun < 1


def test_the_largest_header_costs_the_library_little() -> None:
    """What may pass is about what 64 recipients are: 0.06 s; 1,000 stanzas took 37 s."""
    room = MAX_AGE_HEADER_BYTES - len(AGE_MAGIC) - len(END)
    for age in (
        AGE_MAGIC + STANZA * MAX_AGE_STANZAS + b"-> a\n" + b"A" * 64 + b"\n\n" + END,
        AGE_MAGIC + b"-> a" + b" b" * ((room - 6) // 2) + b"\n\n" + END,
        AGE_MAGIC + b"-> a\n" + (b"A" * 64 + b"\n") * ((room - 6) // 65) + b"\n" + END,
    ):
        begun = time.thread_time()
        with pytest.raises(DataError):
            Identities(KEYS[:1], "identity.txt").open(age + bytes(64), "here")
        assert time.thread_time() - begun < 2


def test_the_tests_own_header_passes() -> None:
    check_age_header(AGE_HEADER, "here")
