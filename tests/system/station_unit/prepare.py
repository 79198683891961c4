"""Made on the computer that tests: the keys, the roster and the certificate of a station, and a camera's store."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace

from bodycamd.evidence import roster as rosters
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_reader import first_line
from bodycamd.evidence.roster import Camera, KeyHolder, Roster
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.station.opening import make_key
from tests.camera.recorder.rig import Rig
from tests.evidence.rostering import FIRST, ROOT, camera, key

NAME = "station.example.org"
DAY_US = 86_400_000_000


def main(folder: Path) -> None:
    """`etc`: what lies in /etc/bodycamd-station; `tls`: a root of its own and a certificate; `camera`: its store and its uplink's key."""
    etc, tls, store = folder / "etc", folder / "tls", folder / "camera"
    for made in (etc, tls, store):
        made.mkdir()
    rig = Rig(store / "rig", segment_seconds=3)
    rig.camera()
    rig.begin(1, keep_from_us=rig.now_us)
    rig.film(8, size=200_000)
    rig.wait_durable(rig.seq)
    rig.end()
    rig.wait_sealed(1)
    rig.stop()
    (rig.root / "store").rename(store / "store")
    line = first_line(store / "store" / "ledger", 1)
    assert line is not None
    uplink = Ed25519PrivateKey.generate()
    (store / "uplink.key").write_bytes(uplink.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    uplink_key = PublicKey(uplink.public_key().public_bytes_raw()).raw.hex()
    own: Camera = replace(camera("HV-05"), id="cam-7", uplink_key=uplink_key, first_key=str(line.entry.detail["public_key"]))
    signing = make_key(etc / "station-1.key")
    now_us = time.time_ns() // 1000
    made_roster: Roster = replace(
        FIRST,
        cameras=(*FIRST.cameras, own),
        stations=(KeyHolder(id="station-1", key=signing.public.raw.hex(), state="active"),),
        made_at=wall_text(now_us - DAY_US),
        not_after=wall_text(now_us + 30 * DAY_US),
    )
    (etc / "roster.txt").write_bytes(rosters.sign(made_roster, [key("root-1")]).document.file_bytes)
    (etc / "root.json").write_bytes(msgspec.json.encode(ROOT))
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "10"]
    root = ["-subj", "/CN=Root", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    openssl("req", "-x509", *new, *root, "-keyout", tls / "root.key", "-out", tls / "root.pem")
    named = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-addext", "basicConstraints=critical,CA:FALSE"]
    by_root = ["-CA", tls / "root.pem", "-CAkey", tls / "root.key"]
    openssl("req", "-x509", *new, *named, *by_root, "-keyout", tls / "tls.key", "-out", tls / "tls.pem")


def openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
