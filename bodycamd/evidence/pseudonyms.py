"""What may be written about people in the ledger, which anybody who has the card can read: pseudonyms, case numbers and a few words. No
name, no address, no sentence.

A pattern cannot tell a name from a code for certain; it refuses what a hurried person types instead of one: anything with a space, and
anything without a digit. The bounds stand twice: in the entries of `bodycam-ledger/2`, and here for people, with the reason and an example.
"""

import re
from typing import Annotated, Literal, TypeAlias, get_args

from msgspec import Meta

from bodycamd.errors import UsageError
from bodycamd.foreign_text import shown

Role: TypeAlias = Literal["coordinator", "evidence", "privacy", "technician", "administrator"]
ReleaseReason: TypeAlias = Literal["settled", "withdrawn", "handed-over", "not-needed", "mistake"]

_PSEUDONYM = r"(?=[^0-9]*[0-9])[A-Za-z0-9][A-Za-z0-9._-]{0,31}"
PSEUDONYM = rf"^{_PSEUDONYM}\Z"
DECIDER = rf"^(?:{'|'.join(get_args(Role))}|{_PSEUDONYM})\Z"
REFERENCE = r"^(?=[^0-9]*[0-9])(?!.*[A-Za-z]{9})[A-Za-z0-9][A-Za-z0-9._/-]{0,39}\Z"

Pseudonym = Annotated[str, Meta(pattern=PSEUDONYM)]
"""Of an officer: `H-12`. 1 to 32 letters, digits, `-`, `.`, `_`, with at least one digit."""
Decider = Annotated[str, Meta(pattern=DECIDER)]
"""Who decides about a hold: a pseudonym, or a role."""
Reference = Annotated[str, Meta(pattern=REFERENCE)]
"""Of a case: `Z-2026/00123`. 1 to 40 letters, digits, `-`, `/`, `.`, `_`, with at least one digit and at most 8 letters in a row."""


def pseudonym(value: object, option: str) -> str:
    """The officer's id, as it may be written. Raises `UsageError`."""
    wanted = "a pseudonym such as H-12, with a digit, without spaces, at most 32 characters; never a name"
    return _matching(value, PSEUDONYM, f"{option}: {wanted}")


def decider(value: object, option: str) -> str:
    """Who decides, as it may be written. Raises `UsageError`."""
    roles = ", ".join(get_args(Role))
    return _matching(value, DECIDER, f"{option}: a pseudonym with a digit, such as E-03, or a role ({roles}); never a name")


def reference(value: object, option: str) -> str:
    """The number of a case, as it may be written. Raises `UsageError`."""
    what = "a case number such as Z-2026/00123: letters, digits, - / . _, at least one digit, no spaces, at most 40 characters"
    return _matching(value, REFERENCE, f"{option}: {what}; anybody who has the card can read it: no name, no address")


def release_reason(value: object, option: str) -> str:
    """Why a hold ends, as it may be written. Raises `UsageError`."""
    if isinstance(value, str) and value in get_args(ReleaseReason):
        return value
    reasons = ", ".join(get_args(ReleaseReason))
    raise UsageError(f"{option} {shown(repr(value), 60)}: it is one of {reasons}; the story belongs in the case file")


def _matching(value: object, pattern: str, wanted: str) -> str:
    if isinstance(value, str) and re.match(pattern, value):
        return value
    raise UsageError(f"{wanted}. Not {shown(repr(value), 60)}")
