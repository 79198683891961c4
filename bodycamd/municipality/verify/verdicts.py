"""What `bodycamd verify` says: one verdict for each recording, for the ledger and for what else lies in the store, and the exit code.

From best to worst; the worst one wins:

    intact         everything that was stated is there, byte for byte
    deleted        deleted as stated: the ledger says when and why
    held           held at the copy: the camera has deleted it, and a person whose key counts holds what is here, which is as was stated
    open           being written, or left so by a cut that no later start has stated yet: whole as far as it goes
    incomplete     something is not there, and the camera has stated the cause: a power cut, a gap, footage that the disk refused
    not_received   not yet received: the ledger states it, and no signed inventory of this copy says that it ever came here
    kept           kept beyond its deletion: the camera has deleted it, nothing holds it here, and what is here is as was stated
    unverifiable   nothing signed mentions it, or it cannot be read
    contradictory  the camera contradicts itself: what it signed cannot all be true
    against_rules  deleted against the rules: the camera states it, and its own entries show a hold, or that the days had not passed
    altered        altered or missing: what is there is not what was stated, or is not there

The last three end with 4: evidence is not, or was not treated, as the camera's word would have it. The first two of them are the camera's
own words and nobody else's: whoever has no key of its cannot cause them.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Verdict = Literal[
    "intact",
    "deleted",
    "held",
    "open",
    "incomplete",
    "not_received",
    "kept",
    "unverifiable",
    "contradictory",
    "against_rules",
    "altered",
]

_ORDER: tuple[Verdict, ...] = get_args(Verdict)
EXIT_CODES: dict[Verdict, int] = {
    "intact": 0,
    "deleted": 0,
    "held": 0,
    "open": 3,
    "incomplete": 3,
    "not_received": 3,
    "kept": 6,
    "unverifiable": 5,
    "contradictory": 4,
    "against_rules": 4,
    "altered": 4,
}
WORDS: dict[Verdict, str] = {
    "intact": "intact",
    "deleted": "deleted as stated",
    "held": "held at the copy",
    "open": "open",
    "not_received": "not yet received",
    "incomplete": "incomplete by a stated cause",
    "kept": "kept beyond its deletion",
    "unverifiable": "unverifiable",
    "contradictory": "contradicts itself",
    "against_rules": "deleted against the rules",
    "altered": "altered or missing",
}
MAX_FINDINGS = 50
"""Listed for each recording and for the store; more are counted only, so that a hostile store cannot flood the report."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that was found: what it means, where it is, what it is."""

    verdict: Verdict
    where: str
    what: str


class Findings(msgspec.Struct):
    """What was found in one place; `worst` of all of them, also of those that are counted only."""

    listed: list[Finding] = []
    unlisted: int = 0
    worst: Verdict = "intact"

    def add(self, verdict: Verdict, where: str, what: str) -> None:
        """Note a finding."""
        self.worst = worst(self.worst, verdict)
        if len(self.listed) < MAX_FINDINGS:
            self.listed.append(Finding(verdict, where, what))
        else:
            self.unlisted += 1


class RecordingReport(msgspec.Struct):
    """One recording. Times in microseconds are of the picture; `opened` and `clock` are the camera's wall clock and what it was worth."""

    recording: str
    verdict: Verdict = "intact"
    opened: str = ""
    clock: str = ""
    warning: str = ""
    closed: str = ""
    segments: int = 0
    fragments: int = 0
    bytes: int = 0
    duration_us: int = 0
    gap_us: int = 0
    audio_lost_us: int = 0
    findings: Findings = msgspec.field(default_factory=Findings)


class StoreReport(msgspec.Struct):
    """A whole store, or the whole ledger with one recording (`only`). `head` is the SHA-256 of the last line that verifies; `findings` are
    about ledger, anchor and stray files.
    """

    store: str
    only: str = ""
    verdict: Verdict = "intact"
    exit_code: int = 0
    device: str = ""
    starts: int = 0
    entries: int = 0
    head: str = ""
    last_wall: str = ""
    anchor: str = ""
    findings: Findings = msgspec.field(default_factory=Findings)
    recordings: list[RecordingReport] = []


def worst(*verdicts: Verdict) -> Verdict:
    """The one that wins."""
    return max(verdicts, key=_ORDER.index)
