"""A station's signed word that it has forwarded a recording, `bodycam-forwarded/1`: a file beside what went."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from bodycamd.evidence import signed_document, strict_json
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.pseudonyms import Pseudonym, Reference
from bodycamd.evidence.retention_entries import Ground
from bodycamd.evidence.roster import KeyName
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.evidence.statements import Count, DeviceId, Positive, RecordingId, Sha256, Stated, Wall

FORWARDED_TYPE: Final = "bodycam-forwarded/1"
MAX_FORWARDED_BYTES: Final = 4096


class ForwardedNote(Stated, frozen=True, kw_only=True):
    """What the station has forwarded, on whose word, and for how long its new controller keeps it. `head` is the last line of the ledger
    that went with it."""

    station: KeyName
    device: DeviceId
    recording: RecordingId
    order: Sha256
    by: Pseudonym
    ground: Ground
    reference: Reference
    receiver: KeyName
    controller: Annotated[str, Meta(min_length=1, max_length=100)]
    keeps_days: Positive
    segments: Count
    bytes: Count
    head: Sha256
    forwarded_at: Wall


_notes: msgspec.json.Decoder[ForwardedNote] = msgspec.json.Decoder(ForwardedNote)


def decode(raw: bytes, where: str) -> tuple[ForwardedNote, SignedDocument]:
    """The note in the bytes of a file; its signature is not checked yet. Raises `DataError`."""
    document = signed_document.read(raw, FORWARDED_TYPE, MAX_FORWARDED_BYTES, where)
    return strict_json.decode(document.json, _notes, where, MAX_FORWARDED_BYTES), document


def sign(note: ForwardedNote, signer: SigningKey) -> bytes:
    """The bytes of its file. Raises `DataError` for one that no reader would take."""
    document = signed_document.signed_file(FORWARDED_TYPE, note, [signer])
    decode(document, "to be signed")
    return document
