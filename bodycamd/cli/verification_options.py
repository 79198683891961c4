"""What a command line names to verify with: the camera's registered key, and an anchor taken earlier."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bodycamd.errors import BodycamError, PermissionDeniedError, UsageError

if TYPE_CHECKING:
    from bodycamd.evidence.keys import PublicKey
    from bodycamd.municipality.verify.anchors import Anchor

MAX_PEM_BYTES = 65536


def key_and_anchor(device_key: Path, anchor: Path | None) -> tuple[PublicKey, Anchor | None]:
    """Read both. Whatever is wrong with one of them is wrong use: raises `UsageError`, which names its path."""
    from bodycamd.evidence.keys import PublicKey
    from bodycamd.linux.foreign import read_named
    from bodycamd.municipality.verify.anchors import read

    try:
        registered = PublicKey.from_pem(read_named(device_key, MAX_PEM_BYTES))
    except PermissionDeniedError:
        raise
    except BodycamError as error:
        raise UsageError(f"{device_key}: {error}; give the camera's device.pem") from error
    if anchor is None:
        return registered, None
    try:
        return registered, read(anchor)
    except BodycamError as error:
        said = str(error)
        raise UsageError(said if str(anchor) in said else f"{anchor}: {said}") from error
