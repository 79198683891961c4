"""Runs inside the container (see scripts/test-unit): installs the product, drives it by the simulated board, judges what systemd says.

Only the standard library and the commands that a technician would use. Results go to /bench/result as they come; the last check powers the
camera off.
"""

from __future__ import annotations

import base64
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from tests.system.unit import cards

BENCH = Path("/bench")
STATE = Path("/var/lib/bodycamd")
STORE = STATE / "store"
UNIT = "bodycamd.service"
DISCARD = "bodycamd-discard.service"
SENSORS = "bodycamd-sensors.service"
CARDS = "bodycamd-cards.service"
UPLINK = "bodycamd-uplink.service"


def run(command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    """A command's exit code and what it printed."""
    return subprocess.run(command, capture_output=True, text=True, **options)


def judge(what: str, good: bool, seen: object = "") -> None:
    """One line of the result; `seen` is printed where it failed."""
    line = f"PASS  {what}" if good else f"FAIL  {what}: {seen}"
    with (BENCH / "result").open("a", encoding="utf-8") as result:
        result.write(line + "\n")


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    """True as soon as the condition holds, False when it did not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def shown(name: str, unit: str = UNIT) -> str:
    """A property of a unit."""
    return run(["systemctl", "show", "--value", "-p", name, unit]).stdout.strip()


def status() -> dict[str, Any]:
    """What the daemon says of itself; empty while it does not answer."""
    answer = run(["bodycamd", "status", "--json"])
    return json.loads(answer.stdout) if answer.returncode == 0 else {}


def state() -> str:
    """The machine's state, as the daemon tells it to systemd."""
    return shown("StatusText")


def press(*datagrams: str) -> None:
    """Edges of the simulated button."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hand:
        hand.connect(str(STATE / "button.sock"))
        for datagram in datagrams:
            if datagram.startswith("wait "):
                time.sleep(float(datagram[5:]))
            else:
                hand.send(datagram.encode())


def board(part: str) -> list[dict[str, Any]]:
    """The time line of one part."""
    lines = [json.loads(line) for line in (STATE / "board.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["part"] == part]


def ledger() -> list[dict[str, Any]]:
    """All entries of all starts."""
    entries = []
    for file in sorted((STORE / "ledger").glob("*.jsonl")):
        for line in file.read_bytes().splitlines():
            signature, _, entry = line.partition(b" ")
            base64.b64decode(signature, validate=True)
            entries.append(json.loads(entry))
    return entries


def open_segments() -> list[Path]:
    """Segments that are being written."""
    return list((STORE / "recordings").glob("*/*.part"))


def is_growing() -> bool:
    """A segment appears, and grows: footage is arriving on disk."""
    wait_for(open_segments, 10)
    before = {path: path.stat().st_size for path in open_segments()}
    return bool(before) and wait_for(lambda: any(path.exists() and path.stat().st_size > size for path, size in before.items()), 5)


def processes() -> list[int]:
    """The processes of the service's user."""
    uid = pwd.getpwnam("bodycam").pw_uid
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and path.exists() and path.stat().st_uid == uid]


def install() -> None:
    """scripts/install on a camera whose configuration and recipients are already there."""
    etc = Path("/etc/bodycamd")
    etc.mkdir(exist_ok=True)
    for name in ("bodycamd.yaml", "recipients.txt"):
        shutil.copy(BENCH / name, etc / name)
    cards.write_officers()
    source = Path("/usr/src/checkout")
    shutil.copytree(BENCH / "source", source)
    installed = run([source / "scripts/install"], env={**os.environ, "BODYCAMD_APT": "no"})
    judge("scripts/install ends with exit code 0", installed.returncode == 0, installed.stdout + installed.stderr)
    kept = (etc / "bodycamd.yaml").read_bytes() == (BENCH / "bodycamd.yaml").read_bytes()
    judge("it keeps the configuration that was there", kept)
    cards.guard_officers()
    for unit in (UNIT, SENSORS, CARDS, UPLINK):
        verified = run(["systemd-analyze", "verify", "--man=no", unit])
        judge(f"systemd-analyze verify has nothing to say of {unit}", (verified.returncode, verified.stderr) == (0, ""), verified.stderr)
        score = run(["systemd-analyze", "security", unit, "--no-pager"]).stdout
        exposure = re.search(r"exposure level for \S+: ([0-9.]+)", score)
        exposed = float(exposure[1]) if exposure is not None else 10.0
        judge(f"{unit} is exposed by {exposed} of 10, at most 1.5", exposed <= 1.5, score)


