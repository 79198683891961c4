"""A whole camera with a card reader: recorder and reader's process, as the units start them, a card laid down by hand."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

from bodycamd.camera.cards.codes import code_of, line_of
from bodycamd.cli.main import main
from bodycamd.linux.clock import boottime_us
from tests.camera.cards.test_codes import SALT, UID
from tests.camera.cards.test_process import start
from tests.kit.camera import Camera, wait_until_us
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for

OTHER = bytes.fromhex("11223344")
STRANGE = bytes.fromhex("55667788")
BY_CARD = {"via": "card"}
AWAY_US = 3_300_000


class Desk:
    """Lays cards on the reader, and takes them away long enough."""

    def __init__(self, camera: Camera) -> None:
        self._camera, self._file = camera, camera.device / "card.txt"

    def lay(self, uid: bytes, type: str) -> None:
        """Until the ledger has one entry more of this type."""
        before = len(self._camera.ledger(type))
        self._file.write_text(uid.hex())
        wait_for(lambda: len(self._camera.ledger(type)) > before, what=type)
        self._file.write_text("")
        wait_until_us(boottime_us() + AWAY_US)


@only_in_full
def test_a_shift_by_card_from_the_reader_to_both_verifiers(tmp_path: Path) -> None:
    reader = {"card_reader": "simulated", "cards": "cards.sock"}
    camera = Camera(tmp_path, {"board": reader, "shift": {"cards": "cards.txt", "salt": SALT}})
    cards = {uid: code_of(uid, SALT) for uid in (UID, OTHER, STRANGE)}
    (camera.device / "cards.txt").write_text(f"{line_of('H-12', cards[UID])}\n{line_of('H-13', cards[OTHER])}\n")
    with camera:
        process = start(camera.config)
        wait_for(lambda: camera.status()["card_reader"]["ok"])
        assert camera.status()["card_reader"]["cards"] == 2
        desk = Desk(camera)
        desk.lay(UID, "shift_begin")
        assert camera.status()["shift"]["officer"] == "H-12"
        camera.skip_warning_and_record()
        desk.lay(OTHER, "card_refused")
        camera.stop_recording()
        desk.lay(OTHER, "shift_begin")
        desk.lay(STRANGE, "card_refused")
        assert camera.status()["shift"]["officer"] == "H-13"
        desk.lay(OTHER, "shift_end")
        assert camera.status()["shift"] is None
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
        camera.stop()
    shifts = [
        (entry["type"], entry["detail"]["officer"], entry["detail"]["caller"]) for entry in camera.ledger() if "shift" in entry["type"]
    ]
    assert shifts == [
        ("shift_begin", "H-12", BY_CARD),
        ("shift_end", "H-12", BY_CARD),
        ("shift_begin", "H-13", BY_CARD),
        ("shift_end", "H-13", BY_CARD),
    ]
    [opened] = camera.ledger("recording_opened")
    assert opened["detail"]["officer"] == "H-12"
    assert [entry["detail"]["reason"] for entry in camera.ledger("card_refused")] == ["recording", "unknown_card"]
    written = json.dumps(camera.ledger()) + camera.journal + said
    for uid, code in cards.items():
        assert uid.hex() not in written
        assert code not in written
    pem = tmp_path / "device.pem"
    pem.write_bytes(camera.device_pem)
    assert main(["verify", "--store", str(camera.store), "--device-key", str(pem)]) == 0
    stock = ["scripts/verify.sh", "--store", str(camera.store), "--device-key", str(pem)]
    verified = subprocess.run(stock, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert verified.returncode == 0, verified.stdout + verified.stderr
