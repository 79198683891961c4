"""Takes sealed segments from the process that reads them out."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bodycamd.camera.offloading.messages import MAX_LINE_BYTES, Wanted, decode_answer, encode
from bodycamd.errors import BodycamError, PermissionDeniedError, StorageError, UnavailableError

ANSWER_SECONDS = 60.0


class SealedSegments:
    """Of the camera that reads them out at `path`. Raises `PermissionDeniedError` and `UnavailableError` where nothing may be had there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connected().close()

    @contextmanager
    def open(self, recording: str, file: str) -> Iterator[tuple[BinaryIO, int]]:
        """The bytes of a segment's file, and how many there are. Raises `StorageError` where the camera does not read it out, `DataError`
        for an answer that is none; `OSError` where it stops amid them.
        """
        with self._connected() as connection, connection.makefile("rb") as coming:
            try:
                connection.sendall(encode(Wanted(recording, file)))
                line = coming.readline(MAX_LINE_BYTES)
            except OSError as error:
                raise StorageError(f"{recording}/{file}: {self._path} does not answer ({error.strerror or error})") from error
            said = decode_answer(line)
            if said.size is None:
                raise StorageError(f"{recording}/{file}: {said.error}")
            yield coming, said.size

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(str(self._path))
        except OSError as error:
            connection.close()
            raise _why_not(self._path, error) from error
        return connection


def _why_not(path: Path, error: OSError) -> BodycamError:
    if isinstance(error, PermissionError):
        return PermissionDeniedError(f"{path}: only members of group bodycam-offload may take footage off this camera")
    return UnavailableError(f"{path}: nothing is read out there ({error.strerror or error}): systemctl status bodycamd-offload.socket")
