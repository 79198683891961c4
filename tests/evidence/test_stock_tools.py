"""A court's expert has none of our code: tar, age, openssl, sha256sum, jq and ffmpeg open and verify real footage."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest

from bodycamd.evidence.entries import RecordingOpened, SegmentSealed
from bodycamd.evidence.keys import PublicKey, provision
from bodycamd.evidence.segment import GrowingSegment, recover
from bodycamd.footage import AGE_MAGIC, EncryptedInit
from tests.evidence.making import next_start
from tests.kit.fragments import sealed_piece
from tests.kit.scale import only_in_full


@dataclass(frozen=True)
class Evidence:
    """A store with one sealed segment of real footage, and what an evidence officer holds."""

    root: Path
    source: Path
    segment: Path
    identity: Path
    device_pem: Path
    footage_pem: Path
    """The key that signed the footage: the start entry names it."""
    fragments: int

    def shell(self, script: str, **variables: str | Path) -> str:
        """Run a script as a person would type it; it must succeed and say nothing on stderr."""
        environment = os.environ | {"S": str(self.segment), "KEY": str(self.identity), "ROOT": str(self.root), "PEM": str(self.footage_pem)}
        environment |= {"REGISTERED": str(self.device_pem)}
        environment |= {name: str(value) for name, value in variables.items()}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=environment, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), (script, done.returncode, done.stdout[-500:], done.stderr[-500:])
        return done.stdout


def boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        yield kind, content[at : at + size]
        at += size


def film(path: Path) -> tuple[bytes, list[bytes]]:
    """Four seconds of H.264 and AAC as fragmented MP4: the init segment and the fragments."""
    source = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", "4"]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "1"]
    movflags = ["-movflags", "frag_keyframe+empty_moov+default_base_moof+cmaf", "-f", "mp4"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *coding, *movflags, path], check=True, timeout=60)
    init, fragments = b"", [b""]
    for kind, box in boxes(path.read_bytes()):
        if kind in (b"ftyp", b"moov"):
            init += box
        elif kind != b"mfra":
            fragments[-1] += box
            if kind == b"mdat":
                fragments.append(b"")
    return init, fragments[:-1]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    root = tmp_path_factory.mktemp("evidence")
    identity = pyrage.x25519.Identity.generate()
    (root / "identity.txt").write_text(f"{identity}\n")
    (root / "device.pem").write_bytes(provision(root / "signing"))
    init, fragments = film(root / "source.mp4")
    recipient = identity.to_public()

    ledger = next_start(root)
    (root / "footage.pem").write_bytes(ledger.start.signer.public.pem())
    ledger.note(RecordingOpened(recording="000001-0001", keep_from_us=1_000_000, warning="played_to_device", pressed_us=500_000))
    segment = GrowingSegment(ledger.start, recording="000001-0001", segment=0, ledger_head=ledger.head)
    path = root / "000000.tar"
    with open(path, "wb") as file:
        sealed = EncryptedInit(1, pyrage.encrypt(init, [recipient]), (str(recipient),), "libx264", 320, 240, 25.0, True)
        file.writelines(segment.init(sealed))
        for seq, fragment in enumerate(fragments, 1):
            age = pyrage.encrypt(fragment, [recipient])
            pts_us = seq * 1_000_000
            file.writelines(segment.fragment(sealed_piece(1, seq, pts_us, 1_000_000, 25, "live", pts_us, 48_000, 0, age), gap_us=0))
        file.writelines(segment.end())
    ledger.note(
        SegmentSealed(
            recording="000001-0001",
            segment=0,
            file=path.name,
            last=segment.last_sha256,
            sha256=segment.file_sha256,
            size=segment.size,
            fragments=segment.fragments,
        )
    )
    ledger.close()
    return Evidence(root, root / "source.mp4", path, root / "identity.txt", root / "device.pem", root / "footage.pem", len(fragments))


PLAY = "tar -xf $S --wildcards '*.age' --to-command='age -d -i $KEY' > $OUT"
STREAM_HASH = "ffmpeg -v error -i $FILE -map 0 -c copy -f streamhash -hash sha256 -"


def test_tar_and_age_give_a_film_that_plays_and_is_the_source(evidence: Evidence, tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    evidence.shell(PLAY, OUT=out)
    probe = json.loads(evidence.shell("ffprobe -v error -show_streams -of json $FILE", FILE=out))
    assert [stream["codec_name"] for stream in probe["streams"]] == ["h264", "aac"]
    assert evidence.shell("ffmpeg -v error -i $FILE -enc_time_base 1:1000000 -f null -", FILE=out) == ""
    assert evidence.shell(STREAM_HASH, FILE=out) == evidence.shell(STREAM_HASH, FILE=evidence.source)


def test_tar_lists_the_members_without_a_word_of_warning(evidence: Evidence, tmp_path: Path) -> None:
    names = evidence.shell("tar -tf $S").split()
    assert names[:6] == ["000000.init.mp4.age", "000000.json", "000000.sig", "000001.m4s.age", "000001.json", "000001.sig"]
    assert len(names) == 3 * (evidence.fragments + 1)
    evidence.shell("tar -xf $S -C $OUT", OUT=tmp_path)
    assert len(list(tmp_path.iterdir())) == len(names)


def test_openssl_verifies_every_statement_and_refuses_a_changed_one(evidence: Evidence, tmp_path: Path) -> None:
    script = """
        cd $OUT; tar -xf $S
        for json in *.json; do
            openssl pkeyutl -verify -pubin -inkey $PEM -rawin -in $json -sigfile ${json%.json}.sig
        done
        sed -i 's/"n":/"n":1/' 000001.json
        ! openssl pkeyutl -verify -pubin -inkey $PEM -rawin -in 000001.json -sigfile 000001.sig 2>/dev/null
    """
    said = evidence.shell(script, OUT=tmp_path).split("\n")
    assert said[:-2] == ["Signature Verified Successfully"] * (evidence.fragments + 1)
    assert said[-2] == "Signature Verification Failure"


@only_in_full
def test_sha256sum_and_jq_agree_with_the_statements(evidence: Evidence, tmp_path: Path) -> None:
    script = """
        cd $OUT; tar -xf $S
        key=$(openssl pkey -pubin -in $PEM -outform DER | tail -c 32 | sha256sum | cut -d' ' -f1)
        for json in *.json; do
            age=$(ls ${json%.json}.*age)
            [ "$(jq -r .sha256 $json)" = "$(sha256sum $age | cut -d' ' -f1)" ]
            [ "$(jq -r .size $json)" = "$(stat -c %s $age)" ]
            [ "$(jq -r .key $json)" = $key ]
            [ -z "${before:-}" ] || [ "$(jq -r .prev $json)" = $before ]
            before=$(sha256sum $json | cut -d' ' -f1)
            [ "$(wc -l < $json)" = 1 ]
            [ "$(jq 'keys_unsorted == keys' $json)" = true ]
        done
        echo $before
    """
    last = evidence.shell(script, OUT=tmp_path).strip()
    sealed = evidence.shell("tail -1 $ROOT/ledger/000001.jsonl | cut -d' ' -f2- | jq -r '.type, .detail.last, .detail.sha256'").split()
    assert sealed == ["segment_sealed", last, evidence.shell("sha256sum $S").split()[0]]


def test_a_shell_verifies_the_ledger(evidence: Evidence, tmp_path: Path) -> None:
    script = r"""
        cd $OUT; prev=$(printf '0%.0s' $(seq 64)); cp $REGISTERED key.pem
        while IFS= read -r line; do
            printf %s "${line%% *}" | base64 -d > sig
            printf %s "${line#* }" > json
            openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in json -sigfile sig
            [ "$(jq -r .prev json)" = $prev ]
            prev=$(printf %s "$line" | sha256sum | cut -d' ' -f1)
            next=$(jq -r '.detail.ram_public_key // (select(.type == "key_changed") | .detail.public_key)' json)
            [ -z "$next" ] || {
                echo '-----BEGIN PUBLIC KEY-----'
                echo "MCowBQYDK2VwAyEA$(printf "$(sed 's/../\\x&/g' <<< $next)" | base64)"
                echo '-----END PUBLIC KEY-----'
            } > key.pem
        done < $ROOT/ledger/000001.jsonl
        cmp key.pem $PEM
    """
    assert evidence.shell(script, OUT=tmp_path) == "Signature Verified Successfully\n" * 3
    prev = evidence.shell("tar -xOf $S 000000.json | jq -r .prev").strip()
    assert prev == evidence.shell("sed -n 2p $ROOT/ledger/000001.jsonl | tr -d '\\n' | sha256sum").split()[0]


def test_a_cut_segment_plays_up_to_its_last_whole_fragment(evidence: Evidence, tmp_path: Path) -> None:
    key = PublicKey.from_pem(evidence.footage_pem.read_bytes())
    cut = tmp_path / "000000.cut.tar"
    content = evidence.segment.read_bytes()
    cut.write_bytes(content[: len(content) * 2 // 3])
    found = recover(cut, {key.id: key})
    assert 0 < found.fragments < evidence.fragments
    assert found.torn_bytes > 0
    head = "head -c $GOOD $CUT | "
    assert evidence.shell(head + "sha256sum", GOOD=str(found.good_bytes), CUT=cut).split()[0] == found.sha256
    out = tmp_path / "film.mp4"
    play = head + "tar -xf - --wildcards '*.age' --to-command='age -d -i $KEY' > $OUT"
    evidence.shell(play, GOOD=str(found.good_bytes), CUT=cut, OUT=out)
    assert evidence.shell("ffmpeg -v error -i $FILE -enc_time_base 1:1000000 -f null -", FILE=out) == ""
    count_frames = "ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_read_frames -of csv=p=0 $FILE"
    assert int(evidence.shell(count_frames, FILE=out)) == 25 * found.fragments


def test_no_plaintext_stands_outside_the_age_files(evidence: Evidence) -> None:
    with tarfile.open(evidence.segment) as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            content = file.read()
            assert content.startswith(AGE_MAGIC) == member.name.endswith(".age")
            if not member.name.endswith(".age"):
                assert not any(box in content for box in (b"ftyp", b"moov", b"moof", b"mdat"))


def test_evidence_brings_no_heavy_module_into_the_recorder() -> None:
    code = """
import sys
import tarfile
import bodycamd.evidence.ledger, bodycamd.evidence.ledger_chain, bodycamd.evidence.segment
print(sorted({"av", "pyrage", "numpy", "typer", "rich", "picamera2", "yaml"} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
