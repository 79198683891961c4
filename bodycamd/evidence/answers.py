"""A station's answer to a camera that asks whether its copy is still there. Format `bodycam-answer/1`.

The camera's recorder draws a nonce, the station answers with the SHA-256 of the nonce followed by the whole file, and signs that. Who has
not got the file cannot know it, and who is not the station cannot sign it: the courier between them, who may read the camera's files,
cannot answer in its place. The recorder holds the answer against its own file and states it whole (`copy_shown`).

Not shown: that the station will keep it. For that it has its receipts.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from bodycamd.errors import DataError
from bodycamd.evidence import signed_document, strict_json
from bodycamd.evidence.keys import PublicKey, Signer
from bodycamd.evidence.roster import KeyName, SignedRoster
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.evidence.statements import LAST_NUMBER, DeviceId, RecordingId, Sha256, Stated, Wall

ANSWER_TYPE: Final = "bodycam-answer/1"
MAX_ANSWER_BYTES: Final = 4096
NONCE_BYTES: Final = 32


class CopyAnswer(Stated, frozen=True, kw_only=True):
    """`sha256` is of the nonce's 32 bytes and, behind them, all bytes of the segment's file. `nonce` is 64 hex digits."""

    station: KeyName
    device: DeviceId
    recording: RecordingId
    segment: Annotated[int, Meta(ge=0, le=LAST_NUMBER)]
    nonce: Sha256
    sha256: Sha256
    answered_at: Wall


class SignedAnswer(msgspec.Struct, frozen=True):
    """An answer with the bytes that are signed. The signature is not checked yet."""

    answer: CopyAnswer
    document: SignedDocument

    @property
    def id(self) -> str:
        """The SHA-256 of the signed bytes."""
        return self.document.sha256


_answers: msgspec.json.Decoder[CopyAnswer] = msgspec.json.Decoder(CopyAnswer)


def decode(raw: bytes, where: str) -> SignedAnswer:
    """The answer in the bytes of a file. Raises `DataError` for what is none."""
    document = signed_document.read(raw, ANSWER_TYPE, MAX_ANSWER_BYTES, where)
    return SignedAnswer(strict_json.decode(document.json, _answers, where, MAX_ANSWER_BYTES), document)


def sign(answer: CopyAnswer, signer: Signer) -> SignedAnswer:
    """The answer, signed. Raises `DataError` for one that no reader would take."""
    return decode(signed_document.signed_file(ANSWER_TYPE, answer, [signer]), "to be signed")


def station_keys(in_force: SignedRoster) -> dict[str, PublicKey]:
    """The keys of the roster's active stations, by their ids in the roster."""
    return {one.id: PublicKey.from_hex(one.key) for one in in_force.roster.stations if one.state == "active"}


def is_signed(candidate: SignedAnswer, in_force: SignedRoster) -> bool:
    """Whether the station that it names is an active one of the roster in force, and signed it."""
    key = station_keys(in_force).get(candidate.answer.station)
    try:
        return key is not None and key.id in candidate.document.signers([key])
    except DataError:
        return False


def only_signer(document: SignedDocument) -> str:
    """The id of the key whose signature alone stands below a document; empty where there are several: which of them was looked at, the
    document does not say."""
    return document.signatures[0][0] if len(document.signatures) == 1 else ""
