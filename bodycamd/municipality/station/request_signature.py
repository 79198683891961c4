"""Whose request it is: RFC 9421, one signature, Ed25519 by a camera's uplink key, over the parts that `evidence.request_signing` names.

`@authority` is the station's public name as it is configured, whatever a proxy calls it. `created` and `expires` are not looked at: a
camera may have no clock.
"""

from __future__ import annotations

from collections.abc import Mapping

from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, InvalidSignature
from http_message_signatures.algorithms import ED25519
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from msgspec import Struct

from bodycamd.errors import PermissionDeniedError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.request_signing import COVERED, COVERED_WITH_CONTENT, TAG


class SignedRequest(Struct, frozen=True):
    """What is verified. `url` has the station's public name in it, whatever the connection was made to; header names in small letters."""

    method: str
    url: str
    headers: Mapping[str, str]


class Signer(Struct, frozen=True):
    """The key that signed, and the nonce that it signed with."""

    key_id: str
    nonce: str


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, keys: Mapping[str, PublicKey]) -> None:
        self._keys = keys

    def resolve_public_key(self, key_id: str) -> bytes | None:
        key = self._keys.get(key_id)
        return None if key is None else key.pem()


class _Verifier(HTTPMessageVerifier):
    require_created = False

    def validate_created_and_expires(self, sig_input: object, max_age: object = None) -> None:
        """A camera may have no clock: the nonce says that the request is fresh."""


def verify(request: SignedRequest, keys: Mapping[str, PublicKey], *, content: bytes | None, unread: bool = False) -> Signer:
    """Who signed the request. `keys` are those that may, by their ids; `content` is its body, where the request is to have one; `unread`:
    it is to have one, and its signed digest is not held against it yet. Raises `PermissionDeniedError` for everything that is not signed
    exactly so.
    """
    verifier = _Verifier(signature_algorithm=ED25519, key_resolver=_Keys(keys))
    try:
        found = verifier.verify(request, expect_tag=TAG, body=content)
    except (InvalidSignature, HTTPMessageSignaturesException, ValueError) as error:
        raise PermissionDeniedError(f"the request is not signed as it should be: {error}") from error
    if [one.label for one in found] != [TAG]:
        raise PermissionDeniedError(f"the request has another signature than one that is labelled {TAG}")
    wanted = COVERED_WITH_CONTENT if unread or content is not None else COVERED
    covered = {name.strip('"') for name in found[0].covered_components} - {"@signature-params"}
    if covered != set(wanted):
        raise PermissionDeniedError(f"the signature covers {', '.join(sorted(covered))}; it must cover {', '.join(wanted)}")
    if not found[0].nonce:
        raise PermissionDeniedError("the signature has no nonce")
    return Signer(str(found[0].parameters["keyid"]), found[0].nonce)