def ready() -> None:
    """Started by systemd, and closed in."""
    active = wait_for(lambda: shown("ActiveState") == "active", 30)
    judge("ready: systemd was told so (Type=notify)", active, shown("ActiveState"))
    if not active:
        raise RuntimeError("the service does not start")
    judge("in standby", wait_for(lambda: state() == "standby", 5), state())
    pid = int(shown("MainPID"))
    interfaces = re.findall(r"^ *(\S+):", Path(f"/proc/{pid}/net/dev").read_text(encoding="utf-8"), re.MULTILINE)
    outside = re.findall(r"^ *(\S+):", Path("/proc/net/dev").read_text(encoding="utf-8"), re.MULTILINE)
    judge(f"no network inside: {interfaces}, where the container has {len(outside)} interfaces", interfaces == ["lo"], interfaces)
    networks = {os.readlink(f"/proc/{child}/ns/net") for child in processes()}
    judge("its children are in the same closed network", networks == {os.readlink(f"/proc/{pid}/ns/net")}, networks)
    about = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines() if ":\t" in line)
    judge("it runs as bodycam, without any capability", about["CapEff"] == about["CapBnd"] == "0" * 16 and pid in processes(), about)
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="utf-8")
    judge("no core dumps", bool(re.search(r"Max core file size +0 +0 ", limits)))
    judge("the answer of bodycamd status", bool(status()), run(["bodycamd", "status"]).stderr)
    print("status:", json.dumps(status()))


def as_user(name: str, code: str) -> str:
    """What Python says to this user, who has a group of the same name."""
    return run(["setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups", "/usr/bin/python3", "-c", code]).stdout


def sensors() -> None:
    """Beside the recorder, with a user of its own; the recorder reads, and nothing goes the other way."""
    judge("the sensors' process runs", wait_for(lambda: shown("ActiveState", SENSORS) == "active", 10), shown("Result", SENSORS))
    pid = int(shown("MainPID", SENSORS))
    judge("as a user of its own", Path(f"/proc/{pid}").stat().st_uid == pwd.getpwnam("bodycam-sensors").pw_uid)
    readings = Path("/run/bodycamd-sensors/readings.sock")
    mode = (readings.stat().st_mode & 0o777, readings.parent.stat().st_mode & 0o777)
    judge("its socket is for its group, in which the recorder is", mode == (0o660, 0o750), mode)
    read = run(["setpriv", "--reuid=bodycam", "--regid=bodycam", "--init-groups", "/usr/bin/python3", "-c", READ])
    judge("the recorder's user reads from it", '"sequence":' in read.stdout, read)
    reached = as_user(
        "bodycam-sensors", "import os; print([p for p in ('/run/bodycamd/control.sock', '/var/lib/bodycamd/store') if os.path.exists(p)])"
    )
    judge("it reaches neither control socket nor store", reached == "[]\n", reached)


def uplink() -> None:
    """Nothing to do here: no station is configured. Its user reaches the socket and no footage, and is handed none."""
    passed_over = wait_for(lambda: shown("ConditionResult", UPLINK) == "no" or shown("Result", UPLINK) == "exec-condition", 15)
    judge("the uplink is passed over: no station is configured", passed_over, shown("Result", UPLINK))
    reached = as_user("bodycam-uplink", f"import os; print([p for p in {(str(STORE), str(STATE / 'device'))} if os.access(p, os.R_OK)])")
    judge("its user reaches neither store nor keys", reached == "[]\n", reached)
    connect = "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/bodycamd/control.sock')"
    asked = as_user("bodycam-uplink", f"""{connect}; s.sendall(b'{{"command": "uplink_waiting"}}\\n'); print(s.recv(500))""")
    judge("it may ask, and is handed nothing before control.uplink_user names it", "nothing was changed" in asked, asked)


def is_shift_of(officer: str | None) -> bool:
    """Whether the open shift is this officer's; `None`: whether none is open."""
    open_shift = status().get("shift")
    return (None if open_shift is None else open_shift["officer"]) == officer


