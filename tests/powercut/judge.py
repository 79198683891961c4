"""What a power cut left, judged without bodycamd's own reading: tarfile, hashlib, json, the cryptography library.

The truth is the same store at the end of the work, when no cut happened: there everything was read whole, verified and decrypted once. Of a
cut it is owed: everything acknowledged, nothing else than the truth, one key, and a start.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from bodycamd.camera.recorder import resume_flag
from bodycamd.camera.recorder.store import Store
from bodycamd.errors import BodycamError
from bodycamd.linux.clock import SystemClock

NEWEST_US = 2_000_000
"""What a cut may cost of the newest footage."""
Segment = tuple[str, int]
ZERO = "0" * 64


class WrongError(Exception):
    """What was read is not what it should be."""


@dataclass(frozen=True)
class Fragment:
    """Where a fragment's triple ends in its segment, and what its statement says."""

    end: int
    seq: int
    sha256: str
    pts_us: int
    end_us: int


@dataclass
class Ledger:
    """The chain as far as it is whole. `start_keys` are the raw public keys that signed the starts, `keys` all that ever signed, by id;
    `next_key` is the one that the next start must have."""

    entries: list[dict[str, Any]]
    start_keys: dict[int, bytes]
    keys: dict[str, bytes]
    next_key: bytes
    unstated: list[dict[str, Any]]

    def details(self, kind: str) -> list[dict[str, Any]]:
        return [entry["detail"] for entry in self.entries if entry["type"] == kind]


@dataclass
class Truth:
    """The end of the work. `fragments` by segment and index (0 is the init segment)."""

    registered: bytes
    segments: dict[Segment, bytes]
    fragments: dict[Segment, dict[int, Fragment]]
    ledger: Ledger
    ledger_files: dict[str, bytes]

    def last_end_us(self, recording: str) -> int:
        return max((f.end_us for s, found in self.fragments.items() if s[0] == recording for i, f in found.items() if i), default=0)


@dataclass
class Promised:
    """What had been promised when the power went, from the events of the control socket, and the instant (CLOCK_BOOTTIME), where known."""

    durable: list[dict[str, Any]]
    sealed: list[str]
    ready: list[int]
    cut_us: int | None = None


@dataclass
class Verdict:
    """Every complaint, by kind: `unopened`, `lost`, `wrong`, `keys`, `late`, `unstable`, `file system`."""

    complaints: dict[str, list[str]] = field(default_factory=dict)
    newest_lost_us: int = 0
    checked: int = 0

    def add(self, kind: str, complaint: str) -> None:
        self.complaints.setdefault(kind, []).append(complaint)


# --- reading ----------------------------------------------------------------------------------------------------------------------------


def snapshot(store: Path) -> tuple[dict[str, bytes], dict[Segment, tuple[str, bytes]]]:
    """The ledger's files by name, and the segments by recording and number with their present name."""
    ledger = {path.name: path.read_bytes() for path in sorted((store / "ledger").glob("*"))}
    segments: dict[Segment, tuple[str, bytes]] = {}
    for path in sorted((store / "recordings").glob("*/*")):
        key = path.parent.name, int(path.name[:6])
        if key in segments:
            raise WrongError(f"{key} stands there twice: {segments[key][0]} and {path.name}")
        segments[key] = path.name, path.read_bytes()
    return ledger, segments


def read_ledger(files: dict[str, bytes], registered: bytes) -> Ledger:
    """Follow the chain from the registered key. A torn end is allowed where the next start states it. Raises `WrongError`."""
    ledger = Ledger([], {}, {}, registered, [])
    head = ZERO
    for name, content in sorted(files.items()):
        start, good, key = int(name[:6]), 0, ledger.next_key
        for raw in content.split(b"\n")[:-1]:
            entry = _whole_line(raw, key)
            if entry is None:
                break
            detail = entry["detail"]
            if entry["prev"] != head:
                raise WrongError(f"{name}: the chain is broken at byte {good}")
            if not good:
                _check_start(name, entry, ledger)
                ledger.unstated = []
                ledger.start_keys[start], ledger.next_key = key, bytes.fromhex(detail["next_public_key"])
                key = bytes.fromhex(detail.get("ram_public_key", detail["public_key"]))
            elif entry["type"] == "key_changed":
                key = bytes.fromhex(detail["public_key"])
            ledger.keys[hashlib.sha256(key).hexdigest()] = key
            head = hashlib.sha256(raw).hexdigest()
            good += len(raw) + 1
            ledger.entries.append(entry)
        if good < len(content):
            ledger.unstated.append({"file": name, "good_bytes": good, "torn_bytes": len(content) - good} | _hashes(content, good))
    return ledger


def _check_start(name: str, entry: dict[str, Any], ledger: Ledger) -> None:
    stated = entry["detail"].get("torn_ledgers", [])
    found = [{key: value for key, value in torn.items() if not stated or key in stated[0]} for torn in ledger.unstated]
    if entry["type"] != "start" or stated != found:
        raise WrongError(f"{name}: states {stated}, found torn {found}")


