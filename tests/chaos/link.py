"""Bad links in front of a station, one for each camera: so many bits a second, delays as of lost packets, blackouts, broken connections.

All cameras know the station under one name, so all connect to one place; whose link it is the first request of a connection says. What is
carried is TCP's bytes. A packet that is lost is seen by TCP as one that comes later, by a retransmission: so `LOSS_PERCENT` of the packets
are late by `RETRANSMITTED_SECONDS`, with all that follows them.
"""

from __future__ import annotations

import asyncio
import random
import re
import threading
import time
from types import TracebackType
from typing import Final, Self

LOSS_PERCENT: Final = 3
RETRANSMITTED_SECONDS: Final = 0.2
PACKET_BYTES: Final = 1_400
PIECE_BYTES: Final = 14_000
_CAMERA: Final = re.compile(rb"^[A-Z]+ /v1/cameras/([A-Za-z0-9-]+)/")


class Link:
    """A camera's. `bits` a second go in each direction of a connection."""

    def __init__(self, bits: float, seed: int) -> None:
        self.bits = bits
        self.writers: set[asyncio.StreamWriter] = set()
        self._random = random.Random(seed)
        self._dark_until = 0.0

    def black_out(self, seconds: float) -> None:
        """Nothing goes through, and nobody is told."""
        self._dark_until = time.monotonic() + seconds

    async def carry(self, piece: bytes, writer: asyncio.StreamWriter) -> None:
        packets = -(-len(piece) // PACKET_BYTES)
        late = RETRANSMITTED_SECONDS * any(self._random.random() * 100 < LOSS_PERCENT for _ in range(packets))
        await asyncio.sleep(len(piece) * 8 / self.bits + late)
        while (dark := self._dark_until - time.monotonic()) > 0:
            await asyncio.sleep(dark)
        writer.write(piece)
        await writer.drain()


class BadLinks:
    """Use as a context; `port` is where cameras connect to, from the beginning on."""

    def __init__(self, links: dict[str, Link]) -> None:
        self.to_port, self.links = 0, links
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port: int = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def break_off(self, name: str) -> None:
        """Every connection of a camera breaks, wherever it is."""
        self._loop.call_soon_threadsafe(self._break, name)

    def _break(self, name: str) -> None:
        for writer in self.links[name].writers:
            writer.transport.abort()

    async def _open(self) -> int:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(PIECE_BYTES)
        match = _CAMERA.match(first)
        link = self.links.get(match[1].decode()) if match is not None else None
        if link is None:
            writer.transport.abort()
            return
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, there_writer}
        link.writers |= ends
        both = [
            asyncio.ensure_future(_one_way(link, reader, there_writer, first)),
            asyncio.ensure_future(_one_way(link, there_reader, writer, b"")),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            link.writers -= ends
            for one in both:
                one.cancel()
            for end in ends:
                end.close()


async def _one_way(link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes) -> None:
    """Until one end hangs up."""
    piece = first
    try:
        while piece or (piece := await reader.read(PIECE_BYTES)):
            await link.carry(piece, writer)
            piece = b""
    except OSError:
        return
