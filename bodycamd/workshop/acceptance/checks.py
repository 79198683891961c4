"""What is to be checked on real hardware: `checks.toml`, the table of docs/hardware-unverified.md. Pure but for reading that file once."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from bodycamd.evidence.acceptance import CheckId


class Check(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line: what is open, what stood in for it, how to check it on a Pi. In Markdown."""

    id: CheckId
    what: str
    stood_in: str
    how: str


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    check: tuple[Check, ...]


@cache
def checks() -> dict[str, Check]:
    """By their ids, in the order of the table."""
    text = files("bodycamd.workshop.acceptance").joinpath("checks.toml").read_text(encoding="utf-8")
    found = msgspec.convert(tomllib.loads(text), _File).check
    return {check.id: check for check in found}
