"""The facts of a fragment on their way: read by the muxer, sent over the link, kept, stated; each is the same everywhere."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.capture.protocol import AGE_X25519, PREFIX, AudioReport, Fragment, FrameReader, encode
from bodycamd.evidence.statements import FragmentStatement
from bodycamd.footage import MAX_FRAGMENT_FRAMES, MAX_FRAGMENT_SAMPLES, MAX_FRAGMENT_US, EncryptedFragment, FragmentFacts
from tests.evidence.making import new_start
from tests.kit.age_files import AGE_HEADER
from tests.kit.scale import count

TIMES = st.integers(0, 2**53 - 1)
FACTS = st.builds(
    FragmentFacts,
    generation=st.integers(1, 2**31),
    pts_us=TIMES,
    duration_us=st.integers(1, MAX_FRAGMENT_US),
    frames=st.integers(1, MAX_FRAGMENT_FRAMES),
    audio=st.sampled_from(["live", "off", "lost"]),
    audio_pts_us=st.none() | TIMES,
    audio_samples=st.integers(0, MAX_FRAGMENT_SAMPLES),
    gap_us=st.integers(0, MAX_FRAGMENT_US),
)
AGE = AGE_HEADER + b"the fragment"
START = new_start()


def test_every_fact_is_sent_and_stated() -> None:
    assert Fragment.__struct_fields__ == FragmentFacts.__struct_fields__
    assert set(FragmentFacts.__struct_fields__) <= set(FragmentStatement.__struct_fields__)


def test_the_link_carries_them_in_the_form_it_always_had() -> None:
    facts = FragmentFacts(
        generation=3,
        pts_us=7_000_001,
        duration_us=1_000_000,
        frames=30,
        audio="lost",
        audio_pts_us=None,
        audio_samples=0,
        gap_us=250,
    )
    frame = b"".join(encode(Fragment.of(facts), AGE))
    header = (
        b'{"message":"Fragment","generation":3,"pts_us":7000001,"duration_us":1000000,"frames":30,"audio":"lost","audio_pts_us":null,'
        b'"audio_samples":0,"gap_us":250}'
    )
    assert AGE.startswith(AGE_X25519)
    assert frame == PREFIX.pack(b"BCL1", len(header), len(AGE)) + header + AGE


def test_the_link_carries_the_report_of_the_sound_in_the_form_it_always_had() -> None:
    header = b'{"message":"AudioState","generation":1,"audio":"lost","reason":"x"}'
    assert b"".join(encode(AudioReport(generation=1, audio="lost", reason="x"))) == PREFIX.pack(b"BCL1", len(header), 0) + header


@settings(max_examples=count(300))
@given(FACTS, st.integers(0, 2**53 - 1), st.none() | TIMES)
def test_what_was_read_from_the_bytes_is_what_is_signed(facts: FragmentFacts, gap_us: int, pre_start_us: int | None) -> None:
    [(message, age)] = FrameReader.of_worker().feed(b"".join(encode(Fragment.of(facts), AGE)))
    assert isinstance(message, FragmentFacts)
    signed = START.fragment(
        EncryptedFragment(message, 9, age),
        recording="000001-0001",
        segment=0,
        index=1,
        prev="0" * 64,
        gap_us=gap_us,
        pre_start_us=pre_start_us,
    ).statement
    assert isinstance(signed, FragmentStatement)
    assert {name: getattr(signed, name) for name in FragmentFacts.__struct_fields__} == msgspec.structs.asdict(facts) | {"gap_us": gap_us}
    assert (signed.seq, signed.pre_start_us, signed.end_us) == (9, pre_start_us, facts.end_us)
