"""What a card that is shown does to the shift. Pure.

A card selects a pseudonym and proves nothing: its number can be copied. So it does what a command `bodycamd shift` does, and no more.

- The same card again ends the shift. Another officer's card ends it and begins the other's. An unknown card is refused.
- While something is recorded, or about to be, a card changes nothing, and nothing is shown or felt: a recording belongs to one officer, and
  *refused* in the middle of one would say that not all of it is stored. The ledger says that a card was shown.
- A card that comes back within `AGAIN_US` was never away: it flickers in the field, or lies in a purse with others.
- More than `MOST_ANSWERS` in an hour are no officers'. They do nothing, so that nobody fills the ledger with a stack of cards.
"""

from __future__ import annotations

from msgspec import Struct

from bodycamd.camera.control.card_outcome import CardOutcome, CardRefusal
from bodycamd.camera.control.events import CardAnswered, Pulse, note
from bodycamd.camera.control.refusal import show_refusal
from bodycamd.camera.control.state import State, Step

AGAIN_US = 3_000_000
HOUR_US = 3_600_000_000
MOST_ANSWERS = 30
MOST_CARDS = 8
"""So many are remembered at once."""


class Showings(Struct, frozen=True):
    """The cards that were seen of late, and when last, the newest last."""

    seen: tuple[tuple[str, int], ...] = ()

    def take(self, card: str, at_us: int) -> tuple[Showings, bool]:
        """A card is seen; whether it is shown anew."""
        anew = all(other != card or at_us - last_us >= AGAIN_US for other, last_us in self.seen)
        kept = [one for one in self.seen if one[0] != card and at_us - one[1] < AGAIN_US]
        return Showings((*kept, (card, at_us))[-MOST_CARDS:]), anew


class Answers(Struct, frozen=True):
    """When cards were answered within the last hour, the newest last."""

    at_us: tuple[int, ...] = ()

    def take(self, now_us: int) -> tuple[Answers, bool]:
        """Whether one more may be answered; it then counts."""
        within = tuple(instant for instant in self.at_us if now_us - instant < HOUR_US)
        if len(within) >= MOST_ANSWERS:
            return Answers(within), False
        return Answers((*within, now_us)), True


class CardVerdict(Struct, frozen=True):
    """What becomes of the shift: the officer whose it is from now on, or none; and why a card was refused."""

    outcome: CardOutcome
    officer: str | None
    reason: CardRefusal | None = None


def judge(officer: str | None, worn: str | None, state: State, why_unknown: CardRefusal = "unknown_card") -> CardVerdict:
    """The card of `officer` (`None`: nobody's, for `why_unknown`) is shown in the shift of `worn`."""
    reason = _refusal(state)
    if reason is None and officer is None:
        reason = why_unknown
    if reason is not None:
        return CardVerdict("refused", worn, reason)
    if officer == worn:
        return CardVerdict("ended", None)
    return CardVerdict("begun" if worn is None else "changed", officer)


def card_answered(state: State, event: CardAnswered, now_us: int) -> Step:
    """How the answer is felt, and a refusal noted. Beside a recording it is neither shown nor felt."""
    match event.outcome:
        case "begun" | "changed":
            return state, [Pulse("shift_begun")]
        case "ended":
            return state, [Pulse("shift_ended")]
        case "refused":
            noted = note("card_refused", reason=event.reason)
            if state.name != "standby" or state.leaving is not None:
                return state, [noted]
            state, actions = show_refusal(state, now_us, event.reason or "unknown_card")
            return state, [*actions, noted]


def _refusal(state: State) -> CardRefusal | None:
    if state.leaving is not None or state.name == "ended":
        return "leaving"
    if state.name == "starting":
        return "starting"
    return None if state.name == "standby" else "recording"