def _hashes(content: bytes, good: int) -> dict[str, str]:
    return {"sha256": hashlib.sha256(content[:good]).hexdigest(), "torn_sha256": hashlib.sha256(content[good:]).hexdigest()}


def _whole_line(raw: bytes, key: bytes) -> dict[str, Any] | None:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(raw[:88], validate=True), raw[89:])
    except (ValueError, InvalidSignature):
        return None
    entry: dict[str, Any] = json.loads(raw[89:])
    return entry if entry["key"] == hashlib.sha256(key).hexdigest() else None


def read_segment(content: bytes, keys: dict[str, bytes], open_age: Callable[[bytes], object]) -> dict[int, Fragment]:
    """Every whole triple, its hashes and signature verified and its age file decrypted. Raises `WrongError`, or what is raised below."""
    found: dict[int, Fragment] = {}
    waiting: dict[str, bytes] = {}
    prev = ""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in archive:
                end = member.offset_data + -(-member.size // 512) * 512
                if end > len(content):
                    break
                index, kind = int(member.name[:6]), member.name[7:]
                waiting[kind] = content[member.offset_data : member.offset_data + member.size]
                if kind != "sig":
                    continue
                statement = json.loads(waiting["json"])
                age = waiting["init.mp4.age" if index == 0 else "m4s.age"]
                Ed25519PublicKey.from_public_bytes(keys[statement["key"]]).verify(waiting["sig"], waiting["json"])
                if statement["sha256"] != hashlib.sha256(age).hexdigest() or (prev and statement["prev"] != prev):
                    raise WrongError(f"{member.name}: not as stated")
                open_age(age)
                prev = hashlib.sha256(waiting["json"]).hexdigest()
                pts_us = statement.get("pts_us", 0)
                end_us = pts_us + statement.get("duration_us", 0)
                found[index] = Fragment(end, statement.get("seq", 0), statement["sha256"], pts_us, end_us)
                waiting = {}
    except tarfile.ReadError:
        pass  # a torn end; how far it is good is compared by the caller
    return found


def read_truth(disk: Path, registered: bytes, identity: Path) -> Truth:
    """Read the store at the end of the work, and decrypt all of it."""
    opener = pyrage.x25519.Identity.from_str(identity.read_text().split()[0])
    ledger_files, segments = snapshot(disk / "store")
    ledger = read_ledger(ledger_files, registered)
    contents = {key: content for key, (_, content) in segments.items()}
    fragments = {key: read_segment(content, ledger.keys, lambda age: pyrage.decrypt(age, [opener])) for key, content in contents.items()}
    return Truth(registered, contents, fragments, ledger, ledger_files)


def key_files(signing: Path) -> dict[str, bytes]:
    """The raw public half of every key file that is whole."""
    found: dict[str, bytes] = {}
    for path in sorted(signing.glob("*.key")):
        try:
            private = load_pem_private_key(path.read_bytes(), password=None)
        except ValueError:
            continue
        assert isinstance(private, Ed25519PrivateKey)
        found[path.name] = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return found


# --- judging ----------------------------------------------------------------------------------------------------------------------------


def judge(disk: Path, truth: Truth, promised: Promised) -> Verdict:
    """Judge what a cut left in `disk`: look, let the product start twice, and look again."""
    verdict = Verdict()
    try:
        before_ledger, before = snapshot(disk / "store")
        found = read_ledger(before_ledger, truth.registered)
        _judge_keys(disk, found, truth, promised, verdict)
        _judge_flag(disk, found, promised, verdict)
        try:
            _start(disk)
        except BodycamError as error:
            verdict.add("unopened", str(error))
            return verdict
        after_ledger, after = snapshot(disk / "store")
        if {name: after_ledger.get(name) for name in before_ledger} != before_ledger:
            verdict.add("wrong", "an earlier start's ledger was changed")
        if {key: content for key, (_, content) in after.items()} != {key: content for key, (_, content) in before.items()}:
            verdict.add("wrong", "an earlier start's segment was changed")
        ledger = read_ledger(after_ledger, truth.registered)
        if [*key_files(disk / "signing").values()] != [ledger.next_key]:
            verdict.add("keys", f"after the start there is not exactly the named key: {[*key_files(disk / 'signing')]}")
        good = _judge_segments(after, ledger, truth, verdict)
        _judge_promises(good, ledger, truth, promised, verdict)
        if promised.cut_us is not None:
            _judge_newest(good, truth, promised.cut_us, verdict)
        _start(disk)
        if snapshot(disk / "store")[1] != after:
            verdict.add("unstable", "a second recovery changed recordings")
    except WrongError as error:
        verdict.add("wrong", str(error))
    return verdict


def _start(disk: Path) -> None:
    """The product's own start after a power cut: another boot."""
    boot = "after-the-cut"
    store = Store.open(disk / "store", signing=disk / "signing", device_id="test-1", clock=SystemClock(), config_sha256=ZERO, boot_id=boot)
    store.close()


def _judge_keys(disk: Path, ledger: Ledger, truth: Truth, promised: Promised, verdict: Verdict) -> None:
    held = key_files(disk / "signing")
    accepted = [name for name, raw in held.items() if raw == ledger.next_key]
    if len(accepted) != 1:
        verdict.add("keys", f"{len(accepted)} keys are accepted; there are {sorted(held)}")
    for start in promised.ready:
        if start not in ledger.start_keys:
            verdict.add("lost", f"start {start} had begun and is not in the ledger")
        if truth.ledger.start_keys[start] in held.values():
            verdict.add("keys", f"the key of start {start} was to be erased and is there")


def _judge_flag(disk: Path, ledger: Ledger, promised: Promised, verdict: Verdict) -> None:
    """The flag that lets a recording continue serves once, and only while that recording is open."""
    try:
        flag = json.loads((disk / "signing" / resume_flag.NAME).read_bytes())
    except (FileNotFoundError, ValueError):  # torn: nobody can read it
        return
    recording = flag["recording"]
    if flag["cause"] == "recording" and recording in {entry["recording"] for entry in ledger.details("recording_closed")}:
        verdict.add("flag", f"{recording} is closed, and may continue after a reset")
    if any(start > int(recording[:6]) for start in promised.ready):
        verdict.add("flag", f"a later start has been, and {recording} may continue after a reset")


def _judge_segments(after: dict[Segment, tuple[str, bytes]], ledger: Ledger, truth: Truth, verdict: Verdict) -> dict[Segment, int]:
    """How many bytes of each segment are good by the ledger's word, which is checked."""
    good = good_bytes(after, ledger, lambda complaint: verdict.add("wrong", complaint))
    for key, length in good.items():
        if after[key][1][:length] != truth.segments.get(key, b"")[:length]:
            verdict.add("wrong", f"{key}: bytes that were never written")
    return good


def good_bytes(segments: dict[Segment, tuple[str, bytes]], ledger: Ledger, complain: Callable[[str], None]) -> dict[Segment, int]:
    """How many bytes of each segment the ledger states as good, names, sizes and hashes compared."""
    good: dict[Segment, int] = {}
    for kind, size_of in (("segment_sealed", "size"), ("segment_recovered", "good_bytes")):
        for entry in ledger.details(kind):
            key = entry["recording"], entry["segment"]
            name, content = segments.get(key, ("", b""))
            whole = entry[size_of]
            if name != entry["file"] or len(content) != whole + entry.get("torn_bytes", 0):
                complain(f"{kind} {key}: {entry['file']} of {whole} good bytes; there is {name!r} of {len(content)}")
            elif hashlib.sha256(content[:whole]).hexdigest() != entry["sha256"]:
                complain(f"{kind} {key}: other bytes than stated")
            elif kind == "segment_recovered" and name.endswith(".part"):
                complain(f"{kind} {key}: still named {name}")
            else:
                good[key] = whole
    for key, (name, _) in segments.items():
        if key not in good:
            complain(f"nothing is stated about {key}, {name}")
    return good


def read_store(store: Path, registered: bytes, open_age: Callable[[bytes], object]) -> tuple[Ledger, dict[Segment, dict[int, Fragment]]]:
    """A store after a recovery: every fragment that is good by the ledger's word, read and verified. Raises `WrongError`."""

    def complain(complaint: str) -> None:
        raise WrongError(complaint)

    ledger_files, segments = snapshot(store)
    ledger = read_ledger(ledger_files, registered)
    good = good_bytes(segments, ledger, complain)
    return ledger, {key: read_segment(segments[key][1][:length], ledger.keys, open_age) for key, length in good.items()}


def _judge_promises(good: dict[Segment, int], ledger: Ledger, truth: Truth, promised: Promised, verdict: Verdict) -> None:
    for event in promised.durable:
        key = event["recording"], event["segment"]
        fragment = truth.fragments[key].get(event["index"])
        assert fragment is not None
        assert (fragment.seq, fragment.sha256) == (event["seq"], event["sha256"])
        verdict.checked += 1
        if fragment.end > good.get(key, 0):
            verdict.add("lost", f"{key} fragment {event['index']}")
    closed = {entry["recording"] for entry in ledger.details("recording_closed")}
    sealed = {(entry["recording"], entry["segment"]) for entry in ledger.details("segment_sealed")}
    for recording in promised.sealed:
        if recording not in closed or not {key for key in truth.segments if key[0] == recording} <= sealed:
            verdict.add("lost", f"{recording} was said to be sealed, and the ledger does not know it")


def _judge_newest(good: dict[Segment, int], truth: Truth, cut_us: int, verdict: Verdict) -> None:
    """Footage from the recording's begin to the cut, or to its end, against what is good."""
    for opened in truth.ledger.details("recording_opened"):
        recording, begin_us = opened["recording"], opened["keep_from_us"]
        kept = [
            fragment.end_us
            for key, fragments in truth.fragments.items()
            for index, fragment in fragments.items()
            if key[0] == recording and index and fragment.end <= good.get(key, 0)
        ]
        lost_us = min(cut_us, truth.last_end_us(recording)) - max([begin_us, *kept])
        verdict.newest_lost_us = max(verdict.newest_lost_us, lost_us)
        if lost_us > NEWEST_US:
            verdict.add("late", f"{recording}: the newest {lost_us / 1e6:.2f} s are lost")
