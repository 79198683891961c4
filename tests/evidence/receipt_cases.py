"""Receipts: what is none, and what becomes of the others: for the tests, and for other implementations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from bodycamd.evidence import receipts, strict_json
from bodycamd.evidence.receipts import RECEIPT_TYPE, Outcome, Receipt, Received, SignedReceipt
from bodycamd.evidence.roster import KeyHolder
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.evidence.statements import ZERO_HASH
from tests.evidence.rostering import FIRST, key, raw, signed

VECTORS = Path(__file__).with_name("receipt_vectors.json")
STATIONS = (*FIRST.stations, KeyHolder(id="station-2", key=raw("station-2"), state="retired"))
IN_FORCE = signed(replace(FIRST, stations=STATIONS))
LEDGER = Receipt(
    station="station-1",
    device="HV-01",
    n=1,
    prev=ZERO_HASH,
    head="ab" * 32,
    stored_at="2026-03-09T22:00:00.000000Z",
    kept_until="2026-04-06T22:00:00.000000Z",
    audit_head="cd" * 32,
)


def stored(receipt: Receipt, signer: str = "station-1") -> SignedReceipt:
    return receipts.sign(receipt, key(signer))


FIRST_ONE = stored(LEDGER)
SEGMENT = replace(LEDGER, n=2, prev=FIRST_ONE.id, recording="000042-0001", segment=0, sha256="ef" * 32, size=8_000_000)
SO_FAR = receipts.received(Received(), [FIRST_ONE])

CONTRADICTIONS: dict[str, Receipt] = {
    "kept for less than no time": replace(SEGMENT, kept_until="2026-03-09T21:59:59.999999Z"),
    "no such day": replace(SEGMENT, stored_at="2026-02-30T22:00:00.000000Z"),
    "a segment without its hash": replace(SEGMENT, sha256=None),
    "a hash of nothing": replace(LEDGER, sha256="ef" * 32),
    "the first after another one": replace(SEGMENT, n=1),
    "the second after none": replace(SEGMENT, prev=ZERO_HASH),
}

DECISIONS: dict[str, tuple[Receipt, str, Outcome]] = {
    "the next one": (SEGMENT, "station-1", "accepted"),
    "the next one, for the ledger": (replace(LEDGER, n=2, prev=FIRST_ONE.id), "station-1", "accepted"),
    "the last one again": (LEDGER, "station-1", "repeated"),
    "another one in the place of the last": (replace(LEDGER, head="12" * 32), "station-1", "not_next"),
    "one left out": (replace(SEGMENT, n=3), "station-1", "not_next"),
    "after another one": (replace(SEGMENT, prev="12" * 32), "station-1", "not_next"),
    "signed by a person": (SEGMENT, "A-01", "not_signed"),
    "signed by another station": (SEGMENT, "station-2", "not_signed"),
    "by a station that was retired": (replace(SEGMENT, station="station-2"), "station-2", "not_a_station"),
    "by a stranger": (replace(SEGMENT, station="station-9"), "station-9", "not_a_station"),
    "for another camera": (replace(SEGMENT, device="HV-02"), "station-1", "other_device"),
}

NO_RECEIPTS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda file: b"",
    "another type": lambda file: file.replace(b"bodycam-receipt/1", b"bodycam-order/1"),
    "no signature": lambda file: b"\n".join(file.split(b"\n")[:2]) + b"\n",
    "the last line cut": lambda file: file[:-1],
    "an unknown key": lambda file: file.replace(b'{"audit_head"', b'{"also":1,"audit_head"'),
    "a repeated key": lambda file: file.replace(b'{"audit_head"', b'{"n":2,"audit_head"'),
    "a negative segment": lambda file: file.replace(b'"segment":0', b'"segment":-1'),
    "a path for a recording": lambda file: file.replace(b'"000042-0001"', b'"../000042-0001"'),
}


def vectors() -> str:
    """The cases as `receipt_vectors.json` has them, for who writes another reader."""
    cases = [
        {"case": name, "file": stored(receipt, signer).document.file_bytes.decode(), "outcome": outcome}
        for name, (receipt, signer, outcome) in DECISIONS.items()
    ]
    for name, change in NO_RECEIPTS.items():
        cases.append({"case": name, "file": change(stored(SEGMENT).document.file_bytes).decode("latin-1"), "outcome": "no receipt"})
    for name, receipt in CONTRADICTIONS.items():
        document = SignedDocument(RECEIPT_TYPE, strict_json.encode(receipt, name), ()).also_signed_by([key("station-1")])
        cases.append({"case": name, "file": document.file_bytes.decode(), "outcome": "no receipt"})
    told = {
        "in_force": IN_FORCE.document.file_bytes.decode(),
        "device": "HV-01",
        "taken": [FIRST_ONE.document.file_bytes.decode()],
        "cases": cases,
    }
    return json.dumps(told, indent=0, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(vectors())
