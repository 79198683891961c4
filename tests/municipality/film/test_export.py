"""Export: the film is the evidence, packet for packet; interruptions and damage leave no film; others' identities open nothing."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyrage
import pytest

from bodycamd.errors import DataError, NotFoundError, OutputError, PermissionDeniedError
from bodycamd.evidence.keys import SigningKey
from bodycamd.municipality.film.decryption import Stated
from bodycamd.municipality.film.film import Export, export
from bodycamd.municipality.film.identities import Identities
from bodycamd.municipality.verify.statement_keys import StatementKeys
from tests.kit.films import BOOT_SECONDS, Camera, fragmented_mp4, split
from tests.kit.scale import count, one_in, only_in_full
from tests.kit.stock_tools import DECODED


@pytest.fixture(scope="module")
def footage() -> tuple[bytes, list[bytes]]:
    return split(fragmented_mp4(6))


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    return Camera(tmp_path)


def run_export(camera: Camera, segments: Sequence[Path], *, overwrite: bool = False) -> Export:
    return export(camera.recording, segments, Identities.load(camera.identity_file), camera.folder / "film.mp4", overwrite=overwrite)


def stream_hashes(film: Path) -> str:
    command = ["ffmpeg", "-v", "error", "-i", str(film), "-map", "0", "-c", "copy", "-f", "streamhash", "-hash", "sha256", "-"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout


def probe(film: Path) -> tuple[dict[str, dict[str, Any]], float]:
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(film)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    return {stream["codec_type"]: stream for stream in found["streams"]}, float(found["format"]["duration"])


def assert_decodes(film: Path) -> None:
    done = subprocess.run(["ffmpeg", "-v", "warning", "-i", str(film), *DECODED], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def films(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if ".tar" not in path.name)


@only_in_full
def test_the_film_has_the_packets_that_the_stock_command_gives(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    segment = camera.write(*footage)
    done = run_export(camera, [segment])
    stock = camera.folder / "stock.mp4"
    command = f"tar -xf {segment} --wildcards '*.age' --to-command='age -d -i {camera.identity_file}' > {stock}"
    subprocess.run(["sh", "-c", command], check=True, timeout=60)
    film = camera.folder / "film.mp4"
    assert stream_hashes(film) == stream_hashes(stock)
    assert_decodes(film)
    streams, seconds = probe(film)
    assert set(streams) == {"video", "audio"}
    assert (streams["video"]["codec_name"], streams["audio"]["codec_name"]) == ("h264", "aac")
    assert abs(seconds - 6.0) < 0.3
    assert [part.frames for part in done.parts] == [180]
    assert abs(done.parts[0].begins_us / 1e6 - BOOT_SECONDS) < 0.05
    content = film.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert done.parts[0].size_bytes == len(content)


@only_in_full
def test_segments_of_one_generation_are_one_film(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    init, fragments = footage
    segments = [camera.write(init, fragments[:2]), camera.write(init, fragments[2:5]), camera.write(init, fragments[5:])]
    done = run_export(camera, segments)
    assert [(part.frames, round(part.duration_seconds, 2)) for part in done.parts] == [(180, 6.0)]
    plain = camera.folder / "plain.mp4"
    plain.write_bytes(init + b"".join(fragments))
    assert stream_hashes(camera.folder / "film.mp4") == stream_hashes(plain)
    assert_decodes(camera.folder / "film.mp4")


@only_in_full
def test_a_film_counts_in_the_time_bases_of_the_sealed_tracks(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    """Also where the segment that a part began in was closed long ago."""
    init, fragments = footage
    segments = [camera.write(init, [fragment]) for fragment in fragments]
    (plain := camera.folder / "plain.mp4").write_bytes(init + fragments[0])
    sealed, _ = probe(plain)
    for segment_count in (6, 3, 1):
        [part] = run_export(camera, segments[:segment_count], overwrite=True).parts
        assert part.time_bases == {kind: sealed[kind]["time_base"] for kind in ("video", "audio")}


@only_in_full
def test_sound_that_begins_in_a_later_segment(camera: Camera) -> None:
    """The part is begun when its first segment is closed; the film is the same as from one segment."""
    init, fragments = split(fragmented_mp4(6, sound_after_seconds=2.5))
    segments = [camera.write(init, [fragment]) for fragment in fragments]
    whole = Camera(camera.folder.parent / "whole")
    assert run_export(whole, [whole.write(init, fragments)]).bound == run_export(camera, segments).bound
    assert stream_hashes(whole.folder / "film.mp4") == stream_hashes(camera.folder / "film.mp4")
    assert_decodes(camera.folder / "film.mp4")


def test_a_new_generation_with_the_same_parameters_and_no_gap_goes_on(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    init, fragments = footage
    done = run_export(camera, [camera.write(init, fragments[:3]), camera.write(init, fragments[3:], generation=2)])
    assert len(done.parts) == 1


@only_in_full
def test_a_gap_of_more_than_a_second_begins_a_new_part(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    init, fragments = footage
    done = run_export(camera, [camera.write(init, fragments[:2]), camera.write(init, fragments[4:])])
    assert [Path(part.path).name for part in done.parts] == ["film.mp4", "film-2.mp4"]
    assert [part.frames for part in done.parts] == [60, 60]
    assert done.parts[1].begins_us - done.parts[0].begins_us == pytest.approx(4_000_000, abs=50_000)
    for part in done.parts:
        assert_decodes(Path(part.path))
        streams, seconds = probe(Path(part.path))
        assert seconds == pytest.approx(2.0, abs=0.1)
        assert min(float(stream["start_time"]) for stream in streams.values()) == 0


def test_a_gap_inside_a_segment_begins_a_new_part_and_a_short_one_does_not(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    init, fragments = footage
    done = run_export(camera, [camera.write(init, [fragments[0], *fragments[3:]])])
    assert [part.frames for part in done.parts] == [30, 90]
    done = run_export(camera, [camera.write(init, [fragments[0], *fragments[2:]])], overwrite=True)
    assert [part.frames for part in done.parts] == [150]


@only_in_full
def test_other_codec_parameters_begin_a_new_part(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    other = split(fragmented_mp4(2, begins=BOOT_SECONDS + 6, size="640x360"))
    done = run_export(camera, [camera.write(*footage), camera.write(*other, generation=2)])
    assert [part.frames for part in done.parts] == [180, 60]
    assert [probe(Path(part.path))[0]["video"]["width"] for part in done.parts] == [320, 640]


def test_a_recording_without_sound(camera: Camera) -> None:
    done = run_export(camera, [camera.write(*split(fragmented_mp4(2, audio=False)))])
    assert set(probe(Path(done.parts[0].path))[0]) == {"video"}


@one_in(4)
@pytest.mark.parametrize("suffix", [".tar.part", ".cut.tar"])
@pytest.mark.parametrize("torn", [0, 700, *(pytest.param(torn, marks=only_in_full) for torn in (1, 40_000))])
def test_of_a_cut_segment_the_whole_fragments_are_exported(
    camera: Camera, footage: tuple[bytes, list[bytes]], suffix: str, torn: int
) -> None:
    path = camera.write(*footage, suffix=suffix, torn=torn)
    done = run_export(camera, [path])
    whole = 6 if torn == 0 else 5
    assert [part.frames for part in done.parts] == [30 * whole]
    assert [(u.file, u.fragments, u.torn_bytes > 0) for u in done.unsealed] == [(path.name, whole, torn > 0)]
    assert_decodes(Path(done.parts[0].path))


def test_a_segment_cut_before_its_first_fragment_is_told_and_passed_over(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    init, fragments = footage
    segments = [camera.write(init, fragments[:3]), camera.write(init, [], suffix=".cut.tar")]
    segments.append(camera.write(init, [], suffix=".cut.tar", torn=1500))
    done = run_export(camera, segments)
    assert [part.frames for part in done.parts] == [90]
    assert [u.fragments for u in done.unsealed] == [0, 0]


@only_in_full
def test_a_fragment_that_stands_twice_is_in_the_film_once(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    """After a failed write what was not acknowledged is written again into the next segment, with the same `seq`."""
    init, fragments = footage
    first = camera.write(init, fragments[:4], suffix=".cut.tar")
    camera.seq -= 2
    done = run_export(camera, [first, camera.write(init, fragments[2:])])
    assert [part.frames for part in done.parts] == [180]
    plain = camera.folder / "plain.mp4"
    plain.write_bytes(init + b"".join(fragments))
    assert stream_hashes(camera.folder / "film.mp4") == stream_hashes(plain)
    assert_decodes(camera.folder / "film.mp4")


def test_nothing_to_export(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    with pytest.raises(NotFoundError, match="no footage"):
        run_export(camera, [])
    with pytest.raises(NotFoundError, match="no footage"):
        run_export(camera, [camera.write(footage[0], [])])
    assert films(camera.folder) == []


def test_another_identity_opens_nothing(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    camera.identity_file.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    with pytest.raises(PermissionDeniedError, match="not sealed to the identity"):
        run_export(camera, [camera.write(*footage)])
    assert films(camera.folder) == []


def test_one_identity_of_several_will_do(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    camera.identity_file.write_text(f"{pyrage.x25519.Identity.generate()}\n\n# mine\n{camera.identity}\n")
    assert run_export(camera, [camera.write(*footage)]).parts[0].frames == 180


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))


@pytest.fixture(scope="module")
def two_segments(tmp_path_factory: pytest.TempPathFactory, footage: tuple[bytes, list[bytes]]) -> tuple[Camera, list[Path]]:
    camera = Camera(tmp_path_factory.mktemp("two"))
    init, fragments = footage
    return camera, [camera.write(init, fragments[:3]), camera.write(init, fragments[3:])]


def random_places(segments: Sequence[Path]) -> list[tuple[int, int]]:
    """In each segment: its first and last bytes, and some anywhere; most bytes are age files, so a third are in the blocks between."""
    drawn = random.Random(7)
    places = [(n, at) for n, path in enumerate(segments) for at in (0, 513, path.stat().st_size - 1, path.stat().st_size - 1024)]
    for _ in range(60):
        number = drawn.randrange(len(segments))
        size = segments[number].stat().st_size
        headers = [at for at in range(0, size, 512) if segments[number].read_bytes()[at + 257 : at + 262] == b"ustar"]
        places.append((number, drawn.choice(headers) + drawn.randrange(512) if drawn.random() < 0.33 else drawn.randrange(size)))
    return places


@only_in_full
def test_one_damaged_byte_costs_one_fragment_and_is_told(two_segments: tuple[Camera, list[Path]], tmp_path: Path) -> None:
    """Wherever it is, also in a header, a statement or an init segment; the films around it play."""
    camera, segments = two_segments
    keys = StatementKeys({camera.public_key.id: camera.public_key}, complete=True)
    places = random_places(segments)
    random.Random(8).shuffle(places)
    for number, (segment, at) in enumerate(places[: count(60)]):
        before = segments[segment].read_bytes()
        flip(segments[segment], at)
        film = tmp_path / f"{number}.mp4"
        try:
            done = export(camera.recording, segments, Identities.load(camera.identity_file), film, keys=keys)
        finally:
            segments[segment].write_bytes(before)
        assert done.damage, f"byte {at} of segment {segment}: not a word"
        assert {damage.file for damage in done.damage} == {segments[segment].name}
        lost = sum(not member.endswith("init.mp4.age") for damage in done.damage for member in damage.members)
        assert lost <= 1
        assert sum(part.frames for part in done.parts) == 180 - 30 * lost
        for part in done.parts if number % 8 == 0 else []:
            assert_decodes(Path(part.path))


def test_a_statement_that_another_key_signed_is_left_out(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    init, fragments = footage
    segments = [camera.write(init, fragments[:3]), camera.write(init, fragments[3:])]
    other = SigningKey.generate().public
    for keys in (StatementKeys({other.id: other}, complete=True), StatementKeys({camera.public_key.id: other}, complete=False)):
        with pytest.raises(NotFoundError, match="no footage in it that is not damaged"):
            export(camera.recording, segments, Identities.load(camera.identity_file), camera.folder / "film.mp4", keys=keys)
    assert films(camera.folder) == []


def test_what_the_ledger_states_is_compared(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    """A fragment was cut out of the archive, and the end mark set behind it: all that is there is sound, and less than was stated."""
    segment = camera.write(*footage)
    whole = hashlib.sha256(segment.read_bytes()).hexdigest()
    stated = {segment.name: Stated(whole, 6)}
    out = camera.folder / "film.mp4"
    assert export(camera.recording, [segment], Identities.load(camera.identity_file), out, stated=stated).damage == []
    content = segment.read_bytes()
    last = content.rindex(b"000006.m4s.age")
    segment.write_bytes(content[:last] + bytes(1024))
    done = export(camera.recording, [segment], Identities.load(camera.identity_file), out, stated=stated, overwrite=True)
    assert ["6 fragments; 5 are there" in damage.what for damage in done.damage] == [True]


@only_in_full
def test_a_sealed_segment_that_ends_early_is_damage(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    for torn, frames in ((1024, 180), (1, 180), (3000, 150)):
        segment = camera.write(*footage, torn=torn)
        camera.seq = 0
        done = run_export(camera, [segment], overwrite=True)
        assert len(done.damage) == 1
        assert "ends early" in done.damage[0].what or "end of the archive" in done.damage[0].what
        assert [part.frames for part in done.parts] == [frames]


def test_footage_that_is_no_film_is_damage(camera: Camera) -> None:
    with pytest.raises(DataError):
        run_export(camera, [camera.write(b"this is no MP4" * 100, [b"nor is this" * 1000])])
    assert films(camera.folder) == []


def test_a_film_that_exists_is_kept(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    film = camera.folder / "film.mp4"
    film.write_bytes(b"mine")
    segment = camera.write(*footage)
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="exists already"):
            run_export(camera, [segment], overwrite=overwrite)
    assert film.read_bytes() == b"mine"
    film.write_bytes(older := b"\0\0\0\x10ftypisom\0\0\2\0")
    with pytest.raises(OutputError, match="exists already"):
        run_export(camera, [segment])
    assert film.read_bytes() == older
    run_export(camera, [segment], overwrite=True)
    assert film.read_bytes() != older


def test_a_second_part_that_exists_is_kept_too(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    (camera.folder / "film-2.mp4").write_bytes(b"mine")
    init, fragments = footage
    with pytest.raises(OutputError, match=r"film-2\.mp4: exists already"):
        run_export(camera, [camera.write(init, [fragments[0], fragments[4]])])
    assert films(camera.folder) == ["film-2.mp4"]


def test_a_folder_that_is_not_there(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    with pytest.raises(OutputError, match="no such folder"):
        export("r", [camera.write(*footage)], Identities.load(camera.identity_file), camera.folder / "no" / "film.mp4")


def test_a_full_disk_leaves_nothing(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    """A limit of the file's size stands for the full disk."""
    segment = camera.write(*footage)
    program = (
        "import resource, signal, sys; from pathlib import Path; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from bodycamd.municipality.film.film import export; from bodycamd.municipality.film.identities import Identities;"
        "from bodycamd.errors import OutputError\n"
        "try: export('r', [Path(sys.argv[1])], Identities.load(Path(sys.argv[2])), Path(sys.argv[3]))\n"
        "except OutputError as error: sys.exit(error.exit_code)"
    )
    film = camera.folder / "film.mp4"
    run = subprocess.run([sys.executable, "-c", program, segment, camera.identity_file, film], timeout=60, capture_output=True, text=True)
    assert run.returncode == 73, run.stderr
    assert films(camera.folder) == []


