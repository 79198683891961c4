"""The ledger's entries about how long footage is kept: the rules, what the clock proved, holds, deletions, and the ledger's own shortening.

Times inside a detail are RFC 3339 text of the wall clock as it was reckoned then; the entry's own `wall`, `boottime_ns` and `clock` say
when and by which clock the entry was made.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from bodycamd.evidence.pseudonyms import Decider, Reference, ReleaseReason
from bodycamd.evidence.statements import Caller, Count, Positive, RawPublicKey, RecordingId, Sha256, ShortText, StartNumber, Stated, Wall

Ground: TypeAlias = Literal["complaint", "criminal-investigation", "access-request"]
Proof: TypeAlias = Literal["wall_clock", "running_time", "receipt"]
"""What showed that a recording may go."""
ROOM = "room"
"""The reason of a deletion that makes room, of what the station has."""
HOLD_ENTRIES = frozenset({"hold_added", "hold_released", "hold_review_due"})
"""The types of what is stated of holds: why footage is kept, with case numbers."""
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"
Day = Annotated[str, Meta(pattern=DAY)]
SomeText = Annotated[str, Meta(min_length=1, max_length=200)]
NewHoldId = Annotated[str, Meta(pattern=r"^[0-9a-f]{12,64}\Z")]
HoldId = Annotated[str, Meta(pattern=r"^([0-9a-f]{12,64}|[0-9]{6}-[0-9]{4}\.[a-z-]{1,40})\Z")]


def older_hold_id(recording: str, ground: str) -> str:
    """The id of a hold of `bodycam-ledger/1`, which states none: there was one for each recording and ground. No new id looks like it."""
    return f"{recording}.{ground}"


class RetentionRules(Stated, frozen=True, kw_only=True):
    """`retention_rules`: how long footage and ledger are kept from here on. `legal_basis` comes with more than 28 days."""

    days: Positive
    keep_months: Positive
    legal_basis: ShortText | None = None


class TimeStated(Stated, frozen=True, kw_only=True):
    """`time`: what the clock is worth. Made every hour, at a clean stop, and when `confirmed` changes.

    `trusted` is the kernel's word. `confirmed` says that retention relies on the wall clock of this very entry: it is trusted, and it went
    on from what was confirmed before by less than a day, or was trusted without a pause for half an hour.
    """

    trusted: bool
    confirmed: bool


class HoldAdded(Stated, frozen=True, kw_only=True):
    """`hold_added`: from here on the recording is not deleted, until this hold and every other one on it are released. `by` is who decided,
    as they said; `caller` who asked the camera, as the kernel says. `hold` is the hold's own id; see `id`."""

    recording: RecordingId
    ground: Ground
    reference: SomeText
    by: SomeText
    review_on: Day
    caller: Caller | None = None
    hold: NewHoldId | None = None

    @property
    def id(self) -> str:
        """The id that a release names."""
        return self.hold or older_hold_id(self.recording, self.ground)


class HoldReleased(Stated, frozen=True, kw_only=True):
    """`hold_released`: the hold with this id is over; every other one on the recording stays. `by` and `caller` as in `hold_added`."""

    recording: RecordingId
    ground: Ground
    reason: SomeText
    by: SomeText
    caller: Caller | None = None
    hold: HoldId | None = None

    @property
    def id(self) -> str:
        """The id of the hold that is over."""
        return self.hold or older_hold_id(self.recording, self.ground)


class HoldReviewDue(Stated, frozen=True, kw_only=True):
    """`hold_review_due`: the day has come on which somebody wanted to look whether the hold is still needed. The hold stays."""

    recording: RecordingId
    ground: Ground
    review_on: Day
    hold: HoldId | None = None

    @property
    def id(self) -> str:
        """The id of the hold that is to be looked at."""
        return self.hold or older_hold_id(self.recording, self.ground)


class HoldAdded2(HoldAdded, frozen=True, kw_only=True):
    """`hold_added` of `bodycam-ledger/2`: with its id, and nothing in it that mentions a person."""

    reference: Reference
    by: Decider
    hold: NewHoldId


class HoldReleased2(HoldReleased, frozen=True, kw_only=True):
    """`hold_released` of `bodycam-ledger/2`: by the hold's id, and for one of a few reasons."""

    reason: ReleaseReason
    by: Decider
    hold: HoldId


class HoldReviewDue2(HoldReviewDue, frozen=True, kw_only=True):
    """`hold_review_due` of `bodycam-ledger/2`."""

    hold: HoldId


class SweepRequested(Stated, frozen=True, kw_only=True):
    """`sweep_requested`: somebody asked that what is due be deleted at once. What is due is not for them to decide."""

    caller: Caller


class RecordingDeleting(Stated, frozen=True, kw_only=True):
    """`deleting`: from here on the recording's files go. `reason` says why they may.

    `proof` is what showed that `days` have passed: the wall clock, or the running time alone; or it is `receipt`: they have not, the
    station has all of it, and it goes to make room (`reason` is then `room`). `age_seconds` is the least age that it shows; `ended_before`
    the latest possible end of the recording by the wall clock, absent where none is known. `segments` and `bytes` are what was found.
    """

    recording: RecordingId
    reason: ShortText
    days: Positive | None = None
    proof: Proof | None = None
    age_seconds: Count | None = None
    ended_before: Wall | None = None
    segments: Count | None = None
    bytes: Count | None = None


class RecordingDeleted(Stated, frozen=True, kw_only=True):
    """`deleted`: no segment of the recording is left. `strays_left` counts what else lay in its folder and was left alone."""

    recording: RecordingId
    strays_left: Count = 0


class LedgerShortened(Stated, frozen=True, kw_only=True):
    """`ledger_shortened`: the checkpoint. The files of the starts below `first_kept` are dropped after this entry.

    `file` holds the first line of every dropped start, so that the registered key still leads to the keys of today; `sha256` and `lines`
    are of it. `head` is the SHA-256 of the last dropped line: what the first kept one names as `prev`. `next_key` is the raw public key
    that the first kept start must sign with. `entries` counts the lines that were dropped now.
    """

    first_kept: StartNumber
    file: ShortText
    sha256: Sha256
    lines: Positive
    head: Sha256
    next_key: RawPublicKey
    entries: Count
