"""Runs inside the container (see scripts/test-bundle): installs a bundle without a network, updates, is cut, rolls back, removes.

Only the standard library, and the commands that a technician would use. Results go to /bench/result as they come.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.system.unit.bench import BENCH, CARDS, STATE, judge, ledger, press, run, shown, state, status, wait_for

LACKING = ("pcscd", "libccid", "libpcsclite1", "python3-pyscard", "vsmartcard-vpcd")
"""What scripts/test-bundle took out of the image's list of packages."""
PCSCD = Path("/usr/sbin/pcscd")
OPT, ETC = Path("/opt/bodycamd"), Path("/etc/bodycamd")
INSTALLER = Path("/run/install.pyz")
CAP_DAC_READ_SEARCH = 1 << 2
"""<linux/capability.h>"""
HELD = ("--ground", "complaint", "--reference", "K-1", "--by", "E-1", "--review-on", "2030-01-01")
NAMES: dict[str, str] = json.loads((BENCH / "names.json").read_text(encoding="utf-8"))
"""Of each bundle, by its file."""


def installer(*words: str) -> subprocess.CompletedProcess[str]:
    """The bundle's own installer, with Debian's Python."""
    return run(["python3", "-P", "-s", INSTALLER, *words])


def update(name: str, *more: str) -> subprocess.CompletedProcess[str]:
    """The command of an installed camera."""
    return run(["bodycamd", "bundle", "update", f"/bench/{name}.bundle", "--docked", *more])


def runs(name: str, version: str) -> bool:
    """This bundle is in use and its recorder is in standby."""
    return wait_for(lambda: status().get("bundle") == NAMES[name] and state() == "standby", 60) and os.readlink(OPT / "current") == version


def changes() -> list[tuple[str, str, str]]:
    """What the ledger states of its software."""
    found = [entry["detail"] for entry in ledger() if entry["type"] == "software_changed"]
    return [(detail["outcome"], detail["version"], detail.get("reason", "")) for detail in found]


def first() -> None:
    """A camera that has nothing but Debian: no compiler, no index, no network."""
    judge("there is no network at all", not [link for link in os.listdir("/sys/class/net") if link != "lo"])
    shutil.rmtree(OPT, ignore_errors=True)
    ETC.mkdir(exist_ok=True)
    shutil.copy(BENCH / "bodycamd.yaml", ETC / "bodycamd.yaml")
    shutil.copy(BENCH / "recipients.txt", ETC / "recipients.txt")
    extracted = subprocess.run(["tar", "-xOf", "/bench/first.bundle", "install.pyz"], check=True, capture_output=True)
    INSTALLER.write_bytes(extracted.stdout)
    (ETC / "cards.txt").write_text("# nobody's yet\n", encoding="ascii")
    run(["dpkg", "--purge", *LACKING])
    judge("it has no PC/SC", not PCSCD.exists(), run(["dpkg", "--list", *LACKING]))
    refused = installer("install", "/bench/strangers.bundle", "--release-key", "/bench/release.pem")
    judge("a stranger's bundle is refused, and leaves nothing", refused.returncode == 77 and not (OPT / "current").exists(), refused)
    config = ETC / "bodycamd.yaml"
    config.write_text((BENCH / "bodycamd.yaml").read_text(encoding="utf-8") + "warning: { file: gone.wav }\n", encoding="utf-8")
    refused = installer("install", "/bench/first.bundle", "--release-key", "/bench/release.pem")
    named = refused.returncode == 78 and "warning.file" in refused.stderr
    judge("a configuration that names a missing file: 78 with the key", named, refused)
    judge("it is refused before anything is installed", not list(OPT.iterdir()) and not (ETC / "device.pem").exists(), list(OPT.iterdir()))
    shutil.copy(BENCH / "bodycamd.yaml", config)
    status_file = Path("/var/lib/dpkg/status")
    of_the_image = status_file.read_text(encoding="utf-8")
    status_file.write_text(of_the_image.replace("Package: libusb-1.0-0\n", "Package: libusb-of-another\n"), encoding="utf-8")
    refused = installer("install", "/bench/first.bundle", "--release-key", "/bench/release.pem")
    status_file.write_text(of_the_image, encoding="utf-8")
    named = refused.returncode == 65 and "libccid : Depends: libusb-1.0-0" in refused.stderr
    judge("an image of other packages: 65 with what is missing, nothing is installed", named and not PCSCD.exists(), refused)
    run(["tar", "-xf", "/bench/first.bundle", "-C", "/run", "--wildcards", "debian/pcscd_*"])
    cut = run(["dpkg", "--unpack", *Path("/run/debian").glob("*.deb")])
    judge("a package was unpacked, and then the power went", PCSCD.exists(), cut)
    began = time.monotonic()
    done = installer("install", "/bench/first.bundle", "--release-key", "/bench/release.pem")
    judge(f"the first bundle is installed in {time.monotonic() - began:.0f} s", done.returncode == 0, done)
    judge("the bundle brought PC/SC", shown("ActiveState", "pcscd.socket") == "active", run(["dpkg", "--list", *LACKING]))
    judge(
        "its card reader's process runs", wait_for(lambda: shown("ActiveState", CARDS) == "active", 30), run(["systemctl", "status", CARDS])
    )
    judge("its recorder is ready", runs("first", NAMES["first-version"]), status())
    judge("the key was made, and its public half is there to be registered", (ETC / "device.pem").exists())
    judge("the start entry names the bundle", ledger()[0]["detail"].get("bundle") == NAMES["first"], ledger()[0])
    again = installer("install", "/bench/first.bundle")
    judge("the same bundle again changes nothing", again.returncode == 0 and "nothing was changed" in again.stdout, again)


