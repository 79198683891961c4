"""Real H.264 and AAC, real age files, the real writer; then the stock commands of the format, with none of our code."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pyrage
from msgspec.structs import replace

from tests.camera.recorder.rig import Rig
from tests.evidence.test_stock_tools import film
from tests.kit.fragments import SECOND, fragment, init
from tests.kit.scale import only_in_full
from tests.kit.stock_tools import DECODED


@only_in_full
def test_tar_and_age_give_the_film_of_sealed_and_cut_segments(tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "identity.txt").write_text(f"{identity}\n")
    init_segment, fragments = film(tmp_path / "source.mp4")
    recipient = identity.to_public()

    rig = Rig(tmp_path / "root", segment_seconds=2)
    rig.ring.put_init(replace(init(), age=pyrage.encrypt(init_segment, [recipient]), recipients=(str(recipient),)))
    recording = rig.begin()
    for seq, plain in enumerate(fragments, 1):
        rig.ring.put(replace(fragment(seq), age=pyrage.encrypt(plain, [recipient])))
    rig.wait(lambda: len(rig.events) >= len(fragments))
    rig.end((len(fragments) + 1) * SECOND)
    rig.wait_sealed()
    assert rig.writer.stop(10)
    rig.store.close()

    folder = rig.store.recordings_folder / recording
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["000000.tar", "000001.tar"]
    for number, name in enumerate(names):
        command = f"tar -xf {name} --wildcards '*.age' --to-command='age -d -i {tmp_path}/identity.txt' > {tmp_path}/S{number}.mp4"
        done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        expected = init_segment + b"".join(fragments[number * 2 : number * 2 + 2])
        assert (tmp_path / f"S{number}.mp4").read_bytes() == expected
        decode = ["ffmpeg", "-v", "error", "-i", f"{tmp_path}/S{number}.mp4", *DECODED]
        decoded = subprocess.run(decode, capture_output=True, text=True)
        assert (decoded.returncode, decoded.stdout, decoded.stderr) == (0, "", "")
