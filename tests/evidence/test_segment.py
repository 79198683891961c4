"""A segment cut at any byte gives the whole triples before the cut; no changed byte is taken for good; the file is never touched."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import random
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.errors import DataError, NotFoundError
from bodycamd.evidence import ustar
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.segment import GrowingSegment, members, recover
from bodycamd.evidence.segment_reader import SegmentReader, Triple, read_age
from bodycamd.evidence.statements import ZERO_HASH, FragmentStatement
from bodycamd.evidence.ustar import END
from bodycamd.footage import AGE_MAGIC
from tests.evidence.making import MadeSegment, encrypted_fragment, encrypted_init, made_segment, new_start
from tests.kit.scale import IN_FULL, SCALE, count, only_in_full

AGES = st.lists(st.binary(min_size=1, max_size=1500), max_size=4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "000000.tar.part"


def test_a_whole_segment_is_whole(path: Path) -> None:
    made = made_segment([b"one", b"two" * 300])
    path.write_bytes(made.content)
    found = recover(path, made.keys)
    assert (found.good_bytes, found.torn_bytes, found.ended, found.reason) == (len(made.content), 0, True, "")
    assert found.sha256 == made.segment.file_sha256 == hashlib.sha256(made.content).hexdigest()
    assert made.segment.size == len(made.content)
    assert found.last_sha256 == made.segment.last_sha256
    assert found.fragments == made.segment.fragments == 2
    assert found.init is not None
    assert found.init.video.encoder == "libx264"
    assert isinstance(found.last, FragmentStatement)
    assert found.end_us == 3_000_000
    assert found.last.pre_start_us is None


@only_in_full
def test_every_cut_gives_exactly_the_whole_triples_before_it(path: Path, unsynced: None) -> None:
    made = made_segment([b"a"])
    path.write_bytes(made.content)
    for size in range(len(made.content), -1, -1 if SCALE >= IN_FULL else -5):
        os.truncate(path, size)
        found = recover(path, made.keys)
        good = size if size == len(made.content) else made.good_before(size)
        assert (found.good_bytes, found.torn_bytes) == (good, size - good), size
        assert found.sha256 == hashlib.sha256(made.content[:good]).hexdigest()
        assert found.ended == (size == len(made.content))
        assert (found.reason == "") == (good == size)
        assert path.stat().st_size == size


@only_in_full
def test_every_flipped_byte_ends_what_is_good_before_its_triple(path: Path, unsynced: None) -> None:
    made = made_segment([b"a"])
    size = len(made.content)
    for at in sorted(random.sample(range(size), count(size))):
        changed = bytearray(made.content)
        changed[at] ^= 1 << at % 8
        path.write_bytes(changed)
        found = recover(path, made.keys)
        assert found.good_bytes == made.good_before(at), at
        assert found.torn_bytes == len(changed) - found.good_bytes
        assert found.reason
        assert not found.ended
        assert path.read_bytes() == changed


@only_in_full
@settings(max_examples=count(1000))
@given(AGES, st.data())
def test_no_tail_after_a_cut_passes_for_good(tmp_path_factory: pytest.TempPathFactory, ages: list[bytes], data: st.DataObject) -> None:
    made = made_segment(ages)
    cut = data.draw(st.integers(0, len(made.content)))
    tail = data.draw(st.binary(max_size=600) | st.just(bytes(600)) | st.just(bytes(2048)))
    content = made.content[:cut] + tail
    path = tmp_path_factory.getbasetemp() / "tail.tar.part"
    path.write_bytes(content)
    found = recover(path, made.keys)
    same = next((at for at, (a, b) in enumerate(zip(content, made.content, strict=False)) if a != b), min(len(content), len(made.content)))
    good = made.good_before(same)
    assert found.ended == (content[good:] == END)
    assert found.good_bytes == (len(content) if found.ended else good)
    assert found.sha256 == hashlib.sha256(content[: found.good_bytes]).hexdigest()


def test_what_was_found_is_durable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = made_segment([b"a"])
    path.write_bytes(made.content)
    synced: list[str] = []
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    recover(path, made.keys)
    assert synced == [str(path)]


def test_a_missing_file_and_a_link_are_told(path: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        recover(path, {})
    path.symlink_to(tmp_path / "other")
    with pytest.raises(DataError, match="a link stands"):
        recover(path, {})


def triples(content: bytes) -> list[Triple]:
    return list(SegmentReader(io.BytesIO(content), "s.tar"))


def rejoined(*parts: Triple | bytes, content: bytes) -> bytes:
    """Triples put together again, in any order."""
    out = b""
    for part in parts:
        if isinstance(part, Triple):
            age = content[part.age.content_offset : part.age.content_offset + part.age.header.size]
            out += b"".join(members(part.index, age, part.json, part.signature))
        else:
            out += part
    return out


def test_triples_of_elsewhere_do_not_follow(path: Path) -> None:
    key = SigningKey.generate()
    made = made_segment([b"one", b"two", b"three"], start=new_start(key))
    other = made_segment([b"other one", b"other two", b"other three"], start=new_start(key))
    init, one, _, three = triples(made.content)
    foreign = triples(other.content)[2]
    for parts, good in (((init, one, three), 2), ((init, one, one), 2), ((one,), 0), ((init, three), 1), ((init, init), 1)):
        path.write_bytes(rejoined(*parts, content=made.content))
        assert recover(path, made.keys).good_bytes == made.bounds[good]
    path.write_bytes(made.content[: made.bounds[2]] + rejoined(foreign, content=other.content))
    found = recover(path, made.keys)
    assert found.good_bytes == made.bounds[2]
    assert "prev is not" in found.reason


def test_a_key_that_is_not_of_this_start_is_refused(path: Path) -> None:
    made = made_segment([b"one"])
    path.write_bytes(made.content)
    assert recover(path, {}).good_bytes == 0
    stranger = SigningKey.generate().public
    assert recover(path, {stranger.id: stranger}).good_bytes == 0
    assert recover(path, {made.start.signer.public.id: stranger}).good_bytes == 0


def swapped(made: MadeSegment, old: bytes, new: bytes) -> bytes:
    """The first triple's statement changed and signed again by the right key: form alone must tell."""
    first = triples(made.content)[0]
    json = first.json.replace(old, new, 1)
    assert json != first.json
    return b"".join(members(0, AGE_MAGIC + b"init", json, made.start.signer.sign(json)))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"size":26', b'"size":27', "not as stated"),
        (b'"sha256":"', b'"sha256":"0', "sha256"),
        (b'"index":0', b'"index":1', "index"),
        (b"}\n", b'},"n":2}\n', "Extra data"),
        (b'{"audio_track":true,', b'{"audio_track":true,"audio_track":true,', "repeated"),
    ],
)
def test_a_signature_does_not_make_a_wrong_statement_right(path: Path, old: bytes, new: bytes, reason: str) -> None:
    made = made_segment([])
    path.write_bytes(swapped(made, old, new))
    found = recover(path, made.keys)
    assert found.good_bytes == 0
    assert reason in found.reason


