"""Reads sealed segments out to who may connect.

Guarantees
- What is read out is a regular file below the store's `recordings/`, by the name of a sealed or a cut segment, never through a link:
  encrypted footage and its signed statements. No key, no ledger, no configuration, and nothing that is still being written.
- Nothing is written, renamed or deleted. The process runs as a user that could not (`bodycamd-offload.service`).

Not guaranteed: that what is read out is what the ledger states. Who takes it compares.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
from pathlib import Path
from typing import BinaryIO

from bodycamd.camera.offloading.messages import LONGEST_ERROR, MAX_LINE_BYTES, Answer, Wanted, decode_wanted, encode
from bodycamd.errors import BodycamError, UsageError
from bodycamd.foreign_text import shown
from bodycamd.linux.foreign import Folder
from bodycamd.store.names import check_recording, segment_kind
from bodycamd.store.reader import StoreReader

log = logging.getLogger(__name__)

REQUEST_SECONDS = 5.0
"""Within which a request is there: one client at a time is served, and the next one waits."""
STALLED_SECONDS = 30.0
"""So long nothing was taken: whoever asked has gone."""


def serve(listener: socket.socket, store: Path) -> None:
    """Serve one client after another, until none came within the listener's timeout."""
    while True:
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            return
        with connection:
            try:
                answer(connection, store)
            except OSError as error:
                log.info("a client of the offload went away: %s", error.strerror or error)


def answer(connection: socket.socket, store: Path) -> None:
    """One request and its answer. Raises `OSError` where the client does not take it."""
    connection.settimeout(REQUEST_SECONDS)
    with connection.makefile("rb") as asked:
        line = asked.readline(MAX_LINE_BYTES)
    connection.settimeout(STALLED_SECONDS)
    try:
        wanted = decode_wanted(line)
        file = _opened(wanted, StoreReader.open(store))
    except BodycamError as error:
        connection.sendall(encode(Answer(error=shown(error, LONGEST_ERROR))))
        return
    log.info("user %d takes %s/%s", _user(connection), wanted.recording, wanted.file)
    with file:
        size = os.fstat(file.fileno()).st_size
        connection.sendall(encode(Answer(size=size)))
        if size:
            connection.sendfile(file, count=size)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # the recorder's memory is not filled with what was recorded


def _user(connection: socket.socket) -> int:
    """By the kernel's word."""
    _pid, uid, _gid = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII")))
    return int(uid)


def _opened(wanted: Wanted, store: StoreReader) -> BinaryIO:
    """Raises `BodycamError` for everything but a sealed segment of this store."""
    check_recording(wanted.recording)
    if segment_kind(wanted.file) == "open":
        raise UsageError(f"{wanted.recording}/{wanted.file}: it is not sealed yet")
    with Folder.open(store.recordings_folder, below=store.directory) as recordings, recordings.folder(wanted.recording) as folder:
        return folder.file(wanted.file)
