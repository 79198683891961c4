"""Every parser of foreign bytes, as one function of bytes, and how many bytes show whether it is linear.

`own` are shapes of that format only, `around` puts a general shape where the format's outer checks let it through.
"""

from __future__ import annotations

import asyncio
import base64
import io
import re
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pyrage

from bodycamd.camera.board.voice import protocol as voice_link
from bodycamd.camera.capture import protocol as link
from bodycamd.camera.capture.sources import film
from bodycamd.camera.capture.worker.boxes import StreamCutter, box_kinds, track_runs
from bodycamd.camera.capture.worker.encrypt import load_recipients
from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import MAX_LINE_BYTES, Logged
from bodycamd.camera.daemon.socket import ControlSocket
from bodycamd.config import load as config
from bodycamd.config import warning_sound
from bodycamd.config.strict_yaml import read_strictly
from bodycamd.evidence import strict_json as strict
from bodycamd.evidence.checkpoint import checkpoint_name, read_checkpoint
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_reader import file_name, first_line, lines, open_ledger_file, rest_of
from bodycamd.evidence.segment import members
from bodycamd.evidence.segment_reader import SegmentReader
from bodycamd.evidence.statements import decode_entry, decode_statement
from bodycamd.footage import AGE_MAGIC
from bodycamd.municipality.film.identities import Identities
from bodycamd.municipality.verify import anchors as anchor
from bodycamd.workshop.simulation import button_script as script
from tests.evidence.making import RECIPIENT, made_segment, new_start
from tests.hostile.shapes import SHAPES, Shape, numbered, repeated

KIB = 1024
SIGNED = base64.b64encode(bytes(64)) + b" "
ENTRY = new_start().entry("marker", {"at_us": 5}, prev="0" * 64).json
MADE = made_segment([AGE_MAGIC])
IDENTITY = str(pyrage.x25519.Identity.generate())
AGE_END = b"--- " + b"A" * 43 + b"\n" + bytes(64)
Around = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Parser:
    """`size` bytes are the larger of the two inputs that are compared."""

    read: Callable[[bytes], object]
    size: int
    around: Sequence[Around] = (bytes,)
    own: Mapping[str, Shape] = field(default_factory=dict)


def parsers(folder: Path) -> dict[str, Parser]:
    """All of them; those that read files do so in `folder`."""
    return {**evidence(folder), **municipality(folder), **camera(folder), **conversations()}


# --- evidence ---------------------------------------------------------------------------------------------------------------------------


def evidence(folder: Path) -> dict[str, Parser]:
    def tar_with(json: bytes) -> bytes:
        return b"".join(members(0, AGE_MAGIC, (json + b"\n" * 2)[: strict.MAX_JSON_BYTES], bytes(64)))

    def segment(data: bytes) -> None:
        for _ in SegmentReader(io.BytesIO(data), "hostile"):
            pass

    def all_members(data: bytes) -> None:
        for _ in SegmentReader(io.BytesIO(data), "hostile").members():
            pass

    def ledger_file(data: bytes) -> None:
        (folder / "ledger").mkdir(exist_ok=True)
        (folder / "ledger" / file_name(1)).write_bytes(data)
        first_line(folder / "ledger", 1)
        with open_ledger_file(folder / "ledger", file_name(1)) as file:
            rest_of(file, 1, 0, "hostile")
        for _ in lines(io.BytesIO(data), "hostile"):
            pass

    def checkpoint(data: bytes) -> None:
        (folder / checkpoint_name(7)).write_bytes(data)
        read_checkpoint(folder, 7, below=7, registered=None)

    anything: msgspec.json.Decoder[object] = msgspec.json.Decoder()
    small_member = MADE.content[MADE.bounds[1] - 1024 : MADE.bounds[1]]
    inside = [in_an_object, in_a_text, in_place_of_the_detail]
    limit = 24 * KIB
    return {
        "strict JSON": Parser(lambda raw: strict.decode(raw, anything, "hostile"), limit, [bytes, in_an_object, in_a_text]),
        "a statement": Parser(lambda raw: decode_statement(raw + b"\n", "hostile"), limit, inside),
        "an entry": Parser(lambda raw: decode_entry(raw, "hostile"), limit, inside),
        "a ledger file": Parser(
            ledger_file,
            limit,
            [bytes, *map(signed_line, inside)],
            {"many lines": repeated(SIGNED + ENTRY + b"\n"), "signatures without an end": repeated(b"A")},
        ),
        "a checkpoint": Parser(checkpoint, limit, [bytes, signed_line(in_place_of_the_detail)], {"many": repeated(SIGNED + ENTRY + b"\n")}),
        "a segment": Parser(segment, limit, [bytes, tar_with, lambda raw: MADE.content[: MADE.bounds[1]] + raw]),
        "a segment's members": Parser(all_members, 1024 * KIB, [], {"many small members": repeated(small_member)}),
    }


