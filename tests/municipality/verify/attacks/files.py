"""Deleting, moving, repeating, cutting, extending and flipping what lies in the folders of recordings. No key is needed."""

from __future__ import annotations

import gzip
import json
import os
import shutil

from bodycamd.evidence import ustar
from bodycamd.evidence.ustar import END
from tests.municipality.verify.attacks.attack import STORE, attack
from tests.municipality.verify.attacks.scene import CUT, DELETED, GAP, INTACT, NEWEST_SEALED, OPEN, SECOND_INTACT, Scene, compact, sha256

FILES, INSIDE = "Files", "Inside a segment"


@attack(FILES, "delete a sealed segment", where=INTACT)
def _(scene: Scene) -> None:
    scene.segment(INTACT, 0).unlink()


@attack(FILES, "delete the last segment of a recording", where=INTACT)
def _(scene: Scene) -> None:
    scene.segment(INTACT, 1).unlink()


@attack(FILES, "delete a whole recording, unstated", where=SECOND_INTACT)
def _(scene: Scene) -> None:
    shutil.rmtree(scene.folder(SECOND_INTACT))


@attack(FILES, "delete a recovered segment", where=CUT)
def _(scene: Scene) -> None:
    scene.segment(CUT).unlink()


@attack(FILES, "delete the newest sealed recording, unstated", where=NEWEST_SEALED)
def _(scene: Scene) -> None:
    shutil.rmtree(scene.folder(NEWEST_SEALED))


@attack(FILES, "delete all recordings", where=STORE)
def _(scene: Scene) -> None:
    shutil.rmtree(scene.store / "recordings")


@attack(FILES, "put other files in the place of those that were deleted as stated", where=DELETED)
def _(scene: Scene) -> None:
    shutil.copytree(scene.folder(SECOND_INTACT), scene.folder(DELETED))


@attack(FILES, "give a segment another number", where=INTACT)
def _(scene: Scene) -> None:
    scene.segment(INTACT, 1).rename(scene.folder(INTACT) / "000005.tar")


@attack(FILES, "swap two segments", where=INTACT)
def _(scene: Scene) -> None:
    first, second = scene.segment(INTACT, 0), scene.segment(INTACT, 1)
    aside = first.with_name("aside")
    first.rename(aside)
    second.rename(first)
    aside.rename(second)


@attack(FILES, "repeat a segment under the next number", where=INTACT)
def _(scene: Scene) -> None:
    shutil.copy(scene.segment(INTACT, 1), scene.folder(INTACT) / "000002.tar")


@attack(FILES, "replay a segment of another recording in place of one", where=INTACT)
def _(scene: Scene) -> None:
    shutil.copy(scene.segment(SECOND_INTACT), scene.segment(INTACT, 0))


@attack(FILES, "replay a recording as a new one of its own start", where="000001-0009")
def _(scene: Scene) -> None:
    shutil.copytree(scene.folder(INTACT), scene.folder("000001-0009"))


@attack(FILES, "replay a recording of an earlier start in the newest", where="000003-0009")
def _(scene: Scene) -> None:
    shutil.copytree(scene.folder(INTACT), scene.folder("000003-0009"))


@attack(FILES, "replay a segment of an earlier start in the recording that is open", where=OPEN)
def _(scene: Scene) -> None:
    shutil.copy(scene.segment(INTACT, 0), scene.folder(OPEN) / "000001.tar")


@attack(FILES, "replay a segment of an earlier start as one that is being written", where=OPEN)
def _(scene: Scene) -> None:
    shutil.copy(scene.segment(INTACT, 0), scene.folder(OPEN) / "000001.tar.part")


@attack(FILES, "put an empty file in place of a segment", where=INTACT)
def _(scene: Scene) -> None:
    scene.segment(INTACT, 0).write_bytes(b"")


@attack(FILES, "put a symbolic link in place of a segment", where=INTACT)
def _(scene: Scene) -> None:
    path = scene.segment(INTACT, 0)
    path.rename(scene.root / "elsewhere.tar")
    path.symlink_to(scene.root / "elsewhere.tar")


