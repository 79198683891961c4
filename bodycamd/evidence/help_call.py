"""A camera's call for help, and a station's word that it sent it to somebody. Formats `bodycam-help/1` and `bodycam-help-sent/1`.

Both are signed documents (`signed_document`). The call has the signature of the camera's message key: whoever carries it can lose it or
delay it, and can make none. The confirmation has that of an active station of the roster: whoever carries it cannot say *sent* by himself.
It names the call by its id, the SHA-256 of the signed bytes, and a call has a nonce: no confirmation, and no answer (an order, kind
`answer`), is ever one to another call.

Neither is evidence of footage. The camera's ledger states both whole.
"""

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from bodycamd.errors import DataError
from bodycamd.evidence import signed_document, strict_json
from bodycamd.evidence.keys import PublicKey, Signer
from bodycamd.evidence.orders import Nonce
from bodycamd.evidence.pseudonyms import Pseudonym
from bodycamd.evidence.roster import KeyName, SignedRoster
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.evidence.statements import DeviceId, Positive, RecordingId, Sha256, StartNumber, Stated, Wall

HELP_TYPE: Final = "bodycam-help/1"
SENT_TYPE: Final = "bodycam-help-sent/1"
MAX_HELP_BYTES: Final = 1024
MAX_FILE_BYTES: Final = 4096
"""Of either document with its signatures."""

SentOutcome: TypeAlias = Literal["accepted", "repeated", "unknown_call", "other_device", "not_a_station", "not_signed"]


class HelpCall(Stated, frozen=True, kw_only=True):
    """`number` counts within `start`, tests apart. `at` is the camera's wall clock, to be relied on where `clock_trusted`. `officer` is the
    pseudonym of the shift. A `test` reaches nobody who must act, and has no recording."""

    camera: DeviceId
    start: StartNumber
    number: Positive
    at: Wall
    clock_trusted: bool
    nonce: Nonce
    test: bool = False
    recording: RecordingId | None = None
    officer: Pseudonym | None = None


class HelpSent(Stated, frozen=True, kw_only=True):
    """`people` is how many the station can call one after the other, as it is configured."""

    station: KeyName
    camera: DeviceId
    call: Sha256
    sent_at: Wall
    people: Annotated[int, Meta(ge=2, le=16)]


class SignedCall(msgspec.Struct, frozen=True):
    """A call with the bytes that are signed. The signature is not checked yet."""

    call: HelpCall
    document: SignedDocument

    @property
    def id(self) -> str:
        """What confirmation and answer name."""
        return self.document.sha256


class SignedSent(msgspec.Struct, frozen=True):
    """A confirmation with the bytes that are signed. The signature is not checked yet."""

    sent: HelpSent
    document: SignedDocument


_calls: msgspec.json.Decoder[HelpCall] = msgspec.json.Decoder(HelpCall)
_sent: msgspec.json.Decoder[HelpSent] = msgspec.json.Decoder(HelpSent)


def decode_call(raw: bytes, where: str) -> SignedCall:
    """The call in these bytes. Raises `DataError`."""
    document = signed_document.read(raw, HELP_TYPE, MAX_HELP_BYTES, where)
    call = strict_json.decode(document.json, _calls, where, MAX_HELP_BYTES)
    if call.test != (call.recording is None):
        raise DataError(f"{where}: a call comes from a recording, and a test does not")
    return SignedCall(call, document)


def decode_sent(raw: bytes, where: str) -> SignedSent:
    """The confirmation in these bytes. Raises `DataError`."""
    document = signed_document.read(raw, SENT_TYPE, MAX_HELP_BYTES, where)
    return SignedSent(strict_json.decode(document.json, _sent, where, MAX_HELP_BYTES), document)


def sign_call(call: HelpCall, message_key: Signer) -> SignedCall:
    """The call, signed. Raises `DataError` for one that no reader would take."""
    return decode_call(signed_document.signed_file(HELP_TYPE, call, [message_key]), "to be signed")


def sign_sent(sent: HelpSent, station_key: Signer) -> SignedSent:
    """The confirmation, signed. Raises `DataError` for one that no reader would take."""
    return decode_sent(signed_document.signed_file(SENT_TYPE, sent, [station_key]), "to be signed")


def check_call(signed: SignedCall, in_force: SignedRoster, device: str) -> None:
    """Raises `DataError` unless it is this camera's, which the roster lists as active, by its message key."""
    camera = in_force.roster.camera(device)
    if camera is None or camera.state != "active":
        raise DataError(f"{device} is not an active camera of the roster in force")
    if signed.call.camera != device:
        raise DataError(f"it is a call of {signed.call.camera}, not of {device}")
    key = PublicKey.from_hex(camera.message_key)
    if key.id not in signed.document.signers([key]):
        raise DataError(f"{device} has not signed it with its message key")


def judge_sent(candidate: SignedSent, in_force: SignedRoster | None, device: str) -> SentOutcome:
    """Whether an active station of the roster in force signed it, for this camera. Which call it is for is not judged here."""
    stations = () if in_force is None else in_force.roster.stations
    station = next((one for one in stations if one.id == candidate.sent.station and one.state == "active"), None)
    if station is None:
        return "not_a_station"
    key = PublicKey.from_hex(station.key)
    try:
        if key.id not in candidate.document.signers([key]):
            return "not_signed"
    except DataError:
        return "not_signed"
    return "accepted" if candidate.sent.camera == device else "other_device"