def signed_line(put: Around) -> Around:
    """A ledger line whose JSON is the shape, put somewhere."""
    return lambda raw: SIGNED + put(raw) + b"\n"


def in_an_object(raw: bytes) -> bytes:
    """Where a value stands."""
    return b'{"a":' + raw + b"}"


def in_a_text(raw: bytes) -> bytes:
    """Inside a string, as it would have to be written there."""
    return b'{"a":"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"')[: len(raw)] + b'"}'


def in_place_of_the_detail(raw: bytes) -> bytes:
    """A whole entry but for its detail."""
    return ENTRY.replace(b'{"at_us":5}', raw)


# --- the municipality -------------------------------------------------------------------------------------------------------------------


def municipality(folder: Path) -> dict[str, Parser]:
    identity_file = folder / "identity.txt"
    identity_file.write_text(IDENTITY + "\n")
    identities = Identities.load(identity_file)
    kept = folder / "foreign"

    def from_file(read: Callable[[Path], object]) -> Callable[[bytes], None]:
        def written(raw: bytes) -> None:
            kept.write_bytes(raw)
            read(kept)

        return written

    def as_json_file(raw: bytes) -> bytes:
        fields = {"device": "cam-7", "start": 1, "n": 1, "head": "0" * 64, "wall": "x", "line": raw.decode("latin-1")}
        return b'{"format":"bodycam-anchor/1",' + msgspec.json.encode(fields)[1:]

    return {
        "an age file": Parser(
            lambda raw: identities.open(raw, "hostile"),
            48 * KIB,
            [bytes, lambda raw: AGE_MAGIC + raw, lambda raw: AGE_MAGIC + b"-> X25519 " + raw, lambda raw: AGE_MAGIC + raw + AGE_END],
            {
                "stanzas": repeated(b"-> X25519 " + b"A" * 43 + b"\n" + b"A" * 43 + b"\n", AGE_MAGIC, AGE_END),
                "empty stanzas": repeated(b"-> a\n\n", AGE_MAGIC, AGE_END),
                "one stanza of many lines": repeated(b"A" * 64 + b"\n", AGE_MAGIC + b"-> a\n", b"\n" + AGE_END),
                "one stanza of many words": repeated(b" a", AGE_MAGIC + b"-> a", b"\n\n" + AGE_END),
                "ends of a header": repeated(b"--- A\n", AGE_MAGIC + b"-> a\n\n"),
                "a header's code without an end": repeated(b"A", AGE_MAGIC + b"-> a\n\n--- "),
                "armour": repeated(b"A" * 64 + b"\n", b"-----BEGIN AGE ENCRYPTED FILE-----\n"),
            },
        ),
        "an identity file": Parser(
            from_file(Identities.load), 24 * KIB, [bytes], {"the same identity": repeated(IDENTITY.encode() + b"\n")}
        ),
        "an anchor": Parser(from_file(anchor.read), 32 * KIB, [bytes, lambda raw: SIGNED + raw, lambda raw: b"{" + raw, as_json_file]),
        "a device key": Parser(PublicKey.from_pem, 32 * KIB, [bytes, lambda raw: b"-----BEGIN PUBLIC KEY-----\n" + raw]),
        "a script": Parser(lambda raw: script.parse(raw.decode("latin-1"), "hostile"), 64 * KIB, [bytes, lambda raw: b"1 hold " + raw]),
    }


# --- the camera -------------------------------------------------------------------------------------------------------------------------


