"""Time stamps over the station's log by somebody else (RFC 3161): that a head was there at a time, on the word of an authority. Pure.

What is stamped is a line of the log: the imprint in the stamp is the line's SHA-256, which is the log's head after it. `openssl ts -verify
-digest HEAD` verifies it without any of this.
"""

from __future__ import annotations

import hashlib
from typing import Final

import rfc3161_client
from cryptography.x509 import Certificate
from msgspec import Struct
from rfc3161_client.verify import SHA256_OID

from bodycamd.errors import DataError
from bodycamd.evidence.roster import DAY_US

MAX_STAMP_BYTES: Final = 64 * 1024
"""Of an answer, with the authority's certificates in it; usual are 3 to 7 kB."""


class Asked(Struct, frozen=True):
    """A request for a stamp over `head`; its answer repeats the nonce."""

    head: str
    nonce: int
    raw: bytes


class Stamp(Struct, frozen=True):
    """A stamp that verified: over the log as far as line `n`, at the authority's time."""

    n: int
    head: str
    at_us: int


def ask(line: bytes) -> Asked:
    """A request for a stamp over a line of the log, without its line end."""
    builder = rfc3161_client.TimestampRequestBuilder().data(line).hash_algorithm(rfc3161_client.base.HashAlgorithm.SHA256)
    request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    assert request.nonce is not None
    return Asked(hashlib.sha256(line).hexdigest(), request.nonce, request.as_bytes())


def stamped_at_us(raw: bytes, head: str, roots: list[Certificate], nonce: int | None = None) -> int:
    """The authority's time in an answer, that one of `roots` stands behind, over this head. Raises `DataError` for anything else: an answer
    that is none, refuses, is over something else, was made for another request, or is signed by somebody else."""
    if len(raw) > MAX_STAMP_BYTES:
        raise DataError(f"a stamp of more than {MAX_STAMP_BYTES} bytes")
    try:
        answer = rfc3161_client.decode_timestamp_response(raw)
        if rfc3161_client.tsp.PKIStatus(answer.status) is not rfc3161_client.tsp.PKIStatus.GRANTED:
            raise DataError(f"the authority refuses: {', '.join(answer.status_string) or f'status {answer.status}'}")
        builder = rfc3161_client.VerifierBuilder(roots=list(roots), nonce=nonce)
        builder.build().verify(answer, bytes.fromhex(head))
        if answer.tst_info.message_imprint.hash_algorithm.dotted_string != SHA256_OID:
            raise DataError("its imprint is no SHA-256")
        return round(answer.tst_info.gen_time.timestamp() * 1_000_000)
    except (ValueError, TypeError, rfc3161_client.VerificationError) as error:
        raise DataError(f"no stamp over {head[:16]}…: {error}") from error


def is_due(last: Stamp | None, newest_n: int, now_us: int) -> bool:
    """Whether the log is to be stamped: once a day, where it has grown."""
    if last is None:
        return newest_n > 0
    return newest_n > last.n and abs(now_us - last.at_us) >= DAY_US