def stops() -> bool:
    """Held, and pressed: on a machine that is busy the edges may come too late, as an officer's may, who does it again."""
    press("down", "wait 2.5", "up", "wait 0.5", "down", "up")
    return wait_for(lambda: state() == "standby", 15)


def updates() -> None:
    """What is refused, what comes, what goes back by itself."""
    press("down", "up", "wait 0.8", "down", "up")
    judge("it records", wait_for(lambda: state() == "recording", 20), state())
    pid = shown("MainPID")
    refused = update("newer")
    judge("an update while it records is refused with 75", refused.returncode == 75 and shown("MainPID") == pid, refused)
    judge("it stops", any(stops() for _ in range(4)), state())
    undocked = run(["bodycamd", "bundle", "update", "/bench/newer.bundle"])
    judge("so is one that nobody says is docked", undocked.returncode == 75, undocked)
    pid = shown("MainPID")
    for name, code, why in (("strangers", 77, "not signed"), ("unhealthy", 69, "a library is missing")):
        refused = update(name)
        untouched = shown("MainPID") == pid and os.readlink(OPT / "current") == NAMES["first-version"]
        judge(
            f"{name}: refused with {code}, what runs is untouched",
            refused.returncode == code and why in refused.stderr and untouched,
            refused,
        )
    config = ETC / "bodycamd.yaml"
    before = config.read_text(encoding="utf-8")
    config.write_text(before + "gestures: { hold: 3 }\n", encoding="utf-8")
    refused = update("newer")
    of_then = before.replace("adapter: simulated,", "adapter: simulated, battery: { supply: BAT0 },")
    config.write_text(of_then, encoding="utf-8")
    judge("a configuration that it refuses: 78 with the key", refused.returncode == 78 and "gestures.hold" in refused.stderr, refused)
    began = time.monotonic()
    done = update("newer")
    judge(f"the newer bundle comes into use in {time.monotonic() - began:.0f} s", done.returncode == 0 and runs("newer", "900.0.1"), done)
    kept = (ETC / "bodycamd.yaml.before-migration").read_text(encoding="utf-8")
    rewritten = of_then.replace("supply: BAT0", "supply: BAT0, gauge: kernel")
    judge("a configuration of then is migrated", (config.read_text(encoding="utf-8"), kept) == (rewritten, of_then), config.read_text())
    told = [entry["detail"].get("configuration", "") for entry in ledger() if entry["type"] == "software_changed"]
    judge("the ledger says what of it", told == ["", "board.battery.gauge"], told)
    judge("an older one is refused", update("first").returncode == 77)
    dead = update("not-ready")
    judge("one that does not become ready rolls back by itself", dead.returncode == 69 and runs("newer", "900.0.1"), dead)