def camera(folder: Path) -> dict[str, Parser]:
    def recipients(raw: bytes) -> None:
        (folder / "recipients.txt").write_bytes(raw)
        load_recipients(folder / "recipients.txt")

    def in_pieces(raw: bytes) -> None:
        cutter = StreamCutter()
        for at in range(0, len(raw), 16):
            cutter.feed(raw[at : at + 16])

    def fragment(raw: bytes) -> None:
        box_kinds(raw)
        track_runs(raw)

    def box(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(content), kind) + content

    def in_a_fragment(raw: bytes) -> bytes:
        return box(b"moof", box(b"traf", box(b"tfhd", struct.pack(">II", 0, 1)) + box(b"tfdt", bytes(8)) + raw))

    def runs_of(count: int) -> Shape:
        return lambda size: in_a_fragment(repeated(box(b"trun", struct.pack(">II", 0, count)))(size))

    def riff(raw: bytes) -> bytes:
        return b"RIFF" + struct.pack("<I", len(raw) + 4) + b"WAVE" + raw

    boxes: dict[str, Shape] = {
        "empty boxes": repeated(box(b"free", b"")),
        "boxes in a fragment": lambda size: in_a_fragment(repeated(box(b"free", b""))(size)),
        "runs without samples": runs_of(0),
        "runs of more samples than there are bytes": runs_of(100_000),
        "fragments": repeated(box(b"moof", b"") + box(b"mdat", b"")),
        "a box of 4 GB": repeated(b"\xff"),
    }
    units: dict[str, Shape] = {"zeros": repeated(b"\0"), "units": repeated(b"\0\0\1"), "ones": repeated(b"\1")}
    brackets = [name for name in SHAPES if re.search("bracket|brace|open|flow|alias|quotes|escape", name)]
    """PyYAML looks 1,024 characters ahead whether a bracket belongs to a key: larger inputs cost no more."""
    number = re.compile("number|digits|sexagesimal|exponent")

    def yaml(raw: bytes) -> None:
        read_strictly(raw, "hostile")

    def configuration(raw: bytes) -> None:
        config.parse(b"warning:\n  file: " + raw, folder / "bodycamd.yaml")

    return {
        "YAML": Parser(yaml, 2 * KIB, [], {name: SHAPES[name] for name in SHAPES if name not in brackets}),
        "brackets in YAML": Parser(yaml, 16 * KIB, [], {name: SHAPES[name] for name in brackets}),
        "a value in YAML": Parser(yaml, 24 * KIB, [], {name: SHAPES[name] for name in SHAPES if number.search(name)}),
        "a configuration": Parser(configuration, 16 * KIB, [], {name: SHAPES[name] for name in ("open brackets", "quotes")}),
        "recipients": Parser(
            recipients,
            64 * KIB,
            [bytes, lambda raw: RECIPIENT.encode() + b"\n" + raw],
            {"the same": repeated(RECIPIENT.encode() + b"\n"), "nearly recipients": numbered("age1ql3z7hjy54pw3hyww5ayyf{}\n")},
        ),
        "boxes in pieces": Parser(in_pieces, 128 * KIB, [], boxes),
        "a fragment": Parser(fragment, 64 * KIB, [], boxes),
        "NAL units": Parser(lambda raw: list(film.nal_units(raw)), 128 * KIB, [], units),
        "a warning": Parser(
            lambda raw: warning_sound.parse(raw, Path("w.wav")),
            64 * KIB,
            [bytes, riff],
            {
                "empty chunks": lambda size: riff(repeated(b"JUNK" + bytes(4))(size)),
                "formats": lambda size: riff(repeated(b"fmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 1, 48000, 96000, 2, 16))(size)),
                "data": lambda size: riff(repeated(b"data\1\0\0\0x\0")(size)),
            },
        ),
    }


# --- what others say over a socket ------------------------------------------------------------------------------------------------------


def conversations() -> dict[str, Parser]:
    def request(raw: bytes) -> None:
        async def served() -> None:
            ours, theirs = socket.socketpair()
            control = ControlSocket(Path("unused"), lambda *_: Logged(logged=""), group="x", admin_group="x")
            reader, writer = await asyncio.open_connection(sock=ours, limit=MAX_LINE_BYTES)
            try:
                for at in range(0, len(raw), 4096):
                    theirs.sendall(raw[at : at + 4096])
                    await asyncio.sleep(0)
                theirs.sendall(b"\n")
                await control._answer(await reader.readline(), writer, 0, 0)
            finally:
                theirs.close()
                writer.close()

        asyncio.run(served())

    def answers(raw: bytes) -> None:
        ours, theirs = socket.socketpair()
        sender = threading.Thread(target=said, args=(theirs, raw))
        sender.start()
        client = ControlClient.__new__(ControlClient)
        client._path, client._socket, client._buffer = Path("hostile"), ours, bytearray()
        try:
            for _ in client.events():
                pass
        finally:
            ours.close()
            sender.join()

    def frames(raw: bytes) -> None:
        reader = link.FrameReader.of_worker()
        for at in range(0, len(raw), 64):
            for _ in reader.feed(raw[at : at + 64]):
                pass

    def packet(raw: bytes) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            theirs.sendall(raw)
            voice_link.receive_command(ours)

    def framed(raw: bytes) -> bytes:
        return link.PREFIX.pack(link.MAGIC, len(raw), 0) + raw

    tick = b"".join(bytes(part) for part in link.encode(link.Tick(last_frame_us=5, frames=1, dropped=0, audio="live")))
    texts: list[Around] = [bytes, in_an_object, in_a_text, lambda raw: b'{"command":"status","x":' + raw + b"}"]

    def line(put: Around) -> Around:
        return lambda raw: put(raw) + b"\n"

    return {
        "a request": Parser(request, 24 * KIB, texts),
        "an answer": Parser(answers, 24 * KIB, [line(put) for put in texts], {"short answers": repeated(b"{}\n")}),
        "a worker's frames": Parser(frames, 24 * KIB, [bytes, framed, lambda raw: framed(in_an_object(raw))], {"ticks": repeated(tick)}),
        "a packet of the voice": Parser(packet, 24 * KIB, texts),
    }


def said(to: socket.socket, raw: bytes) -> None:
    """Send all of it, as far as somebody listens, and hang up."""
    with to:
        try:
            to.sendall(raw)
        except OSError:
            return