def test_bytes_after_the_end_are_refused() -> None:
    made = made_segment([b"one"])
    for tail in (b"x", bytes(512), bytes(9216), made.content):
        with pytest.raises(DataError, match="bytes follow the end"):
            triples(made.content + tail)
    with pytest.raises(DataError, match="one zero block"):
        triples(made.content[:-512])
    unended = SegmentReader(io.BytesIO(made.content[:-1024]), "s.tar")
    assert len(list(unended)) == 2
    assert not unended.ended


def test_members_out_of_order_are_refused() -> None:
    made = made_segment([])
    first = triples(made.content)[0]
    end_of_age = first.age.content_offset + first.age.header.size + first.age.header.padding
    age, rest = made.content[:end_of_age], made.content[end_of_age : made.bounds[1]]
    for content in (rest + age, rest, age + age + rest, ustar.END + made.content):
        with pytest.raises(DataError):
            triples(content)


@settings(max_examples=count(3000))
@given(st.binary(max_size=3000))
def test_no_bytes_raise_anything_but_a_data_error(content: bytes) -> None:
    with contextlib.suppress(DataError):
        assert triples(content) == []


def test_the_age_bytes_are_checked_when_they_are_used() -> None:
    made = made_segment([b"one" * 400])
    file = io.BytesIO(made.content)
    fragment = list(SegmentReader(file, "s.tar"))[1]
    assert read_age(file, fragment) == b"one" * 400
    changed = io.BytesIO(made.content.replace(b"oneone", b"oneOne"))
    with pytest.raises(DataError, match="changed"):
        read_age(changed, fragment)


def test_a_segment_is_read_in_constant_memory(path: Path) -> None:
    made = made_segment([bytes(8_000_000), bytes(8_000_000)])
    path.write_bytes(made.content)
    tracemalloc.start()
    try:
        assert recover(path, made.keys).fragments == 2
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_appending_does_not_copy_the_footage() -> None:
    age = bytes(4_000_000)
    segment = GrowingSegment(new_start(), recording="000001-0001", segment=0, ledger_head=ZERO_HASH)
    assert any(buffer is age for buffer in segment.init(encrypted_init(age)))
    assert any(buffer is age for buffer in segment.fragment(encrypted_fragment(1, age), gap_us=0))


def test_values_that_a_reader_would_refuse_are_not_given_out() -> None:
    segment = GrowingSegment(new_start(), recording="000001-0001", segment=0, ledger_head="ab" * 32)
    with pytest.raises(DataError):
        segment.init(encrypted_init(b""))
    assert segment.size == 0
    segment.init(encrypted_init())
    assert segment.last is not None
    assert segment.last.statement.prev == "ab" * 32
    before = segment.size, segment.last_sha256, segment.file_sha256
    with pytest.raises(DataError):
        segment.fragment(encrypted_fragment(1), gap_us=-1)
    assert (segment.size, segment.last_sha256, segment.file_sha256) == before
    segment.fragment(encrypted_fragment(1), gap_us=0)
    assert (segment.last.statement.index, segment.last.statement.n) == (1, 4)
