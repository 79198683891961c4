"""docs/format.md says what the code does: every field has its place on the page, and the header's bytes are those of the table."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from bodycamd.evidence import anchor, application, entries, orders, receipts, roster, statements, suspension, ustar
from tests.evidence import entry_tables

PAGE = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
TEXT = re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)
NAMED = {name for code in re.findall(r"`([^`]+)`", TEXT) for name in re.findall(r"[a-z][a-z0-9_]*", code)}


KINDS = (
    *(statements.InitStatement, statements.FragmentStatement, statements.Entry, statements.Video, anchor.AnchorStatement),
    *(roster.Roster, roster.Root, roster.Team, roster.Camera, roster.Person, roster.KeyHolder, suspension.Suspension),
    application.Application,
    *(orders.Order, orders.RosterNumber, orders.Interval, orders.Hold, orders.Release, orders.ShiftChange),
    *(orders.Configuration, orders.Update, receipts.Receipt),
)
CORE = ("start", "key_changed", "recording_opened", "recording_closed", "segment_sealed", "segment_recovered")


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_on_the_page(kind: type[msgspec.Struct]) -> None:
    assert {field.encode_name for field in msgspec.structs.fields(kind)} - NAMED == set()


def test_every_type_of_entry_is_on_the_page() -> None:
    assert set(entries.DETAILS) - NAMED == set()


@pytest.mark.parametrize("type", CORE)
def test_every_field_of_the_types_that_a_verifier_needs_is_on_the_page(type: str) -> None:
    assert {field.encode_name for field in msgspec.structs.fields(entries.DETAILS[type])} - NAMED == set()


def test_the_tables_of_entries_are_made_from_the_structs() -> None:
    assert entry_tables.page(PAGE) == PAGE, "write them anew: python -m tests.evidence.entry_tables"


def test_the_header_is_as_the_table_says() -> None:
    header = ustar.pack(ustar.Header(1, "sig", 64))
    assert header[100:108] == b"0000644\0"
    assert header[108:124] == b"0000000\0" * 2
    assert header[124:136] == b"00000000100\0"
    mtime = re.search(r"`([0-7]{11})` NUL: 1 January 1980", PAGE)
    assert mtime is not None
    assert header[136:148] == mtime[1].encode() + b"\0"
    assert header[156:157] == b"0"
    assert header[157:257] == bytes(100)
    assert header[257:265] == b"ustar\x0000"
    assert header[265:] == bytes(247)
    assert re.fullmatch(rb"[0-7]{6}\0 ", header[148:156])