@attack(FILES, "put a named pipe in place of a segment", where=INTACT)
def _(scene: Scene) -> None:
    path = scene.segment(INTACT, 0)
    path.unlink()
    os.mkfifo(path)


@attack(FILES, "put a symbolic link in place of a recording", where=INTACT)
def _(scene: Scene) -> None:
    scene.folder(INTACT).rename(scene.root / "elsewhere")
    scene.folder(INTACT).symlink_to(scene.root / "elsewhere")


@attack(FILES, "rename a recovered segment to look sealed", where=CUT)
def _(scene: Scene) -> None:
    scene.segment(CUT).rename(scene.folder(CUT) / "000000.tar")


@attack(FILES, "rename a sealed segment to look open", where=NEWEST_SEALED)
def _(scene: Scene) -> None:
    scene.segment(NEWEST_SEALED).rename(scene.folder(NEWEST_SEALED) / "000000.tar.part")


@attack(FILES, "make an empty recording", where="000002-0007")
def _(scene: Scene) -> None:
    scene.folder("000002-0007").mkdir()


@attack(FILES, "leave a stray file in a recording", where=STORE, verdict="unverifiable")
def _(scene: Scene) -> None:
    (scene.folder(INTACT) / "notes.txt").write_text("x")


@attack(FILES, "leave a stray folder among the recordings", where=STORE, verdict="unverifiable")
def _(scene: Scene) -> None:
    (scene.store / "recordings" / "000001-00011").mkdir()


@attack(FILES, "leave a stray file in the store", where=STORE, verdict="unverifiable")
def _(scene: Scene) -> None:
    (scene.store / "report.html").write_text("all is well")


@attack(FILES, "hide data in the lock file", where=STORE, verdict="unverifiable")
def _(scene: Scene) -> None:
    (scene.store / ".lock").write_bytes(b"data")


# --- bytes ------------------------------------------------------------------------------------------------------------------------------


@attack(INSIDE, "flip a bit of the footage", where=INTACT)
def _(scene: Scene) -> None:
    scene.flip(scene.segment(INTACT, 0), 4096 + 600)


@attack(INSIDE, "flip a bit of a statement", where=INTACT)
def _(scene: Scene) -> None:
    path = scene.segment(INTACT, 0)
    scene.flip(path, path.read_bytes().index(b'"pts_us":') + 9)


@attack(INSIDE, "flip a bit of a signature", where=INTACT)
def _(scene: Scene) -> None:
    path = scene.segment(INTACT, 0)
    scene.flip(path, path.read_bytes().index(b"000001.sig") + 512)


@attack(INSIDE, "flip a bit of the padding", where=INTACT)
def _(scene: Scene) -> None:
    path = scene.segment(INTACT, 0)
    scene.flip(path, path.read_bytes().index(b"000001.sig") + 512 + 64)


@attack(INSIDE, "change a header's time, checksum put right", where=INTACT)
def _(scene: Scene) -> None:
    path = scene.segment(INTACT, 0)
    content = bytearray(path.read_bytes())
    content[136:147] = b"%011o" % 1_700_000_000
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    path.write_bytes(content)


@attack(INSIDE, "flip a bit of the footage of the open segment", where=OPEN)
def _(scene: Scene) -> None:
    scene.flip(scene.segment(OPEN), 4096 + 600)


@attack(INSIDE, "flip a bit of a recovered segment's good part", where=CUT)
def _(scene: Scene) -> None:
    scene.flip(scene.segment(CUT), 4096 + 600)


@attack(INSIDE, "flip a bit of a recovered segment's torn part", where=CUT)
def _(scene: Scene) -> None:
    path = scene.segment(CUT)
    scene.flip(path, path.stat().st_size - 100)


@attack(INSIDE, "extend a recovered segment's torn part", where=CUT)
def _(scene: Scene) -> None:
    path = scene.segment(CUT)
    path.write_bytes(path.read_bytes() + b"more")


@attack(INSIDE, "cut a recovered segment's torn part off", where=CUT)
def _(scene: Scene) -> None:
    path = scene.segment(CUT)
    path.write_bytes(path.read_bytes()[:-1000])


