"""The control socket: status, shifts and a stream of events for people and programs on the camera. JSON lines over a Unix socket.

No command starts, stops or deletes a recording. Everything that arrives is hostile until checked: requests are at most 64 KiB, answers at
most 4 MiB (64 KiB beside the events), at most 8 clients at a time, a client that says nothing for 5 s is dismissed (a subscriber
excepted), one that does not read loses its connection, never the camera's time. At most 4 of the clients are subscribers, so that a place
for a request becomes free within 5 s. Each client gets at most 50 answers in a second, and at most 200 connections are taken: what comes
faster waits in the kernel, and the loop that answers the button has turns to spare. Not guaranteed: a place while the members of the group
keep asking from all the others.

What is said is in `protocol`; what is done with it is up to `answer`.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import logging
import os
import pwd
import socket
import stat
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

from bodycamd.camera.daemon.handing_out import HandedOut
from bodycamd.camera.daemon.protocol import (
    MAX_LINE_BYTES,
    Answer,
    AnyRequest,
    Published,
    Subscribe,
    decode_request,
    encode_line,
    failure,
    success,
)
from bodycamd.config.paths import OFFLOAD_GROUP
from bodycamd.errors import BodycamError, ConfigError, PermissionDeniedError, StoreBusyError, UnavailableError, UsageError
from bodycamd.evidence.statements import Caller

log = logging.getLogger(__name__)

MAX_CLIENTS = 8
MAX_SUBSCRIBERS = 4
"""Of the clients: the other places are for requests."""
IDLE_SECONDS = 5.0
MAX_UNREAD_BYTES = 1024 * 1024
ANSWER_SECONDS = 0.02
"""From one client's request to its next."""
ACCEPT_SECONDS = 0.005
"""From one connection to the next."""
BACKLOG = 8
"""Connections that the kernel keeps waiting."""

Answering: TypeAlias = Callable[[AnyRequest, Caller], Answer | Awaitable[Answer | HandedOut]]
"""Carries out a request, on whose word: the answer, or what will have it. Raises `BodycamError` for a refusal."""


class NoPlaceError(UnavailableError):
    """There is no place for this client: it is told so and dismissed."""


