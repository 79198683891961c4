"""The station's signed word that its copy of a recording is gone. Format `bodycam-station-deletion/1`.

A signed document (`signed_document`) by the station's key. It repeats what the station's log says of the deletion, and names the head of
that log behind it, which every later receipt anchors in a camera's ledger. The camera's own deletion has a certificate of its own
(`publish.certificate`), which reads the station's copy of the ledger as any store's.

Not shown, because no paper can: that nobody has made a copy of the copy.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from bodycamd.errors import DataError, NotFoundError
from bodycamd.evidence import signed_document, strict_json
from bodycamd.evidence.keys import Signer
from bodycamd.evidence.roster import KeyName
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.evidence.statements import DeviceId, Positive, RecordingId, Sha256, Stated, Wall
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.copy_index import CopyIndex
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.storage import Storage
from bodycamd.store.names import check_recording

DELETION_TYPE: Final = "bodycam-station-deletion/1"


class StationDeletion(Stated, frozen=True, kw_only=True):
    """`why` is what the log says: the proof, and how much there was. `n` and `audit_head` are of the log's line `deleted`."""

    station: KeyName
    device: DeviceId
    recording: RecordingId
    why: Annotated[str, Meta(max_length=500)]
    began_at: Wall
    deleted_at: Wall
    n: Positive
    audit_head: Sha256


_deletions: msgspec.json.Decoder[StationDeletion] = msgspec.json.Decoder(StationDeletion)


def decode(raw: bytes, where: str) -> tuple[StationDeletion, SignedDocument]:
    """The certificate in the bytes of a file; its signature is not checked yet. Raises `DataError`."""
    document = signed_document.read(raw, DELETION_TYPE, strict_json.MAX_JSON_BYTES, where)
    return strict_json.decode(document.json, _deletions, where), document


def certify(name: str, signer: Signer, index: Index, storage: Storage, device: str, recording: str) -> SignedDocument:
    """Certify a deletion. Raises `UsageError` for what is no id, `NotFoundError` where it is not deleted here, `DataError` where anything
    of it is there all the same, or the log does not hold together; `StorageError`.
    """
    check_recording(recording)
    if CopyIndex(index.database).deleted_on(device, recording) is None:
        raise NotFoundError(f"{device}: {recording} is not deleted at this station")
    if storage.has_recording(device, recording):
        raise DataError(f"{device}: something of {recording} is there: nothing is certified")
    lines = index.audit_lines()
    audit.check(lines)
    why, began_at = "", ""
    for raw in lines:
        line = audit.decode(raw, "audit")
        if line.device != device:
            continue
        if line.event == "deleting" and line.what.startswith(f"{recording}: "):
            why, began_at = line.what.partition(": ")[2], line.at
        elif line.event == "deleted" and line.what == recording and began_at:
            made = StationDeletion(
                station=name,
                device=device,
                recording=recording,
                why=why,
                began_at=began_at,
                deleted_at=line.at,
                n=line.n,
                audit_head=audit.head_of(raw),
            )
            return decode(signed_document.signed_file(DELETION_TYPE, made, [signer]), "to be signed")[1]
    raise DataError(f"{device}: the log does not state how {recording} was deleted: nothing is certified")