def taken_off() -> None:
    """Somebody who is nowhere root takes the recording off, and can change nothing."""
    for user, groups in (("u-t-01", "bodycam,bodycam-offload"), ("u-t-02", "bodycam")):
        run(["useradd", "--create-home", "--groups", groups, user])
        run(["runuser", "-u", user, "--", "mkdir", f"/home/{user}/copy"])
    offload = ["bodycamd", "offload", "--same-disk", "--to"]
    refused = run(["runuser", "-u", "u-t-02", "--", *offload, "/home/u-t-02/copy"])
    judge("who may only ask takes nothing off", refused.returncode == 77 and "bodycam-offload" in refused.stderr, refused)
    done = run(["runuser", "-u", "u-t-01", "--", *offload, "/home/u-t-01/copy"])
    judge("a member of bodycam-offload takes the recording off", done.returncode == 0 and "1 recording" in done.stdout, done)
    verified = run(["bodycamd", "verify", "--store", "/home/u-t-01/copy", "--device-key", ETC / "device.pem"])
    judge("the copy verifies", verified.returncode in (0, 3), verified)  # 3: gaps that a busy machine made, and that are stated

    def callers() -> list[dict[str, Any]]:
        return [entry["detail"]["caller"] for entry in ledger() if entry["type"] == "offloaded"]

    expected = [{"via": "control_socket", "uid": pwd.getpwnam("u-t-01").pw_uid}]
    judge("the ledger says who did it", wait_for(lambda: callers() == expected, 10), callers())
    pid = shown("MainPID", "bodycamd-offload.service")
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines())
    own = str(pwd.getpwnam("bodycam-offload").pw_uid)
    rights = (set(status["Uid"].split()), int(status["CapEff"], 16), int(status["CapBnd"], 16))
    judge("what reads it out may read, and has no other right", rights == ({own}, CAP_DAC_READ_SEARCH, CAP_DAC_READ_SEARCH), rights)
    inside = ["nsenter", f"--target={pid}", "--mount", "--"]
    seen = run([*inside, "ls", "-A", STATE]).stdout.split()
    judge("it sees the store, and no key of the camera", seen == ["store"], seen)
    written = run([*inside, "touch", STATE / "store" / "x"])
    judge("not even root could write there", written.returncode != 0 and "Read-only" in written.stderr, written)


def interrupted() -> None:
    """The installer dies amid the trial; the unit that runs before the recorder at boot leads back."""
    unit = Path("/run/systemd/system/bodycamd.service.d/slow.conf")
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text("[Service]\nExecStartPre=/bin/sleep 20\n", encoding="utf-8")
    child = subprocess.Popen(["bodycamd", "bundle", "update", "/bench/last.bundle", "--docked"], stderr=subprocess.DEVNULL)
    judge("an update is on trial", wait_for(lambda: os.readlink(OPT / "current") == "900.0.4", 120))
    child.send_signal(signal.SIGKILL)
    child.wait()
    unit.unlink()
    run(["systemctl", "stop", "bodycamd.service"])
    run(["systemctl", "daemon-reload"])
    settled = run(["systemctl", "start", "bodycamd-settle.service"])
    judge(
        "the boot leads it back",
        settled.returncode == 0 and os.readlink(OPT / "current") == "900.0.1",
        shown("Result", "bodycamd-settle.service"),
    )
    run(["systemctl", "start", "bodycamd.service"])
    judge("and the version before starts", runs("newer", "900.0.1"))


def back_and_off() -> None:
    """A technician goes back, and takes it off."""
    done = run(["bodycamd", "bundle", "rollback", "--docked"])
    judge("it rolls back", done.returncode == 0 and runs("first", NAMES["first-version"]), done)
    expected = [
        ("installed", NAMES["first-version"], ""),
        ("updated", "900.0.1", ""),
        ("updated", "900.0.3", ""),
        ("rolled_back", "900.0.1", "not_ready"),
        ("updated", "900.0.4", ""),
        ("rolled_back", "900.0.1", "interrupted"),
        ("rolled_back", NAMES["first-version"], "asked"),
    ]
    judge("the ledger states all of it, once", changes() == expected, changes())
    listed: list[Any] = json.loads(run(["bodycamd", "recordings", "list", "--store", STATE / "store", "--json"]).stdout)
    judge("the recording is still there", len(listed) == 1, listed)
    held = run(["bodycamd", "hold", "add", listed[0]["recording"], *HELD])
    kept = run(["bodycamd", "bundle", "remove", "--footage"])
    judge("held footage is not removed", held.returncode == 0 and kept.returncode == 77 and (STATE / "store").exists(), (held, kept))
    gone = run(["bodycamd", "bundle", "remove"])
    clean = not OPT.exists() and not list(Path("/etc/systemd/system").glob("bodycamd*")) and (STATE / "store").exists()
    judge("the software is removed, the footage stays", gone.returncode == 0 and clean, gone)


def main() -> None:
    first()
    updates()
    taken_off()
    interrupted()
    back_and_off()
    with (BENCH / "result").open("a", encoding="utf-8") as result:
        result.write("END\n")


if __name__ == "__main__":
    main()