@attack(INSIDE, "cut the end-of-archive mark off", where=INTACT)
def _(scene: Scene) -> None:
    path = scene.segment(INTACT, 0)
    path.write_bytes(path.read_bytes()[:-1024])


@attack(INSIDE, "cut a segment in the middle", where=NEWEST_SEALED)
def _(scene: Scene) -> None:
    path = scene.segment(NEWEST_SEALED)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@attack(INSIDE, "extend a segment with zero blocks", where=INTACT)
def _(scene: Scene) -> None:
    path = scene.segment(INTACT, 0)
    path.write_bytes(path.read_bytes() + bytes(1024))


@attack(INSIDE, "hide bytes after the end of the archive", where=INTACT)
def _(scene: Scene) -> None:
    path = scene.segment(INTACT, 0)
    path.write_bytes(path.read_bytes() + b"hidden".ljust(512, b"\0"))


@attack(INSIDE, "hide bytes between the two end blocks", where=INTACT)
def _(scene: Scene) -> None:
    path = scene.segment(INTACT, 0)
    path.write_bytes(path.read_bytes()[:-512] + b"hidden".ljust(512, b"\0"))


@attack(INSIDE, "append a second archive", where=INTACT)
def _(scene: Scene) -> None:
    path = scene.segment(INTACT, 0)
    path.write_bytes(path.read_bytes() * 2)


@attack(INSIDE, "append a second archive to the open segment", where=OPEN)
def _(scene: Scene) -> None:
    path = scene.segment(OPEN)
    path.write_bytes(path.read_bytes() + END + scene.segment(INTACT, 0).read_bytes())


@attack(INSIDE, "remove a fragment from the middle", where=INTACT)
def _(scene: Scene) -> None:
    scene.change_triples(scene.segment(INTACT, 0), lambda triples: triples.pop(2))


@attack(INSIDE, "remove the last fragment", where=INTACT)
def _(scene: Scene) -> None:
    scene.change_triples(scene.segment(INTACT, 0), lambda triples: triples.pop())


@attack(INSIDE, "remove a fragment from the middle of the open segment", where=OPEN)
def _(scene: Scene) -> None:
    scene.change_triples(scene.segment(OPEN), lambda triples: triples.pop(2))


@attack(INSIDE, "repeat a fragment", where=INTACT)
def _(scene: Scene) -> None:
    scene.change_triples(scene.segment(INTACT, 0), lambda triples: triples.insert(2, triples[1]))


@attack(INSIDE, "swap two fragments", where=GAP)
def _(scene: Scene) -> None:
    scene.change_triples(scene.segment(GAP), lambda triples: triples.insert(1, triples.pop(2)))


@attack(INSIDE, "replay a fragment of another recording", where=INTACT)
def _(scene: Scene) -> None:
    foreign = scene.triples(scene.segment(SECOND_INTACT))[1]
    scene.change_triples(scene.segment(INTACT, 0), lambda triples: triples.__setitem__(1, foreign))


@attack(INSIDE, "replay a fragment of an earlier recording at the end of the open segment", where=OPEN)
def _(scene: Scene) -> None:
    foreign = scene.triples(scene.segment(NEWEST_SEALED))[1]
    scene.change_triples(scene.segment(OPEN), lambda triples: triples.append(foreign))


@attack(INSIDE, "replace the footage and its hash in the statement", where=INTACT)
def _(scene: Scene) -> None:
    def change(triples: list[tuple[bytes, bytes, bytes]]) -> None:
        age, text, signature = triples[1]
        age = age[:-8] + b"replaced"
        triples[1] = age, compact({**json.loads(text), "sha256": sha256(age)}) + b"\n", signature

    scene.change_triples(scene.segment(INTACT, 0), change)


@attack(INSIDE, "edit the clock of a statement", where=INTACT)
def _(scene: Scene) -> None:
    path = scene.segment(INTACT, 0)
    path.write_bytes(path.read_bytes().replace(b'"wall":"2025-05-06T', b'"wall":"2025-05-05T', 1))