class ControlSocket:
    """Serves `answer` at `path` for the members of `group`; what is marked `admin` only for `admin_group`, root and the service's own
    user, and of that what is marked `courier` also for `uplink_user`; what is marked `root_only` for root alone."""

    def __init__(self, path: Path, answer: Answering, *, group: str, admin_group: str, uplink_user: str | None = None) -> None:
        self._path = path
        self._carry_out = answer
        self._group = group
        self._admin_group = admin_group
        self._uplink_user = uplink_user
        self._clients = 0
        self._subscribers: set[asyncio.StreamWriter] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._socket: socket.socket | None = None
        self._bound: os.stat_result | None = None
        """Of the socket that this one made: another is not its to remove."""
        self._listener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. A socket that an earlier run left is replaced; nothing else is. Raises `ConfigError` where the path cannot be one's own
        socket, `StoreBusyError` where somebody listens there."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old_mask = os.umask(0o117)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _remove_left_over(self._path)
            listener.bind(str(self._path))
            self._bound = os.lstat(self._path)
        except OSError as error:
            listener.close()
            raise ConfigError(f"control.socket: {self._path}: nobody can listen there: {error.strerror or error}") from error
        except BaseException:
            listener.close()
            raise
        finally:
            os.umask(old_mask)
        try:
            os.chown(self._path, -1, grp.getgrnam(self._group).gr_gid)
        except (KeyError, PermissionError):
            log.warning("group %r cannot be given the control socket: only root and the service's own user may use it", self._group)
        listener.listen(BACKLOG)
        listener.setblocking(False)
        self._socket = listener
        self._listener = asyncio.create_task(self._listen(listener))

    async def stop(self) -> None:
        """Stop listening and let all clients go."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        if self._socket is not None:
            _close_listener(self._socket)
            self._socket = None
        for writer in list(self._writers):
            writer.transport.abort()  # not cancel: Python 3.11 writes a trace to the journal for each cancelled client
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(OSError):  # somebody may have taken the folder away, or put another thing there
            if self._bound is not None and os.path.samestat(self._bound, os.lstat(self._path)):
                self._path.unlink()
        self._bound = None

    def publish(self, event: Published) -> None:
        """Send an event to every subscriber. One that has not read the last MiB is dismissed."""
        if not self._subscribers:
            return
        line = encode_line(event)
        for writer in list(self._subscribers):
            if writer.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
                log.warning("a subscriber of the control socket does not read: dismissed")
                self._subscribers.discard(writer)
                writer.transport.abort()
            else:
                writer.write(line)

    async def _listen(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listener)
                await self._take(connection)
            except OSError as error:
                log.error("the control socket takes nobody for a while: %s", error)
                await asyncio.sleep(IDLE_SECONDS)
            await asyncio.sleep(ACCEPT_SECONDS)

    async def _take(self, connection: socket.socket) -> None:
        try:
            reader, writer = await asyncio.open_unix_connection(sock=connection, limit=MAX_LINE_BYTES)
        except BaseException:
            connection.close()
            raise
        self._writers.add(writer)
        task = asyncio.create_task(self._accept(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._clients >= MAX_CLIENTS:
            await self._dismiss(writer, "too many clients: try again")
            return
        self._clients += 1
        try:
            await self._serve(reader, writer)
        except OSError:
            log.debug("a client of the control socket went away")
        finally:
            self._clients -= 1
            self._subscribers.discard(writer)
            await self._part_with(writer)

    async def _dismiss(self, writer: asyncio.StreamWriter, why: str) -> None:
        writer.write(failure(NoPlaceError(why)))
        await self._part_with(writer)

    async def _part_with(self, writer: asyncio.StreamWriter) -> None:
        """Close a connection: what was answered may still be read for a while, then it is cut."""
        await _close(writer)
        self._writers.discard(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        peer = _peer(writer)
        while True:
            try:
                if writer in self._subscribers:
                    line = await reader.readline()
                else:
                    async with asyncio.timeout(IDLE_SECONDS):
                        line = await reader.readline()
            except TimeoutError:
                return
            except ValueError:
                writer.write(failure(UsageError(f"a request is at most {MAX_LINE_BYTES} bytes")))
                return
            if not line.endswith(b"\n"):
                return
            await asyncio.sleep(next_at - loop.time())
            next_at = loop.time() + ANSWER_SECONDS
            try:
                _send(writer, await self._answer(line, writer, *peer))
                async with asyncio.timeout(IDLE_SECONDS):
                    await writer.drain()
            except NoPlaceError as error:
                writer.write(failure(error))
                return
            except TimeoutError:
                writer.transport.abort()
                return

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter, uid: int, gid: int) -> bytes | HandedOut:
        try:
            request = decode_request(line)
            if isinstance(request, Subscribe):
                self._subscribe(writer)
                return success("subscribed")
            self._check_may(request, uid, gid)
            result = self._carry_out(request, Caller(via="control_socket", uid=uid))
            if isinstance(result, Awaitable):
                async with asyncio.timeout(request.answer_seconds):
                    told = await result
                if isinstance(told, HandedOut):
                    return told
                result = told
            return success(result, listening=writer in self._subscribers)
        except NoPlaceError:
            raise
        except TimeoutError:
            return failure(UnavailableError("no answer in time: the disk is busy; try again"))
        except BodycamError as error:
            return failure(error)
        except Exception as error:  # a defect of ours must not end the camera's conversation with everybody else
            log.exception("the control socket could not answer")
            return failure(BodycamError(f"internal error: {type(error).__name__}; see the journal"))

    def _subscribe(self, writer: asyncio.StreamWriter) -> None:
        if writer not in self._subscribers and len(self._subscribers) >= MAX_SUBSCRIBERS:
            raise NoPlaceError(f"too many subscribers: {MAX_SUBSCRIBERS} are listening; try again when one has gone")
        self._subscribers.add(writer)

    def _check_may(self, request: AnyRequest, uid: int, gid: int) -> None:
        if not request.admin or (request.courier and self._is_uplink(uid)):
            return
        if request.root_only:
            who, may = "root", uid == 0
        elif request.uplink_only:
            who, may = f"user {self._uplink_user!r}", uid in (0, os.geteuid())
        else:
            who, may = f"members of group {self._admin_group!r}", self._is_admin(uid, gid, request.offload)
        if not may:
            tag = request.__struct_config__.tag
            raise PermissionDeniedError(f"{tag}: only {who} may do this, and user {uid} is none; nothing was changed")

    def _is_uplink(self, uid: int) -> bool:
        try:
            return self._uplink_user is not None and uid == pwd.getpwnam(self._uplink_user).pw_uid
        except KeyError:
            return False

    def _is_admin(self, uid: int, gid: int, offload: bool) -> bool:
        if uid in (0, os.geteuid()):
            return True
        try:
            own = os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)
        except KeyError:
            return False
        names = (self._admin_group, OFFLOAD_GROUP) if offload else (self._admin_group,)
        return any(_group_id(name) in own for name in names)


def _group_id(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def _peer(writer: asyncio.StreamWriter) -> tuple[int, int]:
    """User and group id of who connected, by the kernel's word. Raises `OSError` where the connection has gone."""
    raw = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))
    _pid, uid, gid = struct.unpack("iII", raw)
    return uid, gid


def _send(writer: asyncio.StreamWriter, said: bytes | HandedOut) -> None:
    """Raises `OSError` where a descriptor cannot be handed over at once, behind all that was said before: then the connection ends."""
    if isinstance(said, bytes):
        writer.write(said)
        return
    with said.file, writer.get_extra_info("socket").dup() as own:
        line = success(said.answer)
        if writer.transport.get_write_buffer_size() or socket.send_fds(own, [line], [said.file.fileno()]) < len(line):
            raise OSError("the client does not read")


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            await writer.wait_closed()
    except (TimeoutError, ConnectionError) as gone:
        writer.transport.abort()
        # It and the reader hold each other, and with them all that the client had sent, until the next full garbage collection.
        gone.__traceback__ = None


def _remove_left_over(path: Path) -> None:
    """Make room for a socket. Raises `ConfigError`, `StoreBusyError`, `OSError`."""
    try:
        kind = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise ConfigError(f"control.socket: {path}: something else has this name; allowed: a path for the daemon's own socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        asked.settimeout(1.0)
        try:
            asked.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()  # whoever made it has gone
            return
        except TimeoutError:
            log.debug("whoever listens at %s has no time", path)
    raise StoreBusyError(f"control.socket: {path}: another daemon listens there; stop it, or configure another path")


def _close_listener(listener: socket.socket) -> None:
    """Stop listening; who still waits to be taken hears the end, not an error."""
    with listener, contextlib.suppress(BlockingIOError):
        for _ in range(2 * BACKLOG):
            listener.accept()[0].close()
