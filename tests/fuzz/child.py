"""The process that is fuzzed: `python -m tests.fuzz.child TARGET COUNT SEED`. Prints one JSON line at the end.

Anything but a refusal (`DataError`) ends it with a trace and the case's number; an input that takes 10 s ends it by SIGALRM.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bodycamd.camera.capture import protocol as link
from bodycamd.errors import DataError
from bodycamd.evidence import anchor
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.ledger_reader import KeyInForce, lines
from bodycamd.evidence.segment import members
from bodycamd.evidence.segment_reader import SegmentReader, Triple, check_follows
from bodycamd.evidence.statements import ZERO_HASH, JsonValue, decode_entry, decode_statement
from bodycamd.footage import AGE_MAGIC
from tests.evidence.making import MadeSegment, made_segment, new_start
from tests.fuzz.mutations import mutated
from tests.kit.age_files import AGE_HEADER

HANG_SECONDS = 10


@dataclass(frozen=True)
class Target:
    """`read` takes one input and raises `DataError` where it is refused. `signed_anew`, where there is one, makes input that was changed
    before it was signed, so that what stands behind the signature is reached.
    """

    corpus: list[bytes]
    read: Callable[[bytes], object]
    signed_anew: Callable[[], bytes] | None = None


def segment_target(chance: random.Random) -> Target:
    """Segments as bytes, read and verified with their key."""
    made = made_segment([AGE_MAGIC + b"a" * 50, AGE_MAGIC + b"b" * 700, AGE_MAGIC])
    corpus = [made.content, made.content[: made.bounds[2]], made.content[: made.bounds[1] + 700]]
    key = made.start.signer

    def read(data: bytes) -> None:
        previous: Triple | None = None
        for triple in SegmentReader(io.BytesIO(data), "fuzz"):
            triple.check_signature(made.keys)
            check_follows(previous, triple)
            previous = triple

    return Target(corpus, read, lambda: signed_anew(made, key.sign, chance))


def signed_anew(made: MadeSegment, sign: Callable[[bytes], bytes], chance: random.Random) -> bytes:
    """The segment with the JSON of one statement mutated, and a signature that fits."""
    triples = [(made.content[t.age.content_offset :][: t.age.header.size], t.json) for t in SegmentReader(io.BytesIO(made.content), "made")]
    which = chance.randrange(len(triples))
    parts = []
    for index, (age, text) in enumerate(triples):
        changed = mutated(chance, [text]) if index == which else text
        if 2 <= len(changed) <= 65_000:
            parts.append(b"".join(members(index, age, changed, sign(changed))))
    return b"".join(parts)


def ledger_target(chance: random.Random) -> Target:
    """Ledger files, read and verified with the keys that they name."""
    key, following, memory = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
    names = {"public_key": key.public.raw.hex(), "next_public_key": following.public.raw.hex(), "ram_public_key": memory.public.raw.hex()}
    start, rest = new_start(key), new_start(memory)
    rest._n = 10
    detail: dict[str, JsonValue] = {"format": "bodycam-ledger/2", **names, "software": "0.1.0", "config_sha256": "ab" * 32}
    opened: dict[str, JsonValue] = {"recording": "000001-0001", "keep_from_us": 1, "warning": "none"}
    head, raw = ZERO_HASH, []
    marked: dict[str, JsonValue] = {"at_us": 5}
    for maker, kind, fields in ((start, "start", detail), (rest, "recording_opened", opened), (rest, "marker", marked)):
        signed = maker.entry(kind, fields, prev=head)
        raw.append(base64.b64encode(signed.signature) + b" " + signed.json)
        head = hashlib.sha256(raw[-1]).hexdigest()

    def changed() -> bytes:
        text = mutated(chance, [raw[1][89:]])
        return b"\n".join([raw[0], base64.b64encode(memory.sign(text)) + b" " + text, raw[2], b""])

    def read(data: bytes) -> None:
        in_force = KeyInForce(1)
        for line in lines(io.BytesIO(data), "fuzz"):
            in_force.accept(line)

    return Target([b"\n".join([*raw, b""]), b"\n".join([*raw[:2], b""])], read, changed)


def json_target(chance: random.Random) -> Target:
    """The JSON of statements, entries and anchors, without what stands around it."""
    made = made_segment([AGE_MAGIC])
    statements = [triple.json for triple in SegmentReader(io.BytesIO(made.content), "made")]
    entry = new_start().entry("recording_opened", {"recording": "000001-0001", "keep_from_us": 1, "warning": "none"}, prev=ZERO_HASH).json
    taken = new_start().anchor(ZERO_HASH, None).line.encode()

    def read(data: bytes) -> None:
        if data[:1] != b"{":
            anchor.decode(data.decode("latin-1"), "fuzz")
        elif b'"segment"' in data:
            decode_statement(data, "fuzz")
        else:
            decode_entry(data, "fuzz")

    return Target([*statements, entry, taken], read)


def link_target(chance: random.Random) -> Target:
    """What a worker, or somebody in its place, sends over the socket pair, in pieces of any size."""
    age = AGE_HEADER + b"x" * 80
    sent = [
        *link.encode(link.Prepared(pid=7, versions={"av": "18.1"}, sandbox="none", unlocked=None)),
        *link.encode(
            link.Init(generation=1, recipients=("age1x",), encoder="libx264", width=640, height=480, frame_rate=30.0, audio_track=True),
            age,
        ),
        *link.encode(link.Tick(last_frame_us=5, frames=1, dropped=0, audio="live")),
        *link.encode(link.Failed(reason="x")),
    ]
    stream = b"".join(bytes(piece) for piece in sent)
    commands = b"".join(bytes(piece) for piece in [*link.encode(link.Open(generation=1, microphone=True)), *link.encode(link.Close())])

    def read(data: bytes) -> None:
        reader = link.FrameReader.of_worker() if chance.random() < 0.8 else link.FrameReader.of_commands()
        at = 0
        while at < len(data):
            size = chance.choice((1, 7, 64, 4096, 1 << 20))
            for _ in reader.feed(data[at : at + size]):
                pass
            at += size

    return Target([stream, stream[: len(stream) // 2], commands], read)


TARGETS = {"segment": segment_target, "ledger": ledger_target, "json": json_target, "link": link_target}


def peak_kib() -> int:
    """The most memory that this program had at once. Not getrusage(2): that remembers the process before exec."""
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1])


def main(name: str, count: int, seed: int) -> None:
    """Fuzz, and say how it went."""
    chance = random.Random(seed)
    target = TARGETS[name](chance)
    for data in target.corpus[:1]:
        target.read(data)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    before = peak_kib()
    refused = 0
    for number in range(count):
        if number % 16 == 0:
            signal.alarm(HANG_SECONDS)
        anew = target.signed_anew is not None and chance.random() < 0.2
        data = target.signed_anew() if anew and target.signed_anew is not None else mutated(chance, target.corpus)
        try:
            target.read(data)
        except DataError:
            refused += 1
        except BaseException:
            print(f"{name}: case {number} of seed {seed}: {data[:200]!r}… of {len(data)} bytes", file=sys.stderr)
            raise
    peak = peak_kib()
    grown = peak - before
    print(json.dumps({"inputs": count, "refused": refused, "grown_kib": grown, "peak_kib": peak}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
