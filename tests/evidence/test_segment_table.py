"""A segment, member by member: its bytes, what ends the reading and in which words, what a cut leaves, what follows what."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.segment import GrowingSegment, Recovery, members, open_segment, recover, sha256_between
from bodycamd.evidence.segment_reader import CutError, Member, SegmentReader, Triple, check_follows, read_age
from bodycamd.evidence.statements import FragmentStatement, Statement
from bodycamd.evidence.ustar import END, Header, pack
from bodycamd.footage import AGE_MAGIC
from tests.evidence.making import brief, encrypted_fragment, encrypted_init, made_segment, new_start, told

KEY = SigningKey.generate()
MADE = made_segment([b"one", b"two" * 300], start=new_start(KEY))
AGE = AGE_MAGIC + b"init"


def sha(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def padded(raw: bytes) -> bytes:
    return raw + bytes(-len(raw) % 512)


def read(content: bytes) -> tuple[list[Triple], str, SegmentReader]:
    """What is read, what ends it, and where it stands then."""
    reader, found = SegmentReader(io.BytesIO(content), "s.tar"), []
    try:
        for triple in reader:
            found.append(triple)
    except DataError as error:
        return found, str(error), reader
    return found, "", reader


TRIPLES = read(MADE.content)[0]


def triple_bytes(statement: Statement, age: bytes, key: SigningKey = KEY) -> bytes:
    """A triple of any statement, signed."""
    json = msgspec.json.encode(statement, order="sorted") + b"\n"
    return b"".join(members(statement.index, age, json, key.sign(json)))


def changed(at: int, **fields: Any) -> Statement:
    return msgspec.structs.replace(TRIPLES[at].statement, **fields)


@pytest.mark.parametrize(("index", "kind"), [(0, "init.mp4.age"), (1, "m4s.age"), (999_999, "m4s.age")])
@pytest.mark.parametrize("size", [1, 511, 512, 513])
def test_a_triple_is_three_members_with_zeros_up_to_the_block(index: int, kind: Any, size: int) -> None:
    age, json, signature = b"a" * size, b"j" * size + b"\n", b"s" * 64
    parts = [(Header(index, kind, size), age), (Header(index, "json", size + 1), json), (Header(index, "sig", 64), signature)]
    assert b"".join(members(index, age, json, signature)) == b"".join(pack(header) + padded(content) for header, content in parts)
    assert told(lambda: members(1, b"", json, signature)).startswith("000001.m4s.age: 0 bytes; ")


def test_a_segment_grows_by_what_is_given_out() -> None:
    segment = GrowingSegment(new_start(KEY), recording="000001-0002", segment=7, ledger_head="ab" * 32)
    assert (segment.size, segment.last, segment.fragments, segment.last_sha256) == (0, None, 0, "ab" * 32)
    assert segment.file_sha256 == sha(b"")
    given = b"".join(segment.init(encrypted_init()))
    assert (segment.recording, segment.segment, segment.fragments, segment.size) == ("000001-0002", 7, 0, len(given))
    first = segment.last
    assert first is not None
    assert (first.statement.prev, first.statement.recording, first.statement.segment) == ("ab" * 32, "000001-0002", 7)
    assert segment.last_sha256 == first.json_sha256
    for index, pre_start_us in ((1, 400), (2, None)):
        before = segment.last_sha256
        given += b"".join(segment.fragment(encrypted_fragment(index + 10), gap_us=index, pre_start_us=pre_start_us))
        last = segment.last
        assert last is not None
        assert isinstance(last.statement, FragmentStatement)
        assert (last.statement.index, last.statement.seq, last.statement.prev) == (index, index + 10, before)
        assert (last.statement.gap_us, last.statement.pre_start_us) == (index, pre_start_us)
        assert (last.statement.recording, last.statement.segment) == ("000001-0002", 7)
        assert (segment.fragments, segment.size, segment.file_sha256, segment.last_sha256) == (
            index,
            len(given),
            sha(given),
            sha(last.json),
        )
    assert segment.end() == (bytes(1024),)
    assert (segment.size, segment.file_sha256) == (len(given) + 1024, sha(given + bytes(1024)))


def test_members_are_read_with_their_place() -> None:
    reader = SegmentReader(io.BytesIO(MADE.content), "s.tar")
    json, signature = TRIPLES[0].json, TRIPLES[0].signature
    third = 512 + 512 + 512 + len(padded(json))
    first = list(reader.members())[:3]
    assert first == [
        Member(Header(0, "init.mp4.age", len(AGE)), 0, sha(AGE), b""),
        Member(Header(0, "json", len(json)), 1024, sha(json), json),
        Member(Header(0, "sig", 64), third, sha(signature), signature),
    ]
    assert [member.content_offset for member in first] == [512, 1536, third + 512]
    assert (reader.position, reader.sha256(), reader.ended) == (len(MADE.content), sha(MADE.content), True)


def test_triples_are_read_with_their_statement() -> None:
    found, reason, reader = read(MADE.content)
    assert (reason, reader.position, reader.sha256(), reader.ended) == ("", len(MADE.content), sha(MADE.content), True)
    assert [triple.index for triple in found] == [0, 1, 2]
    assert [triple.where for triple in found] == [f"s.tar: triple {n} at byte {at}" for n, at in enumerate(MADE.bounds[:3])]
    assert [triple.json_sha256 for triple in found] == [sha(triple.json) for triple in found]
    assert [triple.age.sha256 for triple in found] == [triple.statement.sha256 for triple in found]
    part, reason, reader = read(MADE.content[: MADE.bounds[2]])
    assert (len(part), reason, reader.position, reader.ended) == (2, "", MADE.bounds[2], False)


class Small(io.BytesIO):
    """It is never asked for more than a block."""

    def read(self, count: int | None = -1, /) -> bytes:
        assert count is not None
        assert 0 <= count <= 512
        return super().read(count)


def test_it_is_the_same_read_in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bodycamd.evidence.segment_reader.CHUNK_BYTES", 7)
    reader = SegmentReader(Small(MADE.content), "s.tar")
    assert (list(reader), reader.position, reader.sha256()) == (TRIPLES, len(MADE.content), sha(MADE.content))


C, B = MADE.content, MADE.bounds
ONE = C[: B[1]]
JSON_AT = B[1] + 1024
SIG_AT = JSON_AT + 512 + len(padded(TRIPLES[1].json))
HEADER_1 = f"s.tar: byte {B[1]}"
TRIPLE_1 = f"s.tar: triple 1 at byte {B[1]}"
SECOND_INIT = C[: B[1]]


@pytest.mark.parametrize(
    ("content", "count", "reason"),
    [
        (b"x", 0, "s.tar: byte 0: cut inside a header"),
        (C[:511], 0, "s.tar: byte 0: cut inside a header"),
        (C[:512], 0, "s.tar: byte 0: cut inside 000000.init.mp4.age"),
        (C[: 512 + len(AGE) - 1], 0, "s.tar: byte 0: cut inside 000000.init.mp4.age"),
        (C[: 512 + len(AGE)], 0, "s.tar: byte 0: cut after 000000.init.mp4.age"),
        (C[:1023], 0, "s.tar: byte 0: cut after 000000.init.mp4.age"),
        (C[:1024], 0, "s.tar: triple 0 at byte 0: cut before its signature"),
        (ONE + C[B[1] : JSON_AT], 1, f"{TRIPLE_1}: cut before its signature"),
        (C[:SIG_AT], 1, f"{TRIPLE_1}: cut before its signature"),
        (C[: SIG_AT + 100], 1, f"s.tar: byte {SIG_AT}: cut inside a header"),
        (ONE + bytes(512), 1, f"{HEADER_1}: one zero block is not the end of an archive"),
        (ONE + bytes(1023), 1, f"{HEADER_1}: one zero block is not the end of an archive"),
        (ONE + bytes(512) + C[:512], 1, f"{HEADER_1}: one zero block is not the end of an archive"),
        (ONE + END + b"\0", 1, f"{HEADER_1}: bytes follow the end of the archive"),
        (ONE + END + END, 1, f"{HEADER_1}: bytes follow the end of the archive"),
        (ONE + b"x" * 512, 1, f"{HEADER_1}: no member of a segment has this name"),
        (ONE + C[JSON_AT:], 1, f"s.tar: triple 1 at byte {B[1]}: its members are json, sig, m4s.age"),
        (ONE + C[B[1] : JSON_AT] * 3, 1, f"{TRIPLE_1}: its members are m4s.age, m4s.age, m4s.age"),
        (ONE + ONE, 1, f"{TRIPLE_1}: its members are init.mp4.age, json, sig"),
        (C[B[1] :], 0, "s.tar: triple 0 at byte 0: its members are m4s.age, json, sig"),
        (ONE + C[B[2] :], 1, f"{TRIPLE_1}: its members are not numbered 1"),
        (C[:JSON_AT] + C[B[2] + 512 + 1024 :], 1, f"{TRIPLE_1}: its members are not numbered 1"),
        (C[:SIG_AT] + C[-1024 - 1024 :], 1, f"{TRIPLE_1}: its members are not numbered 1"),
        (C[:1023] + b"x" + C[1024:], 0, "s.tar: byte 0: the padding after 000000.init.mp4.age is not zero"),
        (C[: JSON_AT - 1] + b"x" + C[JSON_AT:], 1, f"{HEADER_1}: the padding after 000001.m4s.age is not zero"),
        (C[: B[1] + 512] + b"One" + C[B[1] + 515 :], 1, f"{TRIPLE_1}: size or SHA-256 of the age file is not as stated"),
        (ONE + triple_bytes(changed(1, size=4), b"one"), 1, f"{TRIPLE_1}: size or SHA-256 of the age file is not as stated"),
        (ONE + triple_bytes(changed(1, sha256="ab" * 32), b"one"), 1, f"{TRIPLE_1}: size or SHA-256 of the age file is not as stated"),
    ],
    ids=brief,
)
def test_what_ends_the_reading_is_told(content: bytes, count: int, reason: str) -> None:
    found, said, reader = read(content)
    assert (len(found), said) == (count, reason)
    assert not reader.ended
    assert reader.sha256() == sha(content[: reader.position])


def test_what_a_cut_leaves_is_told_apart() -> None:
    for size in (100, 600, 1000, 1024, 1500):
        with pytest.raises(CutError):
            list(SegmentReader(io.BytesIO(C[:size]), "s.tar"))
    assert told(lambda: list(SegmentReader(io.BytesIO(C[:1000] + b"x" + C[1001:]), "s.tar")))


@pytest.mark.parametrize(
    ("json", "reason"),
    [
        (TRIPLES[1].json.replace(b'"index":1', b'"index":2'), "the statement is not about this member"),
        (TRIPLES[0].json, "the statement is not about this member"),
        (TRIPLES[1].json.replace(b'"n":', b'"n": '), ""),
        (TRIPLES[1].json[:-1] + b" ", "not one whole line"),
    ],
    ids=brief,
)
def test_a_statement_is_about_the_member_before_it(json: bytes, reason: str) -> None:
    found, said, _ = read(ONE + b"".join(members(1, b"one", json, KEY.sign(json))))
    assert (len(found), said) == ((1, f"{TRIPLE_1}: {reason}") if reason else (2, ""))


def test_an_init_statement_is_about_member_0_only() -> None:
    json = TRIPLES[1].json.replace(b'"index":1', b'"index":0')
    assert read(b"".join(members(0, b"one", json, KEY.sign(json))))[1].startswith("s.tar: triple 0 at byte 0: Expected `int` >= 1")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, ""),
        ({"prev": "ab" * 32}, "prev is not the SHA-256 of the statement before it"),
        ({"device": "cam-8"}, "device differs from the statement before it"),
        ({"start": 2}, "start differs from the statement before it"),
        ({"boot_id": "other"}, "boot_id differs from the statement before it"),
        ({"recording": "000001-0002"}, "recording differs from the statement before it"),
        ({"segment": 1}, "segment differs from the statement before it"),
        ({"generation": 2}, "generation differs from the statement before it"),
        ({"n": 2}, "n or boottime_ns runs backwards"),
        ({"n": 1}, "n or boottime_ns runs backwards"),
        ({"boottime_ns": TRIPLES[1].statement.boottime_ns}, ""),
        ({"boottime_ns": TRIPLES[1].statement.boottime_ns - 1}, "n or boottime_ns runs backwards"),
        ({"seq": 1}, "seq or pts_us runs backwards"),
        ({"pts_us": 1_000_000}, "seq or pts_us runs backwards"),
        ({"pts_us": 1_000_001}, ""),
    ],
)
def test_what_follows_in_a_segment(fields: dict[str, Any], reason: str) -> None:
    """Of the second fragment, behind the first."""
    triple = Triple(2, TRIPLES[2].age, b"", b"", changed(2, **fields), "s.tar: triple 2")
    if reason:
        assert told(lambda: check_follows(TRIPLES[1], triple)) == f"s.tar: triple 2: {reason}"
    else:
        check_follows(TRIPLES[1], triple)


def test_the_first_fragment_follows_the_init_segment_with_any_number() -> None:
    for before, now in ((None, TRIPLES[0]), (None, TRIPLES[2]), (TRIPLES[0], TRIPLES[1]), (TRIPLES[1], TRIPLES[2])):
        check_follows(before, now)
    again = Triple(0, TRIPLES[0].age, b"", b"", changed(0, prev=TRIPLES[1].json_sha256, n=9, boottime_ns=2**60), "x")
    check_follows(TRIPLES[1], again)


def test_who_signed_a_triple() -> None:
    triple, key, other = TRIPLES[1], KEY.public, SigningKey.generate().public
    triple.check_signature({other.id: other, key.id: key})
    stranger = f"{triple.where}: signed by key {key.id[:16]}…, which is not one of this start"
    for keys in ({}, {other.id: other}, {key.id: other}):
        assert told(lambda keys=keys: triple.check_signature(keys)) == stranger  # type: ignore[misc]
    forged = Triple(1, triple.age, triple.json, bytes(64), triple.statement, "s.tar: triple 1")
    assert told(lambda: forged.check_signature({key.id: key})) == "s.tar: triple 1: the signature does not verify"


def test_an_age_file_is_checked_when_it_is_used() -> None:
    assert [read_age(io.BytesIO(C), triple) for triple in TRIPLES] == [AGE, b"one", b"two" * 300]
    said = f"{TRIPLES[2].where}: the age file changed while it was read"
    for content in (C.replace(b"twotwo", b"twoTwo", 1), C[: B[2] + 600], b""):
        assert told(lambda content=content: read_age(io.BytesIO(content), TRIPLES[2])) == said  # type: ignore[misc]


def put(tmp_path: Path, content: bytes, name: str = "000000.tar.part") -> Path:
    path = tmp_path / "recordings/000001-0001" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


LONG = b"two" * 200_000


@pytest.mark.parametrize(
    ("content", "triples", "reason"),
    [
        (b"", 0, ""),
        (C[: B[1]], 1, ""),
        (C[: B[2]], 2, ""),
        (C[: B[3]], 3, ""),
        (C, 3, ""),
        (END, 0, ""),
        (b"x", 0, "000000.tar.part: byte 0: cut inside a header"),
        (C[:1023], 0, "000000.tar.part: byte 0: cut after 000000.init.mp4.age"),
        (C[: B[2] - 1], 1, f"000000.tar.part: byte {B[2] - 1024}: cut after 000001.sig"),
        (C[: B[2]] + LONG, 2, f"000000.tar.part: byte {B[2]}: no member of a segment has this name"),
        (C + b"x", 3, f"000000.tar.part: byte {B[3]}: bytes follow the end of the archive"),
        (C[: B[3]] + bytes(512), 3, f"000000.tar.part: byte {B[3]}: one zero block is not the end of an archive"),
        (
            C[: B[2]] + triple_bytes(changed(2, n=1), b"two" * 300),
            2,
            f"000000.tar.part: triple 2 at byte {B[2]}: n or boottime_ns runs backwards",
        ),
        (
            C[: B[2]] + triple_bytes(changed(2), b"two" * 300, SigningKey.generate()),
            2,
            f"000000.tar.part: triple 2 at byte {B[2]}: the signature does not verify",
        ),
    ],
    ids=brief,
)
def test_what_a_cut_leaves_of_a_segment(tmp_path: Path, content: bytes, triples: int, reason: str) -> None:
    ended = content in (C, END)
    good, last = len(content) if ended else B[triples], TRIPLES[triples - 1] if triples else None
    found = recover(put(tmp_path, content), MADE.keys)
    assert found == Recovery(
        good_bytes=good,
        torn_bytes=len(content) - good,
        sha256=sha(content[:good]),
        torn_sha256=sha(content[good:]) if len(content) > good else None,
        ended=ended,
        init=TRIPLES[0].statement if triples else None,  # type: ignore[arg-type]
        last=last.statement if last else None,
        last_sha256=last.json_sha256 if last else None,
        fragments=max(0, triples - 1),
        reason=reason,
    )
    assert found.end_us == (None if triples < 2 else triples * 1_000_000)


def test_the_reason_fits_an_entry(tmp_path: Path) -> None:
    reason = recover(put(tmp_path, b"x", "x" * 240), {}).reason
    assert reason == "x" * 189 + "…"
    assert recover(put(tmp_path, b"x", "x" * 150), {}).reason == f"{'x' * 150}: byte 0: cut inside a header"


def test_a_disk_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, C)

    def dead(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", dead)
    assert told(lambda: recover(path, {}), StorageError) == f"{path}: cannot read the segment: Input/output error"


@pytest.mark.parametrize(("linked", "refused"), [("000000.tar.part", True), ("000001-0001", True), ("recordings", True), (".", False)])
def test_below_the_store_nothing_is_a_link(tmp_path: Path, linked: str, refused: bool) -> None:
    real = put(tmp_path / "real", C)
    if linked == ".":
        (tmp_path / "store").symlink_to(tmp_path / "real")
    else:
        part = tmp_path / "store" / real.relative_to(tmp_path / "real")
        while part.name != linked:
            part = part.parent
        part.parent.mkdir(parents=True)
        part.symlink_to(tmp_path / "real" / part.relative_to(tmp_path / "store"))
    path = tmp_path / "store/recordings/000001-0001/000000.tar.part"
    if refused:
        assert "a link stands where" in told(lambda: open_segment(path))
    else:
        with open_segment(path) as file:
            assert file.read() == C


def test_a_segment_may_lie_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in a store: copied out, and named by a short path."""
    (tmp_path / "copied.tar").write_bytes(C)
    monkeypatch.chdir(tmp_path)
    for path in (Path("copied.tar"), Path("./copied.tar"), tmp_path / "copied.tar"):
        with open_segment(path) as file:
            assert file.read() == C


def test_of_a_short_path_all_but_the_first_folder_is_foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/copied.tar").write_bytes(C)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    with open_segment(Path("real/copied.tar")) as file:
        assert file.read() == C
    assert "a link stands where" in told(lambda: open_segment(Path("link/copied.tar")))


@pytest.mark.parametrize(("begin", "end"), [(0, 0), (0, 5), (3, 5), (5, 600_000), (0, 262_144), (0, 262_145), (599_999, 700_000), (9, 3)])
def test_a_part_of_a_file_is_hashed(begin: int, end: int) -> None:
    file = io.BytesIO(LONG)
    file.seek(77)
    assert sha256_between(file, begin, end) == sha(LONG[begin:end])
