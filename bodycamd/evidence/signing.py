"""One start: who signs, which statement number comes next, what time it is. Every statement and ledger entry of a run is made and signed
here.

Used by one thread: the writer. `n` grows with every signature and is never reused; where a write fails, its number stays unused.
"""

import hashlib
from collections.abc import Mapping
from typing import TypedDict

import msgspec
from msgspec import Struct

from bodycamd.evidence import entries, statements
from bodycamd.evidence.anchor import ANCHOR_FORMAT, AnchorStatement, Pin, SignedAnchor
from bodycamd.evidence.anchor import encode as encode_anchor
from bodycamd.evidence.keys import Signer
from bodycamd.evidence.statements import ClockQuality, Entry, FragmentStatement, InitStatement, JsonValue, Stated, Statement, Video
from bodycamd.footage import EncryptedFragment, EncryptedInit
from bodycamd.linux.clock import Clock


class SignedStatement(Struct, frozen=True):
    """A statement as it is stored: the `.json` member's bytes and the 64 bytes of its signature."""

    statement: Statement
    json: bytes
    signature: bytes

    @property
    def json_sha256(self) -> str:
        """What the next statement of the segment names as `prev`."""
        return hashlib.sha256(self.json).hexdigest()


class SignedEntry(Struct, frozen=True):
    """A ledger entry as it is stored: JSON without line end, and the 64 bytes of its signature over it."""

    entry: Entry
    json: bytes
    signature: bytes


class _CommonFields(TypedDict):
    n: int
    key: str
    device: str
    start: int
    boot_id: str
    boottime_ns: int
    wall: str
    clock: ClockQuality


class Start:
    """The signing side of one run. `signer` may be one whose key changes: each statement names the key that signs it."""

    def __init__(self, *, number: int, device: str, boot_id: str, signer: Signer, clock: Clock) -> None:
        self.number = number
        self.device = device
        self.boot_id = boot_id
        self.signer = signer
        self.key_signed_footage = False
        """Whether a statement of a segment was signed since this was last set to false."""
        self._clock = clock
        self._n = 0

    def init(self, encrypted: EncryptedInit, *, recording: str, segment: int, prev: str) -> SignedStatement:
        """State an init segment. `prev` is the ledger's head. Raises `DataError` for values that a reader would refuse."""
        video = Video(encoder=encrypted.encoder, width=encrypted.width, height=encrypted.height, frame_rate=encrypted.frame_rate)
        return self._sign(
            InitStatement(
                **self._common(),
                prev=prev,
                format=statements.SEGMENT_FORMAT,
                recording=recording,
                segment=segment,
                index=0,
                generation=encrypted.generation,
                size=len(encrypted.age),
                sha256=hashlib.sha256(encrypted.age).hexdigest(),
                recipients=list(encrypted.recipients),
                video=video,
                audio_track=encrypted.audio_track,
            )
        )

    def fragment(
        self,
        encrypted: EncryptedFragment,
        *,
        recording: str,
        segment: int,
        index: int,
        prev: str,
        gap_us: int,
        pre_start_us: int | None = None,
    ) -> SignedStatement:
        """State a fragment. `gap_us` is all picture time missing before and inside it. Raises `DataError` for values that a reader would
        refuse.
        """
        return self._sign(
            FragmentStatement(
                **self._common(),
                prev=prev,
                recording=recording,
                segment=segment,
                index=index,
                seq=encrypted.seq,
                size=len(encrypted.age),
                sha256=hashlib.sha256(encrypted.age).hexdigest(),
                pre_start_us=pre_start_us,
                **msgspec.structs.asdict(msgspec.structs.replace(encrypted.facts, gap_us=gap_us)),
            )
        )

    def entry(self, type: str, detail: Mapping[str, JsonValue] | Stated, *, prev: str) -> SignedEntry:
        """State a ledger entry. Fields that are `None` are left out. Raises `DataError` for values that a reader would refuse."""
        fields: dict[str, JsonValue]
        fields = entries.detail_fields(detail) if isinstance(detail, Stated) else {k: v for k, v in detail.items() if v is not None}
        entry = Entry(**self._common(), prev=prev, type=type, detail=fields)
        entries.typed_detail(entry, "to be signed")
        entries.check_format(entry, entries.LEDGER_FORMAT, "to be signed")
        json, as_read = statements.encode_entry(entry)
        return SignedEntry(as_read, json, self.signer.sign(json))

    def anchor(self, head: str, pin: Pin | None) -> SignedAnchor:
        """State where the ledger stands. `head` is its last durable line, `pin` the newest durable statement of an open segment."""
        statement = AnchorStatement(**self._common(), format=ANCHOR_FORMAT, head=head, open=pin)
        json = encode_anchor(statement)
        return SignedAnchor(statement, json, self.signer.sign(json))

    def _sign(self, statement: Statement) -> SignedStatement:
        json = statements.encode_statement(statement)
        self.key_signed_footage = True
        return SignedStatement(statement, json, self.signer.sign(json))

    def _common(self) -> _CommonFields:
        self._n += 1
        now = self._clock.read()
        return {
            "n": self._n,
            "key": self.signer.public.id,
            "device": self.device,
            "start": self.number,
            "boot_id": self.boot_id,
            "boottime_ns": now.boottime_us * 1000,
            "wall": statements.wall_text(now.wall_us),
            "clock": ClockQuality(source=now.source, error_ms=now.error_ms),
        }