@only_in_full
def test_memory_does_not_grow_with_the_recording(camera: Camera, footage: tuple[bytes, list[bytes]]) -> None:
    """Ten times the segments, held once as decrypted bytes, would show; only the packets' index may grow."""
    init, fragments = footage
    padded = [fragment + (8 + 2_000_000).to_bytes(4, "big") + b"free" + bytes(2_000_000) for fragment in fragments]
    segments = [camera.write(init, padded) for _ in range(6)]
    program = (
        "import resource, sys; from pathlib import Path; from bodycamd.municipality.film.segment_scan import SegmentScan, Whole;"
        "from bodycamd.municipality.verify.statement_keys import StatementKeys;"
        "from bodycamd.municipality.film.identities import Identities; identities = Identities.load(Path(sys.argv[1]))\n"
        "for path in sys.argv[2:]:\n"
        "    with SegmentScan(Path(path), StatementKeys.unknown()) as segment:\n"
        "        for piece in segment: assert isinstance(piece, Whole) and identities.open(piece.age, piece.where)\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    run = subprocess.run([sys.executable, "-c", program, camera.identity_file, *segments], check=True, capture_output=True, timeout=60)
    peaks = [int(line) for line in run.stdout.split()]
    assert peaks[-1] - peaks[0] < 6_000, f"{peaks} kB for segments of {os.path.getsize(segments[0])} bytes"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no identity in it"),
        (b"# only a comment\n", "no identity in it"),
        (b"hello\n", "line 1"),
        (b"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj\n", "public key"),
        (b"AGE-SECRET-KEY-1QQQ\n", "line 1"),
        (b"\xff\xfe", "not an identity file"),
        (b"x" * 100_000, "not an identity file"),
        (b"age-encryption.org/v1\n-> scrypt", "itself encrypted, and nobody"),
    ],
)
def test_what_is_no_identity_file(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "identity.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        Identities.load(path)
    assert "QQQ" not in str(caught.value)


def test_no_identity_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        Identities.load(tmp_path / "none.txt")