@attack(INSIDE, "edit away a stated gap", where=GAP)
def _(scene: Scene) -> None:
    path = scene.segment(GAP)
    path.write_bytes(path.read_bytes().replace(b'"gap_us":200000', b'"gap_us":000000', 1))


@attack(INSIDE, "replace the init segment by that of another segment", where=INTACT)
def _(scene: Scene) -> None:
    foreign = scene.triples(scene.segment(INTACT, 1))[0]
    scene.change_triples(scene.segment(INTACT, 0), lambda triples: triples.__setitem__(0, foreign))


# --- hostile archives -------------------------------------------------------------------------------------------------------------------

HOSTILE = "Hostile archives"


def _header(name: bytes, size: bytes, kind: bytes = b"0", link: bytes = b"") -> bytes:
    block = bytearray(ustar.pack(ustar.Header(1, "json", 100)))
    block[0:100] = name.ljust(100, b"\0")
    block[124:136] = size.ljust(12, b"\0")
    block[156:157] = kind
    block[157:257] = link.ljust(100, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _insert(scene: Scene, member: bytes, recording: str = INTACT) -> None:
    path = scene.segment(recording)
    content = path.read_bytes()
    at = content.index(b"000002.m4s.age")
    path.write_bytes(content[:at] + member + content[at:])


@attack(HOSTILE, "two members of one name", where=INTACT)
def _(scene: Scene) -> None:
    content = scene.segment(INTACT, 0).read_bytes()
    at = content.index(b"000001.json")
    _insert(scene, content[at : at + 1536])


HOSTILE_MEMBERS = {
    "a name with ../": _header(b"../../../../tmp/escaped", b"00000000000"),
    "an absolute name": _header(b"/tmp/escaped", b"00000000000"),
    "a symbolic link": _header(b"000009.json", b"00000000000", b"2", b"/etc/passwd"),
    "a hard link": _header(b"000009.json", b"00000000000", b"1", b"000001.json"),
    "a directory": _header(b"000009.json", b"00000000000", b"5"),
    "a device": _header(b"000009.json", b"00000000000", b"3"),
    "a huge size": _header(b"000002.m4s.age", b"77777777777"),
    "a negative size in base 256": _header(b"000002.m4s.age", b"\xff" * 12),
    "a size of eight exabytes in base 256": _header(b"000002.m4s.age", b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7),
    "a sparse file (GNU)": _header(b"000002.m4s.age", b"00000001000", b"S"),
    "a pax header that renames": _header(b"pax", b"00000000033", b"x") + b"27 path=../../../tmp/escaped\n".ljust(512, b"\0"),
    "a global pax header": _header(b"pax", b"00000000033", b"g") + b"27 path=../../../tmp/escaped\n".ljust(512, b"\0"),
    "a long name (GNU)": _header(b"././@LongLink", b"00000000200", b"L") + b"../../../tmp/escaped".ljust(512, b"\0"),
    "a multi-volume continuation (GNU)": _header(b"000002.m4s.age", b"00000001000", b"M"),
}
for _title, _member in HOSTILE_MEMBERS.items():

    @attack(HOSTILE, f"insert {_title}", where=INTACT)
    def _(scene: Scene, member: bytes = _member) -> None:
        _insert(scene, member)

    if _title in ("a symbolic link", "a huge size", "a sparse file (GNU)", "a pax header that renames"):

        @attack(HOSTILE, f"insert {_title} into the open segment", where=OPEN)
        def _(scene: Scene, member: bytes = _member) -> None:
            _insert(scene, member, OPEN)


@attack(HOSTILE, "compress a segment", where=INTACT)
def _(scene: Scene) -> None:
    path = scene.segment(INTACT, 0)
    path.write_bytes(gzip.compress(path.read_bytes()))


@attack(HOSTILE, "a sparse file of a terabyte in place of a segment", where=INTACT)
def _(scene: Scene) -> None:
    os.truncate(scene.segment(INTACT, 0), 2**40)


@attack(HOSTILE, "a sparse file of a terabyte in place of the open segment", where=OPEN)
def _(scene: Scene) -> None:
    os.truncate(scene.segment(OPEN), 2**40)
