"""A camera's application to be enrolled: the keys that it made by itself, and that it holds them. Format `bodycam-application/1`.

A signed document (`signed_document`) with the signatures of three keys: the uplink key and the message key that it states, and the key of
the card's token. The token is the seed of that last key; who made the card keeps only the public half. So an application shows, without the
token, that it was made where the card was; it is bound to these very keys; and who reads the record cannot make one.

A token on a FAT partition proves little: whoever held the card could have used it. What counts is that a person compared the fingerprint
of the application with the one that the camera shows; then the root signs.

The first signing key is stated and does not sign: it signs the ledger's first line and nothing else (`keys`).
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bodycamd.errors import DataError
from bodycamd.evidence import signed_document, strict_json
from bodycamd.evidence.keys import PublicKey, Signer, SigningKey
from bodycamd.evidence.roster import Serial
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.evidence.statements import DeviceId, RawPublicKey, Stated

APPLICATION_TYPE: Final = "bodycam-application/1"
MAX_APPLICATION_BYTES: Final = 16 * 1024
TOKEN_BYTES: Final = 32


class Application(Stated, frozen=True, kw_only=True):
    """`token_key` is the public half of the card's token; the rest is what the roster will say of the camera."""

    camera: DeviceId
    token_key: RawPublicKey
    first_key: RawPublicKey
    uplink_key: RawPublicKey
    message_key: RawPublicKey
    serial: Serial | None = None

    @property
    def signing(self) -> tuple[str, str, str]:
        """The keys that must sign."""
        return self.uplink_key, self.message_key, self.token_key


_applications: msgspec.json.Decoder[Application] = msgspec.json.Decoder(Application)


class SignedApplication(msgspec.Struct, frozen=True):
    """An application that all three keys signed."""

    application: Application
    document: SignedDocument

    @property
    def fingerprint(self) -> str:
        """The document's id in groups, to be read aloud and compared."""
        id = self.document.sha256
        return " ".join(id[at : at + 4] for at in range(0, 64, 4))


def token_signer(token: bytes) -> SigningKey:
    """The key of a card's token. Raises `DataError` for what is no token."""
    if len(token) != TOKEN_BYTES:
        raise DataError(f"a card's token has {TOKEN_BYTES} bytes, not {len(token)}")
    return SigningKey(Ed25519PrivateKey.from_private_bytes(token))


def sign(application: Application, signers: Sequence[Signer]) -> SignedApplication:
    """The application, signed. Raises `DataError` for one that no reader would take."""
    return decode(signed_document.signed_file(APPLICATION_TYPE, application, signers), "to be signed")


def decode(raw: bytes, where: str) -> SignedApplication:
    """The application in the bytes of a file, its signatures checked. Raises `DataError` where one is missing or does not hold, or where
    two of its keys are one.
    """
    document = signed_document.read(raw, APPLICATION_TYPE, MAX_APPLICATION_BYTES, where)
    application = strict_json.decode(document.json, _applications, where)
    if len({application.first_key, *application.signing}) < 4:
        raise DataError(f"{where}: two of its keys are the same: each has a purpose of its own")
    keys = [PublicKey.from_hex(key) for key in application.signing]
    try:
        signed = document.signers(keys)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    if len(signed) < len(keys):
        raise DataError(f"{where}: not signed by all of uplink key, message key and the card's token")
    return SignedApplication(application, document)
