"""A document that several people may sign: the roster, what is taken from it until the next one, a camera's application to be enrolled.

The file is text: the type (`bodycam-roster/1`), the document as strict JSON on one line, and a line for each signature: the SHA-256 of the
signer's raw public key in hex, a space, the base64 of 64 bytes; in ascending order, each key at most once.

Signed are the first two lines as they are stored, line ends included: the type is under the signature, so that nothing that was signed as
one kind of document is ever read as another; and nothing is serialised again. The document's id is the SHA-256 of the same bytes:
`head -n 2 FILE | sha256sum`.

A signature says who signed. What a signer may is for the document's reader to judge.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

from msgspec import Struct

from bodycamd.errors import DataError
from bodycamd.evidence import strict_json
from bodycamd.evidence.keys import PublicKey, Signer
from bodycamd.evidence.signed_line import signature_of
from bodycamd.evidence.statements import Stated

MAX_SIGNATURES = 16
_SIGNATURE = re.compile(rb"([0-9a-f]{64}) ([A-Za-z0-9+/]{86}==)")
_LONGEST_SIGNATURE = 64 + 1 + 88 + 1


class SignedDocument(Struct, frozen=True):
    """A document with its signatures, by the id of the key that each one claims; `signers` tells which of them hold."""

    type: str
    json: bytes
    signatures: tuple[tuple[str, bytes], ...]

    @property
    def signed(self) -> bytes:
        """The bytes under the signatures."""
        return signed_bytes(self.type, self.json)

    @property
    def sha256(self) -> str:
        """The document's id, in hex. The signatures are not in it: a document that somebody signs too is the same document."""
        return hashlib.sha256(self.signed).hexdigest()

    @property
    def file_bytes(self) -> bytes:
        """What is stored; `read` returns the same document from it."""
        lines = (key.encode() + b" " + base64.b64encode(signature) + b"\n" for key, signature in self.signatures)
        return self.signed + b"".join(lines)

    def signers(self, keys: Iterable[PublicKey]) -> frozenset[str]:
        """The ids of those keys that signed. A signature that claims one of them and does not hold raises `DataError`: the document has
        been altered, or somebody claims to be who he is not. Signatures of other keys are passed over.
        """
        asked = {key.id: key for key in keys}
        found: set[str] = set()
        for claimed, signature in self.signatures:
            if claimed in asked:
                if not asked[claimed].verifies(signature, self.signed):
                    raise DataError(
                        f"the signature of key {claimed[:16]}… does not hold: the document was altered, or another key signed it"
                    )
                found.add(claimed)
        return frozenset(found)

    def also_signed_by(self, signers: Iterable[Signer]) -> SignedDocument:
        """The same document with further signatures; who signed already is not asked again. Raises `DataError` beyond `MAX_SIGNATURES`."""
        signatures = dict(self.signatures)
        for signer in signers:
            if signer.public.id not in signatures:
                signatures[signer.public.id] = signer.sign(self.signed)
        if len(signatures) > MAX_SIGNATURES:
            raise DataError(f"{len(signatures)} signatures; at most {MAX_SIGNATURES} are allowed")
        return SignedDocument(self.type, self.json, tuple(sorted(signatures.items())))


def signed_bytes(type: str, json: bytes) -> bytes:
    """What is signed: the type and the JSON, a line each."""
    return type.encode("ascii") + b"\n" + json + b"\n"


def signed_file(type: str, content: Stated, signers: Iterable[Signer]) -> bytes:
    """A new document with these signatures, as it is stored. Raises `DataError`; what a reader would refuse is the caller's to read."""
    unsigned = SignedDocument(type, strict_json.encode(content, "to be signed"), ())
    return unsigned.also_signed_by(signers).file_bytes


def entry_text(document: SignedDocument) -> str:
    """The whole document, as an entry of the ledger states it: base64 of the file's bytes."""
    return base64.b64encode(document.file_bytes).decode()


def from_entry(text: str, where: str) -> bytes:
    """The file's bytes that an entry of the ledger states, in their only spelling. Raises `DataError`."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise DataError(f"{where}: not base64") from error
    if base64.b64encode(raw).decode() != text:
        raise DataError(f"{where}: not the only base64 of these bytes")
    return raw


def read(raw: bytes, type: str, longest_json_bytes: int, where: str) -> SignedDocument:
    """The document of this type in the bytes of a file; neither signatures nor JSON are checked yet. Raises `DataError` for all that
    `file_bytes` would not write.
    """
    if len(raw) > len(type) + longest_json_bytes + 2 + MAX_SIGNATURES * _LONGEST_SIGNATURE:
        raise DataError(f"{where}: {len(raw)} bytes, too long for {type}")
    first, *rest = raw.split(b"\n")
    if first != type.encode("ascii"):
        raise DataError(f"{where}: line 1: not {type}")
    if len(rest) < 2 or rest.pop() != b"":
        raise DataError(f"{where}: not whole lines: the type, the document, and its signatures")
    json, *lines = rest
    if not 1 <= len(lines) <= MAX_SIGNATURES:
        raise DataError(f"{where}: {len(lines)} signatures; 1 to {MAX_SIGNATURES} are allowed")
    signatures = [_signature(line, f"{where}: line {number}") for number, line in enumerate(lines, 3)]
    claimed = [key for key, _ in signatures]
    if claimed != sorted(set(claimed)):
        raise DataError(f"{where}: the signatures are not in ascending order of their keys, each key once")
    return SignedDocument(type, json, tuple(signatures))


def _signature(line: bytes, where: str) -> tuple[str, bytes]:
    match = _SIGNATURE.fullmatch(line)
    if match is None:
        raise DataError(f"{where}: not a key's id (64 hex digits), a space and the base64 of 64 bytes")
    return match[1].decode(), signature_of(match[2], where)
