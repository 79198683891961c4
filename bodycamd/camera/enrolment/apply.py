"""Makes the camera's uplink and message keys, here and nowhere else, and the application with which it asks to be enrolled.

The keys are files of this camera (`enrolment/uplink.key`, `enrolment/message.key` beside the store; 4 KiB, mode 0600). They are made once:
done again, also after a cut at any point, it gives the same application, until the token is gone. The token is erased last, when the
application is durable where it was asked for: from then on nobody can make another one with it here.

Not guaranteed: that flash keeps no old block of the token. It is worth nothing once the camera is enrolled.
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from bodycamd.errors import BodycamError, DataError, NotFoundError, OutputError, PermissionDeniedError, StorageError
from bodycamd.evidence import application as applications
from bodycamd.evidence.application import Application, SignedApplication
from bodycamd.evidence.keys import PublicKey, SigningKey, load_key_file, provision
from bodycamd.linux import durable, foreign

MAX_TOKEN_FILE_BYTES = 200
MAX_PEM_BYTES = 4096
SERIAL = Path("/sys/firmware/devicetree/base/serial-number")
REGISTERED = Path("/etc/bodycamd/device.pem")


def apply(
    device: str, token_file: Path, signing_keys: Path, own_keys: Path, out: Path, registered: Path = REGISTERED, serial: Path = SERIAL
) -> SignedApplication:
    """Write the application of this camera to `out`, and return it. `signing_keys` is the folder of signing keys, `own_keys` that of the
    two keys that are made here. The first signing key is that of `registered`, which the installation has written; where it is missing the
    key is made.

    Raises `NotFoundError` where there is no token (any more), `DataError` for what is no token, `StorageError`, also where the camera has
    been started before and nothing says what its first key was, and `OutputError` where something else than its application is `out`.
    """
    token = read_token(token_file)
    application = Application(
        camera=device,
        token_key=token.public.raw.hex(),
        first_key=_first_key(registered, signing_keys),
        uplink_key=(uplink := _kept(own_keys / "uplink.key")).public.raw.hex(),
        message_key=(message := _kept(own_keys / "message.key")).public.raw.hex(),
        serial=_serial(serial),
    )
    signed = applications.sign(application, [uplink, message, token])
    try:
        if os.path.lexists(out):
            _check_may_go(out, signed)
            durable.erase(out)
        durable.create(out, signed.document.file_bytes)
        durable.erase(token_file)
    except OSError as error:
        raise StorageError(f"{error.filename or out}: cannot be written: {error.strerror}") from error
    return signed


def check_place(folder: Path) -> None:
    """The folder that the keys' folders are made in is this user's. An installation makes it for the service's user; without one this is no
    camera. Raises `PermissionDeniedError`.
    """
    as_its_user = "a camera's keys are made on it, as the service's user: runuser -u bodycam -- bodycamd enrol …"
    try:
        owner = os.stat(folder).st_uid
    except OSError as error:
        raise PermissionDeniedError(f"{folder}: {error.strerror}; is this a camera? {as_its_user}") from error
    if owner != os.geteuid():
        raise PermissionDeniedError(f"{folder}: it belongs to user {owner}, and you are {os.geteuid()}: {as_its_user}")


def _check_may_go(out: Path, made: SignedApplication) -> None:
    """An application of this camera may go, and what a cut left of one: its first bytes, perhaps with zeros behind them. Nothing else that
    has this name. Raises `OutputError`.
    """
    try:
        found = foreign.read_named(out, 2 * applications.MAX_APPLICATION_BYTES)
        if made.document.file_bytes.startswith(found.rstrip(b"\0")):
            return
        of = applications.decode(found, str(out)).application.camera
    except BodycamError as error:
        raise OutputError(f"{out}: exists already, and is no application: choose another name ({error})") from error
    if of != made.application.camera:
        raise OutputError(f"{out}: exists already, of {of}: choose another name")


def read_token(path: Path) -> SigningKey:
    """The key of the token in a file, base64 on one line. Raises `NotFoundError`, `DataError`, `StorageError`."""
    try:
        raw = foreign.read_named(path, MAX_TOKEN_FILE_BYTES)
    except NotFoundError as error:
        raise NotFoundError(f"{path}: no token here: this camera has applied before, or its card was made without one") from error
    try:
        return applications.token_signer(base64.b16decode(raw.strip(), casefold=True))
    except binascii.Error as error:
        raise DataError(f"{path}: not a token: 64 hex digits") from error


def _kept(path: Path) -> SigningKey:
    """The key in the file, made if it is not there. A torn file, of which nobody can have a public half yet, is made anew."""
    try:
        durable.make_folder(path.parent)
        if path.exists():
            if (key := load_key_file(path)) is not None:
                durable.settle(path)
                return key
            durable.erase(path)
        key = SigningKey.generate()
        durable.create(path, key.file_bytes())
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error
    return key


def first_key_pem(signing_keys: Path, applied: Path) -> bytes:
    """The camera's first public key in PEM, to be registered; made where there is none. `applied` is the application of a camera that asked
    to be enrolled before an installation had registered its key: it may have been started since, and its folder of keys no longer says
    what the first one was. Raises `StorageError`, and what reading an application raises.
    """
    if not applied.exists():
        return provision(signing_keys)
    raw = foreign.read_named(applied, applications.MAX_APPLICATION_BYTES)
    return PublicKey.from_hex(applications.decode(raw, str(applied)).application.first_key).pem()


def _first_key(registered: Path, signing_keys: Path) -> str:
    pem = foreign.read_named(registered, MAX_PEM_BYTES) if registered.exists() else provision(signing_keys)
    return PublicKey.from_pem(pem).raw.hex()


def _serial(path: Path) -> str | None:
    """What the computer says its number is; a number, not a proof."""
    try:
        text = path.read_bytes().rstrip(b"\0\n").decode("ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return text if text.isalnum() and len(text) <= 64 else None