def shift_by_card() -> None:
    """A virtual card on a virtual reader, the rest as on a camera: pcscd, polkit, the unit, the recorder."""
    judge("the card reader's process runs", wait_for(lambda: shown("ActiveState", CARDS) == "active", 10), shown("Result", CARDS))
    pid = int(shown("MainPID", CARDS))
    judge("as a user of its own", Path(f"/proc/{pid}").stat().st_uid == pwd.getpwnam("bodycam-cards").pw_uid)
    judge("the reader answers", wait_for(lambda: status()["card_reader"]["ok"], 15), status().get("card_reader"))
    reached = as_user("bodycam-cards", f"import os; print([p for p in {('/run/bodycamd/control.sock', str(STORE))} if os.path.exists(p)])")
    judge("it reaches neither control socket nor store", reached == "[]\n", reached)
    owners = as_user("bodycam-cards", f"import os; print(os.access({str(cards.CARDS_FILE)!r}, os.R_OK))")
    judge("nor the file that says whose card is whose", owners == "False\n", owners)
    ask = "from smartcard.scard import *; print(SCardEstablishContext(SCARD_SCOPE_SYSTEM)[0] == SCARD_S_SUCCESS)"
    judge(
        "polkit lets it ask pcscd, and no other service",
        (as_user("bodycam-cards", ask), as_user("bodycam-sensors", ask)) == ("True\n", "False\n"),
    )
    for card, officer in ((cards.ONE, "H-12"), (cards.OTHER, "H-13"), (cards.OTHER, None)):
        with cards.Card(card):
            judge(f"a card is shown: the shift is that of {officer}", wait_for(partial(is_shift_of, officer), 10), status().get("shift"))
        time.sleep(3.2)  # the same card again is shown anew
    command = ["bodycamd", "shift", "card", "--officer", "H-14"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as register:
        assert register.stderr is not None
        register.stderr.readline()  # hold the card to the reader
        with cards.Card(cards.STRANGE):
            line = register.communicate(timeout=40)[0]
            refused = wait_for(lambda: [entry for entry in ledger() if entry["type"] == "card_refused"], 10)
    judge("a card that is nobody's gets its line, and is refused", (line, refused) == (f"H-14 {cards.code(cards.STRANGE)}\n", True), line)
    entries = [(e["type"], e["detail"].get("officer"), e["detail"].get("caller")) for e in ledger() if e["type"].startswith("shift_")]
    by_card = {"via": "card"}
    told = [
        ("shift_begin", "H-12", by_card),
        ("shift_end", "H-12", by_card),
        ("shift_begin", "H-13", by_card),
        ("shift_end", "H-13", by_card),
    ]
    judge("the ledger names the officers, and the card as caller", entries == told, entries)
    said = json.dumps(ledger()) + run(["journalctl", "--no-pager", "-u", "bodycamd*"]).stdout
    numbers = [card.hex() for card in (cards.ONE, cards.OTHER, cards.STRANGE) if card.hex() in said.lower()]
    judge("no card's number is in ledger or journal", numbers == [], numbers)
    run(["systemctl", "stop", "pcscd.socket", "pcscd.service"])
    judge("without pcscd status says so", wait_for(lambda: not status()["card_reader"]["ok"], 15), status()["card_reader"])
    run(["systemctl", "start", "pcscd.socket"])
    judge("and with it again the reader answers", wait_for(lambda: status()["card_reader"]["ok"], 15), status()["card_reader"])


READ = """
import socket
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link:
    link.settimeout(10)
    link.connect("/run/bodycamd-sensors/readings.sock")
    print(link.recv(1024).decode())
"""


def record() -> None:
    """A press during the warning skips it."""
    press("down", "wait 0.1", "up", "wait 0.5", "down", "wait 0.1", "up")
    judge("recording by datagrams on button.sock", wait_for(lambda: state() == "recording", 15), state())
    judge("footage arrives on disk", is_growing(), open_segments())


def discard_in_standby() -> None:
    """What is deleted is discarded by a timer; the disk of a container cannot, which is no failure."""
    timer = shown("ActiveState", "bodycamd-discard.timer")
    judge("the timer of the discard is on", timer == "active", timer)
    run(["systemctl", "start", DISCARD])
    results = shown("Result", DISCARD), shown("ExecMainStatus", DISCARD), shown("ExecMainStartTimestampMonotonic", DISCARD) != "0"
    judge("the discard runs in standby", results == ("success", "0", True), results)


def discard_while_recording() -> None:
    """Some cards stall while they erase."""
    run(["systemctl", "start", DISCARD])
    result = shown("Result", DISCARD)
    judge("the discard does not run while it records", result == "exec-condition", result)


def survive_a_hang() -> None:
    """SIGSTOP: no code of the daemon runs any more; systemd's watchdog is what is left."""
    before = int(shown("MainPID"))
    lamp_changes = len(board("lamp"))
    stopped = time.monotonic()
    os.kill(before, signal.SIGSTOP)
    restarted = wait_for(lambda: shown("MainPID") not in ("0", str(before)) and shown("ActiveState") == "active", 40)
    judge(f"a stopped daemon is restarted by the watchdog: after {time.monotonic() - stopped:.1f} s", restarted, shown("Result"))
    judge("systemd counts one restart", shown("NRestarts") == "1", shown("NRestarts"))
    judge("the lamp went off in between", any(not change["on"] for change in board("lamp")[lamp_changes:]), board("lamp")[lamp_changes:])
    judge("it records again without a press", wait_for(lambda: state() == "recording", 15) and is_growing(), state())
    resumed = [entry["detail"]["resumes"] for entry in ledger() if "resumes" in entry["detail"]]
    judge(f"the ledger says what was resumed: {resumed}", resumed == ["000001-0001"], resumed)
    judge("the torn segment is kept as it was", len(list((STORE / "recordings").glob("*/*.cut.tar"))) == 1, sorted(STORE.rglob("*")))


def stop_cleanly() -> None:
    """SIGTERM while recording."""
    began = time.monotonic()
    run(["systemctl", "stop", UNIT])
    judge(f"a clean stop while recording: {time.monotonic() - began:.1f} s", shown("Result") == "success", shown("Result"))
    judge("the recording is sealed: no .part is left", open_segments() == [], open_segments())
    judge("no process of it is left", processes() == [], processes())
    judge("the lamp is off", not board("lamp")[-1]["on"], board("lamp")[-1])
    judge("the ready lamp is off", not board("ready_lamp")[-1]["on"], board("ready_lamp")[-1])


def survive_a_kill() -> None:
    """SIGKILL while the lamp is on: only ExecStopPost can darken it."""
    run(["systemctl", "start", UNIT])
    judge("a new start after a clean stop does not resume", wait_for(lambda: state() == "standby", 10), state())
    kill_when_ready()
    record()
    wait_for(lambda: board("lamp")[-1]["on"], 5)
    changes = len(board("lamp"))
    before = shown("MainPID")
    os.kill(int(before), signal.SIGKILL)
    wait_for(lambda: len(board("lamp")) > changes, 5)
    judge("after a kill the lamp goes off at once", [change["on"] for change in board("lamp")[changes:]][:1] == [False], board("lamp")[-3:])
    wait_for(lambda: shown("MainPID") not in ("0", before) and shown("ActiveState") == "active", 20)
    judge("and the recording is resumed", wait_for(lambda: state() == "recording", 15) and is_growing(), state())


def kill_when_ready() -> None:
    """SIGKILL in standby, with the green lamp on: a dead camera must not say that it is ready."""
    lit = wait_for(lambda: board("ready_lamp")[-1]["on"], 10)
    judge("the ready lamp is on in standby", lit, board("ready_lamp")[-1])
    changes, before = len(board("ready_lamp")), shown("MainPID")
    os.kill(int(before), signal.SIGKILL)
    wait_for(lambda: len(board("ready_lamp")) > changes, 5)
    dark = [change["on"] for change in board("ready_lamp")[changes:]][:1] == [False]
    judge("after a kill the ready lamp goes off at once", dark, board("ready_lamp")[-3:])
    wait_for(lambda: shown("MainPID") not in ("0", before) and shown("ActiveState") == "active", 20)
    judge("and the camera is ready again", wait_for(lambda: board("ready_lamp")[-1]["on"], 15), state())


def run_out_of_battery() -> None:
    """The last check: the container powers itself off, which ends the bench."""

    def powered_off(number: int, frame: FrameType | None) -> None:
        judge("… and the camera is powered off", True)
        end()

    signal.signal(signal.SIGTERM, powered_off)
    press("battery 1")
    judge("a critical battery ends the daemon with exit code 100", wait_for(lambda: shown("ExecMainStatus") == "100", 20), state())
    judge("… with the recording sealed", open_segments() == [], open_segments())
    time.sleep(20)
    judge("… and the camera is powered off", False, shown("ExecMainStatus"))
    end()


def end() -> None:
    """Hand the evidence out, and the log of the unit."""
    print(*map(json.dumps, ledger()), sep="\n")
    shutil.copytree(STORE, BENCH / "store")
    print(run(["journalctl", "--no-pager", "-o", "short-monotonic", "-u", UNIT]).stdout)
    with (BENCH / "result").open("a", encoding="utf-8") as result:
        result.write("END\n")
    sys.exit(0)


CHECKS = (
    install,
    ready,
    sensors,
    uplink,
    shift_by_card,
    discard_in_standby,
    record,
    discard_while_recording,
    survive_a_hang,
    stop_cleanly,
    survive_a_kill,
    run_out_of_battery,
)


def main() -> None:
    """All checks in order; each builds on the one before."""
    try:
        for check in CHECKS:
            check()
    except Exception as error:
        judge(f"the bench itself: {check.__name__}", False, repr(error))
        print(run(["journalctl", "--no-pager", "-n", "100"]).stdout)
        raise


if __name__ == "__main__":
    main()
