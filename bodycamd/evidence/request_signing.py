"""How a camera signs what it asks of a station: RFC 9421, one signature, Ed25519 by its uplink key, over fixed parts of the request.

The signature is labelled and tagged `bodycam`, its `keyid` is the SHA-256 of the raw public key, its `nonce` one of the station's. Covered
are method, authority (the station's public name: nothing signed for one station is taken by another), path, query, and for a request with
content its digest, its length, its place and whether it ends the file. Which parts these are is said here, for both sides.

The station checks with a library (`municipality.station.request_signature`). A camera signs with this: of all that RFC 9421 allows it needs
one form, and the library takes ten times as long for it.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from msgspec import Struct

from bodycamd.evidence.keys import Signer

TAG: Final = "bodycam"
COVERED: Final = ("@method", "@authority", "@path", "@query")
COVERED_WITH_CONTENT: Final = (*COVERED, "content-digest", "content-length", "upload-offset", "upload-complete")
NONCE_HEADER: Final = "Station-Nonce"
"""Where a 401 has a fresh one."""


class Content(Struct, frozen=True):
    """The body of a request: a part of something, from `offset` on; `last`: the whole ends with it."""

    body: bytes
    offset: int = 0
    last: bool = True


class Target(Struct, frozen=True):
    """What a request is for. `path` and `query` as they are sent, the query without its `?`."""

    method: str
    authority: str
    path: str
    query: str = ""


def signed_headers(target: Target, content: Content | None, nonce: str, signer: Signer) -> dict[str, str]:
    """The headers of a signed request, those of its content among them; names in small letters. `nonce` has no quotes and no backslash."""
    headers = {} if content is None else _content_headers(content)
    values = {
        "@method": target.method,
        "@authority": target.authority,
        "@path": target.path,
        "@query": f"?{target.query}",
        **headers,
    }
    covered = COVERED if content is None else COVERED_WITH_CONTENT
    listed = " ".join(f'"{name}"' for name in covered)
    parameters = f'({listed});keyid="{signer.public.id}";nonce="{nonce}";tag="{TAG}"'
    lines = [*(f'"{name}": {values[name]}' for name in covered), f'"@signature-params": {parameters}']
    signature = base64.b64encode(signer.sign("\n".join(lines).encode("ascii"))).decode()
    return {**headers, "signature-input": f"{TAG}={parameters}", "signature": f"{TAG}=:{signature}:"}


def _content_headers(content: Content) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(content.body).digest()).decode()
    return {
        "content-digest": f"sha-256=:{digest}:",
        "content-length": str(len(content.body)),
        "upload-offset": str(content.offset),
        "upload-complete": "?1" if content.last else "?0",
    }
