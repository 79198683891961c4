"""The headers are what tarfile writes in its USTAR format, and nothing that differs from them in one bit is read."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycamd.errors import DataError
from bodycamd.evidence import ustar
from bodycamd.evidence.ustar import Header, pack, unpack
from bodycamd.footage import MAX_AGE_BYTES
from tests.evidence.making import brief, told
from tests.kit.scale import only_in_full

HEADERS = st.one_of(
    st.builds(Header, st.just(0), st.just("init.mp4.age"), st.integers(1, MAX_AGE_BYTES)),
    st.builds(Header, st.integers(1, 999_999), st.just("m4s.age"), st.integers(1, MAX_AGE_BYTES)),
    st.builds(Header, st.integers(0, 999_999), st.just("json"), st.integers(2, 65_537)),
    st.builds(Header, st.integers(0, 999_999), st.just("sig"), st.just(64)),
)


def by_tarfile(header: Header) -> tarfile.TarInfo:
    return tarfile.TarInfo.frombuf(pack(header), "utf-8", "strict")


@only_in_full
@given(HEADERS)
def test_a_header_is_read_back_and_tarfile_agrees(header: Header) -> None:
    block = pack(header)
    assert len(block) == 512
    assert unpack(block, "x") == header
    read = by_tarfile(header)
    assert (read.name, read.size, read.mode, read.uid, read.gid, read.type) == (header.name, header.size, 0o644, 0, 0, tarfile.REGTYPE)


def test_the_bytes_are_those_of_tarfile() -> None:
    header = Header(7, "m4s.age", 1_000_000)
    info = tarfile.TarInfo(header.name)
    info.size, info.mode, info.mtime = header.size, 0o644, by_tarfile(header).mtime
    expected = info.tobuf(tarfile.USTAR_FORMAT)
    # Device numbers of regular files are zeros as text in some versions of tarfile and empty in others.
    assert pack(header)[:148] == expected[:148]
    assert pack(header)[156:329] == expected[156:329]
    assert pack(header)[345:] == expected[345:]


@given(HEADERS, st.integers(0, 512 * 8 - 1))
def test_every_flipped_bit_is_refused(header: Header, bit: int) -> None:
    block = bytearray(pack(header))
    block[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DataError):
        unpack(bytes(block), "x")


@given(st.binary(min_size=512, max_size=512))
def test_no_block_raises_anything_but_a_data_error(block: bytes) -> None:
    with pytest.raises(DataError):
        unpack(block, "x")


LARGEST = MAX_AGE_BYTES


@pytest.mark.parametrize(
    "header",
    [
        Header(0, "init.mp4.age", 1),
        Header(0, "init.mp4.age", LARGEST),
        Header(1, "m4s.age", 1),
        Header(999_999, "m4s.age", LARGEST),
        Header(0, "json", 2),
        Header(999_999, "json", 65_537),
        Header(0, "sig", 64),
        Header(999_999, "sig", 64),
    ],
)
def test_what_stands_at_a_bound_is_written_and_read(header: Header) -> None:
    assert unpack(pack(header), "x") == header


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (Header(1_000_000, "sig", 64), "1000000.sig: 64 bytes; 64 to 64"),
        (Header(-1, "sig", 64), "-00001.sig: 64 bytes; 64 to 64"),
        (Header(1, "sig", 63), "000001.sig: 63 bytes; 64 to 64"),
        (Header(1, "sig", 65), "000001.sig: 65 bytes; 64 to 64"),
        (Header(1, "json", 1), "000001.json: 1 bytes; 2 to 65537"),
        (Header(1, "json", 65_538), "000001.json: 65538 bytes; 2 to 65537"),
        (Header(0, "init.mp4.age", 0), f"000000.init.mp4.age: 0 bytes; 1 to {LARGEST}"),
        (Header(1, "m4s.age", 0), f"000001.m4s.age: 0 bytes; 1 to {LARGEST}"),
        (Header(1, "m4s.age", LARGEST + 1), f"000001.m4s.age: {LARGEST + 1} bytes; 1 to {LARGEST}"),
    ],
)
def test_out_of_bounds_is_not_written(header: Header, said: str) -> None:
    assert told(lambda: pack(header)) == f"{said} and an index up to 999999 are allowed"


GOOD = pack(Header(7, "json", 100))


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (bytes(512), "no member of a segment has this name"),
        (b"0000007.json".ljust(100, b"\0") + GOOD[100:], "no member of a segment has this name"),
        (GOOD[:135] + b" " + GOOD[136:], "the size is not 11 octal digits"),
        (GOOD[:124] + b"8" + GOOD[125:], "the size is not 11 octal digits"),
        (GOOD[:124] + b"00000000001\0" + GOOD[136:], "000007.json: 1 bytes; 2 to 65537 and an index up to 999999 are allowed"),
        (b"000000.m4s.age".ljust(100, b"\0") + GOOD[100:], "000000.m4s.age: the init segment, and only it, has index 0"),
        (b"000001.init.mp4.age".ljust(100, b"\0") + GOOD[100:], "000001.init.mp4.age: the init segment, and only it, has index 0"),
        (GOOD[:-1] + b"x", "the header of 000007.json is not as this format writes it"),
        (GOOD + b"\0", "the header of 000007.json is not as this format writes it"),
    ],
    ids=brief,
)
def test_what_is_no_header_is_told(block: bytes, said: str) -> None:
    assert told(lambda: unpack(block, "s.tar: byte 512")) == f"s.tar: byte 512: {said}"


def foreign(**fields: object) -> bytes:
    """A header that another tar might write."""
    info = tarfile.TarInfo("000001.m4s.age")
    info.size, info.mode, info.mtime = 5, 0o644, by_tarfile(Header(1, "m4s.age", 5)).mtime
    for name, value in fields.items():
        setattr(info, name, value)
    return info.tobuf(tarfile.USTAR_FORMAT)[:512]


@pytest.mark.parametrize(
    "fields",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"type": tarfile.LNKTYPE, "linkname": "000000.json"},
        {"type": tarfile.DIRTYPE},
        {"type": tarfile.CHRTYPE},
        {"type": tarfile.FIFOTYPE},
        {"type": tarfile.XHDTYPE},
        {"type": tarfile.XGLTYPE},
        {"type": tarfile.GNUTYPE_LONGNAME},
        {"type": tarfile.GNUTYPE_SPARSE},
        {"type": tarfile.CONTTYPE},
        {"name": "../000001.m4s.age"},
        {"name": "/000001.m4s.age"},
        {"name": "./000001.m4s.age"},
        {"name": "x" * 60 + "/" + "000001.m4s.age" + "/" + "y" * 60},
        {"name": "000000.m4s.age"},
        {"name": "000001.init.mp4.age"},
        {"name": "1.m4s.age"},
        {"name": "\u0660\u0660\u0660\u0660\u0660\u0661.sig"},
        {"mode": 0o4755},
        {"uid": 1000},
        {"uname": "root"},
        {"mtime": 1},
        {"size": 8 * 1024**3 - 1},
    ],
)
def test_foreign_headers_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(DataError, match=r"^x: "):
        unpack(foreign(**fields), "x")


def test_the_end_is_what_tarfile_takes_for_one() -> None:
    with tarfile.open(fileobj=io.BytesIO(pack(Header(0, "sig", 64)) + bytes(512) + ustar.END)) as archive:
        assert archive.getnames() == ["000000.sig"]
