"""The clear part of a live object."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycamd.errors import DataError
from bodycamd.live import objects
from bodycamd.live.objects import HEAD_BYTES, Head

HEADS = st.builds(
    Head,
    kind=st.sampled_from(sorted(objects.KINDS)),
    begins_group=st.booleans(),
    stream=st.sampled_from(sorted(objects.STREAMS)),
    group=st.integers(0, 2**32 - 1),
    number=st.integers(0, 2**32 - 1),
    capture_us=st.integers(0, 2**64 - 1),
    session=st.integers(0, 2**32 - 1),
)


@given(HEADS, st.binary(min_size=1, max_size=50))
def test_it_is_read_as_it_was_written(head: Head, rest: bytes) -> None:
    assert len(head.bytes) == HEAD_BYTES == 24
    assert objects.read(head.bytes + rest) == (head, rest)


@given(st.binary(max_size=60))
def test_whatever_comes_is_an_object_in_its_one_spelling_or_an_error(raw: bytes) -> None:
    try:
        head, rest = objects.read(raw)
    except DataError:
        return
    assert head.bytes + rest == raw


@pytest.mark.parametrize("raw", [b"", bytes(24), b"\x01" + bytes(objects.MAX_OBJECT_BYTES)])
def test_one_that_is_cut_short_or_too_long_is_none(raw: bytes) -> None:
    with pytest.raises(DataError, match="bytes, and this one"):
        objects.read(raw)


@pytest.mark.parametrize("at", [(0, 3), (1, 2), (3, 2)])
def test_what_it_does_not_know_is_no_object(at: tuple[int, int]) -> None:
    raw = bytearray(Head(objects.VIDEO, True, objects.MAIN, 1, 2, 3, 4).bytes + b"x")
    raw[at[0]] = at[1]
    with pytest.raises(DataError, match="not a live object"):
        objects.read(bytes(raw))
