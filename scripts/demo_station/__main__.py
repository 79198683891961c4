"""The demonstration of a station (make demo-station): a municipality with three cameras without hardware, on this computer alone.

Everything is the real thing: root keys, people and a signed roster; each camera's card, keys and enrolment; a recorder, its capture worker
and an uplink for each camera; a station behind TLS. Only the cameras' hardware is simulated, and one computer plays all of them: so every
private key lies below `demo-station/` here. What it starts, it stops, however it ends.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from processes import DemonstrationError, free_port, listens, run, say, shell, show, started, title, until

from bodycamd.camera.board.simulated import SimulatedHand
from bodycamd.camera.keeping.opening import own_start
from bodycamd.config import load as configuration
from bodycamd.errors import BodycamError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.roster import decode
from bodycamd.linux.age_library import pyrage
from bodycamd.linux.clock import SettableClock, SystemClock
from bodycamd.workshop.simulation.folder import SHIPPED_WARNINGS, SimulationFolder
from bodycamd.workshop.simulation.process import SimulatedCamera

HERE = Path("demo-station")
FLEET, OFFICE, STATION, OPENED = HERE / "fleet", HERE / "office", HERE / "station", HERE / "opened"
PASSPHRASES = OFFICE / "passphrases"
CAMERAS = ("HV-01", "HV-02", "HV-03")
PEOPLE = {"E-01": "evidence", "E-02": "evidence", "P-01": "privacy"}
DAYS = 28
REFERENCE = "Z-2026/00042"


def main() -> int:
    """All of it, one part after the other."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    shutil.rmtree(HERE, ignore_errors=True)
    try:
        with ExitStack() as running:
            demonstrate(running)
    except (DemonstrationError, BodycamError) as error:
        print(f"\nTHE DEMONSTRATION FAILED: {error}\nWhat each process said is in {HERE}/*/*.log", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    print(NEXT.format(station=STATION, opened=OPENED, here=HERE, store=store_of("HV-01")))
    return 0


def demonstrate(running: ExitStack) -> None:
    """Until everything is checked."""
    title("The municipality: two root keys, three people, a fleet file")
    make_municipality()
    title("The station: a key of its own, and a certificate for its name")
    port = free_port()
    make_station(port)
    roster = sign_roster()
    title("Three cameras: a card for each; keys that never leave it; enrolled by its fingerprint")
    for camera in CAMERAS:
        make_camera(camera, roster, port)
    roster = sign_roster()
    for place in (STATION, *(device(camera) for camera in CAMERAS)):
        shutil.copyfile(roster, place / "roster.txt")
    title("The station runs")
    run_station(running, port)
    title("Each camera: a press, the spoken warning, a recording, stopped and sealed; its uplink sends it")
    with ExitStack() as recorders:
        cameras = {name: recorders.enter_context(SimulatedCamera(SimulationFolder((HERE / name).absolute()))) for name in CAMERAS}
        recordings = record(cameras)
        say("three recordings of 10 seconds are sealed: encrypted for E-01 and E-02, signed, in each camera's own store")
        uplinks = [recorders.enter_context(started(HERE / name / "uplink.log", uplink(name))) for name in CAMERAS]
        for name, camera in cameras.items():
            until(lambda camera=camera: everything_is_sent(camera), f"{name}: everything is sent", uplinks)
            say(f"{name}  recording {recordings[name]}: sent, and the station's receipts are in the camera's ledger")
        title("A complaint: the evidence officer signs a hold, at her own desk; the station brings it to the camera")
        hold(roster, recordings["HV-01"])
        until(lambda: outcome("HV-01") != "", "the hold is carried out", uplinks)
        until(lambda: everything_is_sent(cameras["HV-01"]), "the ledger that says so is sent", uplinks)
        show("bodycamd", "station", "orders", STATION / "station.yaml")
    title(f"{DAYS} days later, on two of the cameras")
    for name in ("HV-01", "HV-03"):
        pass_days(name)
    title("The court's expert: the station's copies, with stock tools alone")
    check_with_stock_tools(recordings, registered_keys(roster))


# --- the municipality -------------------------------------------------------------------------------------------------------------------


def make_municipality() -> None:
    """The fleet file, root keys, people."""
    for folder in (FLEET, OFFICE, STATION, OPENED):
        folder.mkdir(parents=True)
    # Real people are asked for their passphrases, each at a computer of their own.
    PASSPHRASES.write_text("one for the first root key\nanother for the second\n")
    show("bodycamd", "fleet", "init", "--out", FLEET, "--municipality", "voorbeeld", "--passphrase-file", PASSPHRASES)
    lines = [
        show("bodycamd", "keys", "person", "for-fleet", person, "--roles", role, "--out", OFFICE, *passphrase(person), quiet=True)
        for person, role in PEOPLE.items()
    ]
    edit_fleet("people: []", "people:\n" + "".join(lines))
    edit_fleet("[HV-01..HV-06]", f"[{CAMERAS[0]}..{CAMERAS[-1]}]")


def passphrase(person: str) -> tuple[str | Path, ...]:
    """Of a person's keys."""
    file = OFFICE / f"{person}.passphrase"
    file.write_text(f"that of {person} alone\n")
    return "--passphrase-file", file


def edit_fleet(before: str, after: str) -> None:
    """As by hand."""
    file = FLEET / "fleet.yaml"
    text = file.read_text()
    if before not in text:
        raise DemonstrationError(f"{file}: no {before!r} in it")
    file.write_text(text.replace(before, after))


def sign_roster() -> Path:
    """The next roster's file."""
    fleet = ("--fleet", FLEET / "fleet.yaml")
    show("bodycamd", "fleet", "check", FLEET / "fleet.yaml")
    root = ("--root", FLEET / "root-1.key.age", "--passphrase-file", PASSPHRASES)
    return Path(show("bodycamd", "fleet", "roster", *root, *fleet).strip())


# --- the station ------------------------------------------------------------------------------------------------------------------------


def make_station(port: int) -> None:
    """Its key, its certificate, its configuration; and its line in the fleet file."""
    said = show("bodycamd", "station", "init", STATION)
    edit_fleet(
        "# Officers' cards", "stations:\n" + next(f"{line}\n" for line in said.splitlines() if "- {id:" in line) + "\n# Officers' cards"
    )
    certificate = ("openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "7", "-subj", "/CN=localhost")
    tls = STATION / "tls"
    tls.mkdir()
    show(
        *certificate, "-addext", "subjectAltName=DNS:localhost", "-keyout", tls / "localhost.key", "-out", tls / "localhost.pem", quiet=True
    )
    (tls / "stunnel.conf").write_text(
        "foreground = yes\npid =\nsyslog = no\n[station]\n"
        f"accept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{port + 1}\ncert = {tls}/localhost.pem\nkey = {tls}/localhost.key\n"
    )
    (STATION / "station.yaml").write_text(
        f"name: station-1\nauthority: localhost:{port}\ndata: {STATION}/data\nlisten: {{port: {port + 1}}}\ndays: {DAYS}\n"
        f"keys: {{signing: {STATION}/station-1.key, root: {STATION}/root.json, roster: {STATION}/roster.txt}}\n"
    )


def run_station(running: ExitStack, port: int) -> None:
    """Until everything ends: the station, and stunnel in front of it, which ends TLS."""
    shutil.copyfile(FLEET / "fleet.rosters" / "root.json", STATION / "root.json")
    show("bodycamd", "station", "check", STATION / "station.yaml")
    both = [
        running.enter_context(started(STATION / "station.log", ["bodycamd", "station", "run", STATION / "station.yaml"])),
        running.enter_context(started(STATION / "stunnel.log", ["stunnel", STATION / "tls" / "stunnel.conf"])),
    ]
    until(lambda: listens(port) and listens(port + 1), "the station listens", both)
    say(f"https://localhost:{port}/v1/health answers")


# --- the cameras ------------------------------------------------------------------------------------------------------------------------


def device(camera: str) -> Path:
    """What a camera holds."""
    return HERE / camera / "device"


def make_camera(camera: str, roster: Path, port: int) -> None:
    """What a technician does with a card, and the card's first boot with a camera; the simulated camera's parts in its configuration."""
    card, own = HERE / camera / "card", device(camera)
    for folder in (card, own, HERE / camera / "store" / "recordings", HERE / camera / "store" / "ledger", HERE / camera / "keys"):
        folder.mkdir(parents=True)
    # Of Raspberry Pi OS, as on every new card.
    (card / "cmdline.txt").write_text("console=tty1 root=PARTUUID=4f2a1b3c-02 rootfstype=ext4 rootwait\n")
    (card / "config.txt").write_text("camera_auto_detect=1\n")
    fleet = ("--fleet", FLEET / "fleet.yaml")
    show("bodycamd", "fleet", "card", camera, "--boot-partition", card, *fleet, quiet=True)
    for name in ("recipients.txt", "roster.txt", "root.json"):
        shutil.copyfile(card / "bodycamd" / name, own / name)
    shipped = next(place for place in SHIPPED_WARNINGS if place.is_dir())
    shutil.copytree(shipped, own / "warnings")
    (own / "bodycamd.yaml").write_text(
        CAMERA.format(camera=camera, port=port, here=own.absolute(), ca=(STATION / "tls").absolute(), user=user())
    )
    application = card / "application.txt"
    token = ("--token", card / "bodycamd" / "token")
    said = show("bodycamd", "enrol", *token, "--out", application, "--config", own / "bodycamd.yaml", quiet=True)
    show("bodycamd", "fleet", "enrol", application, *fleet, "--fingerprint", said.splitlines()[-1])


def record(cameras: dict[str, SimulatedCamera]) -> dict[str, str]:
    """A recording by each; its name."""
    for camera in cameras.values():
        camera.wait_until_ready()
    hands = [SimulatedHand(camera.folder.device) for camera in cameras.values()]
    press(hands, 0.15)
    until(lambda: all(camera.status().state == "recording" for camera in cameras.values()), "the cameras record", [])
    time.sleep(6)
    press(hands, 2.5)  # held, and released: asks whether to stop
    time.sleep(1)
    press(hands, 0.15)  # pressed alone: stop
    until(lambda: all(sealed(name) for name in cameras), "the recordings are sealed", [])
    return {name: sealed(name)[0] for name in cameras}


def press(hands: list[SimulatedHand], seconds: float) -> None:
    """All at once."""
    for hand in hands:
        hand.down()
    time.sleep(seconds)
    for hand in hands:
        hand.up()


def sealed(camera: str) -> list[str]:
    """The recordings of which a segment is sealed."""
    return sorted(path.parent.name for path in (HERE / camera / "store" / "recordings").glob("*/000000.tar"))


def uplink(camera: str) -> list[str | Path]:
    """Its command, as the unit has it."""
    own = device(camera)
    key = own / "enrolment" / "uplink.key"
    return [sys.executable, "-P", "-m", "bodycamd.camera.uplink", "--config", own / "bodycamd.yaml", "--key", key, "--state", own]


def everything_is_sent(camera: SimulatedCamera) -> bool:
    """By the recorder's own account, and nothing waits any more."""
    told = camera.status().uplink
    return told is not None and told.doing == "everything is sent" and told.segments == 0 and told.receipts > 0


def hold(roster: Path, recording: str) -> None:
    """Signed by one person, taken to the station."""
    review = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
    what = ("--recording", recording, "--camera", "HV-01", "--ground", "complaint", "--reference", REFERENCE, "--review-on", review)
    by = ("--person", "E-01", "--key", OFFICE / "E-01.key.pem", *passphrase("E-01"))
    show("bodycamd", "order", "sign", "hold", *what, *by, "--roster", roster, "--out", OFFICE / "hold.order")
    show("bodycamd", "station", "order", OFFICE / "hold.order", STATION / "station.yaml")


def outcome(camera: str) -> str:
    """Of the order at this camera, by the camera's ledger at the station."""
    listed = json.loads(run("bodycamd", "station", "orders", STATION / "station.yaml", "--json"))
    return next((one["outcome"] for one in listed if one["camera"] == camera and one["state"] == "done"), "")


def pass_days(camera: str) -> None:
    """The recorder's own code on the camera's own store, by a clock that shows 28 days more. Of it the ledger says `simulated`."""
    config = configuration.load(device(camera) / "bodycamd.yaml")
    now, later_us = SystemClock().read(), (DAYS * 86_400 + 600) * 1_000_000
    clock = SettableClock(now.boottime_us + later_us, now.wall_us + later_us)
    with own_start(config, clock) as (keeper, ledger, _):
        deleted = keeper.sweep(ledger.note)
    held = [path.name for path in (HERE / camera / "store" / "recordings").iterdir()]
    say(f"{camera}  deleted: {', '.join(deleted) or 'nothing'}; still there: {', '.join(held) or 'nothing'}")


# --- the expert -------------------------------------------------------------------------------------------------------------------------


def store_of(camera: str) -> Path:
    """The station's copy."""
    return STATION / "data" / "cameras" / camera / "store"


def check_with_stock_tools(recordings: dict[str, str], keys: dict[str, Path]) -> None:
    """openssl, sha256sum, jq, tar, age and ffmpeg."""
    opened = identity()
    for camera, recording in recordings.items():
        show("bash", "scripts/verify.sh", "--store", store_of(camera), "--device-key", keys[camera], codes=(0, 3))
        film = OPENED / f"{camera}.mp4"
        shell(
            f"tar -xf {store_of(camera)}/recordings/{recording}/000000.tar --wildcards '*.age' --to-command='age -d -i {opened}' > {film}"
        )
    shell(f"sha256sum {STATION}/data/cameras/*/store/recordings/*/*.tar {HERE}/HV-0[12]/store/recordings/*/*.tar")
    shell(f"ffprobe -v error -count_packets -show_entries stream=codec_name,nb_read_packets -of compact {OPENED}/HV-03.mp4")
    shell(f"ffmpeg -nostdin -v error -y -i {OPENED}/HV-03.mp4 -vf fps=1,scale=320:-1,tile=3x2 -frames:v 1 {OPENED}/HV-03.png")


def identity() -> Path:
    """E-01's, opened with her passphrase. At a terminal `age -d -i E-01.identity.txt` asks for it by itself."""
    opened, (_, file) = OPENED / "E-01.opened", passphrase("E-01")
    sealed_identity = (OFFICE / "E-01.identity.txt").read_bytes()
    opened.touch(0o600)
    opened.write_bytes(pyrage.passphrase.decrypt(sealed_identity, Path(file).read_text().strip()))
    return opened


def registered_keys(roster: Path) -> dict[str, Path]:
    """Each camera's first key in PEM, as the municipality's root signed it."""
    signed = decode(roster.read_bytes(), str(roster))
    files = {camera.id: OPENED / f"{camera.id}.pem" for camera in signed.roster.cameras}
    for camera in signed.roster.cameras:
        files[camera.id].write_bytes(PublicKey.from_hex(camera.first_key).pem())
    return files


def user() -> str:
    """Who runs this: the only one whom the recorders hand footage to."""
    return pwd.getpwuid(os.getuid()).pw_name


def _end(number: int, _: object) -> NoReturn:
    raise KeyboardInterrupt


CAMERA = """\
device_id: {camera}
simulation_directory: .
board: {{adapter: simulated}}
video: {{source: pattern, width: 1280, height: 720, frame_rate: 30, bit_rate: 2000000}}
microphone: {{source: tone}}
speaker: {{output: simulated}}
storage: {{directory: ../store}}
keys: {{recipients: recipients.txt, signing: signing, root: root.json, roster: roster.txt}}
control: {{socket: control.sock, uplink_user: {user}}}
station: {{url: "https://localhost:{port}", id: station-1, ca: {ca}/localhost.pem, upload: dock, link: lo, longest_pause_seconds: 5}}
"""
NEXT = """
What happened
  Three cameras recorded and sent what they recorded to the station, which cannot open it: it has no private key. Its signed receipts stand
  in the cameras' own ledgers. A complaint came in, and E-01's signed hold reached HV-01. When the 28 days were over HV-03 deleted its
  recording and HV-01 kept its own, because of that hold. The station's copies were verified with openssl, sha256sum, jq, tar and bash, and
  opened with age and ffmpeg.
  The 28 days are the one thing that did not pass: the recorder's own code was run by a clock that is ahead, and the ledger says so of that
  clock (`simulated`).

Open next
  The film of HV-03, which HV-03 itself no longer has   {opened}/HV-03.mp4, its pictures {opened}/HV-03.png
  The station's copy, as it lies: an ordinary store     {store}
  What is held, and since when                          .venv/bin/bodycamd recordings list --store {here}/HV-01/store
  What HV-03 stated of its deletion                     .venv/bin/bodycamd recordings log --store {here}/HV-03/store
  Who held what, and what came of it                    .venv/bin/bodycamd station orders {station}/station.yaml
  The station's receipts and its log                    {station}/data/cameras/HV-01/receipts, {station}/data/audit
  The roster, the rules, the keys                       {here}/fleet (docs/fleet.md), docs/orders.md, docs/station.md
"""

if __name__ == "__main__":
    sys.exit(main())
