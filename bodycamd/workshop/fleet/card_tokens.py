"""Until when the token of a card is worth something, by the record of its fleet."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from bodycamd.evidence.statements import wall_us
from bodycamd.workshop.fleet.card_making import Contents
from bodycamd.workshop.fleet.record import Record

TokenState: TypeAlias = Literal["usable", "over", "used", "replaced", "unknown"]
WORDS: dict[TokenState, str] = {
    "usable": "worth something until {until}",
    "over": "worth nothing: it ended {until}",
    "used": "worth nothing: a camera was enrolled with it",
    "replaced": "worth nothing: the record has another card of this camera",
    "unknown": "until when it is worth something is in the fleet's record (--fleet)",
}


class Token(Struct, frozen=True):
    """What the token of a card is worth. `until` is a time as in statements, where the record has this card."""

    state: TokenState
    until: str | None = None

    @property
    def text(self) -> str:
        """In words."""
        return WORDS[self.state].format(until=self.until)


def token_of(card: Contents, record: Record | None, now_us: int) -> Token:
    """By the record; unknown without one."""
    if record is None:
        return Token("unknown")
    if record.token_used(card.token_key):
        return Token("used")
    newest = record.cards.get(card.camera)
    if newest is None or newest.token_key != card.token_key:
        return Token("replaced")
    return Token("over" if now_us > wall_us(newest.until, "until") else "usable", newest.until)
