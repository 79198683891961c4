"""Films that were damaged before they were sealed, so that everything about the evidence is right and the film is not; exported one after
the other: `python -m tests.municipality.film.mutated_films FOLDER SEED COUNT`.

Prints one line of JSON: how each ended by its type, and the most memory that this process and a film maker held. Anything that is no
`BodycamError` ends it with a trace.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import sys
from collections import Counter
from pathlib import Path

from bodycamd.errors import BodycamError
from bodycamd.municipality.film.film import export
from bodycamd.municipality.film.identities import Identities
from tests.kit.films import Camera, fragmented_mp4, split

BOXES = [b"moov", b"trak", b"stsd", b"avc1", b"avcC", b"mp4a", b"esds", b"trex", b"moof", b"tfhd", b"tfdt", b"trun", b"mdat", b"hdlr"]
NUMBERS = [0, 1, 2, 0x7F, 0x80, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
CODECS = [b"hvc1", b"av01", b"mp4v", b"jpeg", b"png ", b"apch", b"alac", b"Opus", b".mp3", b"raw ", b"vp09", b"text"]


def mutate(piece: bytes, drawn: random.Random) -> bytes:
    """A few changes where they hurt: in boxes, their sizes and fields; or anywhere."""
    raw = bytearray(piece)
    for _ in range(drawn.choice((1, 1, 2, 5))):
        places = [at for kind in BOXES if (at := raw.find(kind)) >= 0]
        at = drawn.choice(places) if places and drawn.random() < 0.8 else drawn.randrange(len(raw))
        match drawn.randrange(6):
            case 0:  # a box's size
                raw[max(0, at - 4) : at] = drawn.choice(NUMBERS).to_bytes(4, "big")
            case 1:  # a field soon after its name
                offset = at + 4 + 4 * drawn.randrange(24)
                raw[offset : offset + 4] = drawn.choice(NUMBERS).to_bytes(4, "big")
            case 2:
                raw[at : at + 4] = drawn.choice([*BOXES, *CODECS])
            case 3:
                del raw[at : at + drawn.randrange(1, 64)]
            case 4:
                raw[at:at] = drawn.randbytes(drawn.randrange(1, 64))
            case _:
                where = drawn.randrange(len(raw))
                raw[where] ^= 1 << drawn.randrange(8)
        if not raw:
            return b"\0"
    return bytes(raw)


def main(folder: Path, seed: int, films: int) -> None:
    """All of them, each in a folder that is removed."""
    init, fragments = split(fragmented_mp4(3))
    ended: Counter[str] = Counter()
    for number in range(films):
        drawn = random.Random(seed * 1_000_003 + number)
        pieces = [init, *fragments]
        for _ in range(drawn.choice((1, 1, 2))):
            chosen = drawn.choice((0, 0, 1, 2, 3))
            pieces[chosen] = mutate(pieces[chosen], drawn)
        camera = Camera(folder / str(number))
        segment = camera.write(pieces[0], pieces[1:], stated=(320, 180, True))
        try:
            out, sheet = camera.folder / "film.mp4", camera.folder / "film.png"
            export(camera.recording, [segment], Identities.load(camera.identity_file), out, contact_sheet=sheet)
            ended["exported"] += 1
        except BodycamError as error:
            ended[type(error).__name__ if "\n" not in str(error) else "several lines"] += 1
            ended["left behind"] += sum(path != segment for path in camera.folder.iterdir())
        shutil.rmtree(folder / str(number))
    # Not ru_maxrss of this process: it begins with what the process that started it had held.
    own = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps({"ended": ended, "own_mib": round(own / 1024), "child_mib": round(children / 1024)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
