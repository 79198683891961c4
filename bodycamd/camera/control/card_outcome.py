"""What may come of a card that is shown: words that events, verdicts and the ledger share."""

from __future__ import annotations

from typing import Literal

CardRefusal = Literal["unknown_card", "unreadable_card", "random_card", "recording", "starting", "leaving"]
CardOutcome = Literal["begun", "changed", "ended", "refused"]
