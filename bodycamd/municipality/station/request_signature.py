"""Whose request it is: RFC 9421, one signature, Ed25519 by a camera's uplink key, over the parts that `evidence.request_signing` names.

`@authority` is the station's public name as it is configured, whatever a proxy calls it. `created` and `expires` are not looked at: a
camera may have no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, InvalidSignature, VerifyResult
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
    """The key that signed, the nonce that it signed with, and what it signed, for `check_content`."""

    key_id: str
    nonce: str
    found: VerifyResult


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, key_of: Callable[[str], PublicKey | None]) -> None:
        self._key_of = key_of

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        key = self._key_of(key_id)
        return None if key is None else Ed25519PublicKey.from_public_bytes(key.raw)  # PEM would be written, and read again


class _Verifier(HTTPMessageVerifier):
    require_created = False

    def validate_created_and_expires(self, sig_input: object, max_age: object = None) -> None:
        """A camera may have no clock: the nonce says that the request is fresh."""


def verify(request: SignedRequest, key_of: Callable[[str], PublicKey | None], *, with_content: bool) -> Signer:
    """Who signed the headers of a request. `key_of` gives the key of an id, if it may sign; `with_content`: the request is to have a body,
    which is held against its signed digest once it is read (`check_content`). Raises `PermissionDeniedError` for everything that is not
    signed exactly so.
    """
    try:
        found = _verifier(key_of).verify(request, expect_tag=TAG)
    except (InvalidSignature, HTTPMessageSignaturesException, ValueError) as error:
        raise PermissionDeniedError(f"the request is not signed as it should be: {error}") from error
    if [one.label for one in found] != [TAG]:
        raise PermissionDeniedError(f"the request has another signature than one that is labelled {TAG}")
    wanted = COVERED_WITH_CONTENT if with_content else COVERED
    covered = {name.strip('"') for name in found[0].covered_components} - {"@signature-params"}
    if covered != set(wanted):
        raise PermissionDeniedError(f"the signature covers {', '.join(sorted(covered))}; it must cover {', '.join(wanted)}")
    if not found[0].nonce:
        raise PermissionDeniedError("the signature has no nonce")
    return Signer(str(found[0].parameters["keyid"]), found[0].nonce, found[0])


def check_content(request: SignedRequest, signer: Signer, content: bytes) -> None:
    """Hold a body against the digest that its request's `signer` signed. Raises `PermissionDeniedError`."""
    try:
        _verifier(lambda _: None).verify_body(request, [signer.found], content)
    except (InvalidSignature, HTTPMessageSignaturesException, ValueError) as error:
        raise PermissionDeniedError(f"the request is not signed as it should be: {error}") from error


def _verifier(key_of: Callable[[str], PublicKey | None]) -> _Verifier:
    return _Verifier(signature_algorithm=ED25519, key_resolver=_Keys(key_of))
