"""The table of attacks as a page: `python -m tests.casework.attacks.table > docs/attacks.md`."""

from __future__ import annotations

from itertools import groupby

from bodycamd.casework.verdicts import EXIT_CODES, WORDS
from tests.casework.attacks import deletions, files, holds, ledgers, records, rollbacks, unsigned
from tests.casework.attacks.attack import ATTACKS, STORE

__all__ = ["ATTACKS", "page"]
assert deletions is not None
assert files is not None
assert holds is not None
assert ledgers is not None
assert records is not None
assert rollbacks is not None
assert unsigned is not None, "importing them registers the attacks"

HEAD = """# Attacks on the evidence, and what verification says

Generated from `tests/casework/attacks` (`python -m tests.casework.attacks.table > docs/attacks.md`); a test keeps it so.
Each row is a test: the attack is carried out on a store with three starts, with intact, deleted, recovered, gapped and open
recordings, and both verifiers (`bodycamd verify` and [verify.sh](verify.sh)) must say what the row says. Found *at* a recording,
or in the *store*: the ledger, the anchor, or beside the recordings.

What the attacker holds: *the card* means that he can read and write every file, but has no key. The key in use lives in the
camera's memory; the key file on the card can only begin the next start.

"""

TAIL = """## What nothing shows

- Whoever holds the running camera, or the key file and no anchor was handed out since, *is* the camera from then on: he may record,
  delete what is due, and state his own losses. He cannot change what was sealed before. If he also lies about both clocks for as long
  as the rules ask for, footage is deleted too early and his own entries bear it out.
- Footage that was written after the last anchor and before a theft can be cut off without a trace. Take anchors often: at every
  dock and upload.
- The newest lines of the record of a copy can be cut off, as the footage itself can be taken from the disk: then a hold at the copy is
  gone, or footage is *not yet received*; never intact. The camera's own copy of the footage is not touched by that.
- That the camera's clock was right: verification says what the camera said of it, and what that was worth.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    number = 0
    anchored = sum(attack.anchor_only for attack in ATTACKS)
    parts.append(f"{len(ATTACKS)} attacks: {len(ATTACKS) - anchored} are detected from inside, {anchored} with an anchor only.\n")
    for group, attacks in groupby(ATTACKS, key=lambda attack: attack.group):
        parts.append(f"\n## {group}\n\n| | attack | the attacker holds | found | at | exit code |\n|---|---|---|---|---|---|\n")
        for attack in attacks:
            number += 1
            found = WORDS[attack.verdict]
            if attack.anchor_only:
                found = f"with the anchor: {found}"
            where = "store" if attack.where == STORE else attack.where
            code = EXIT_CODES[attack.verdict]
            parts.append(f"| {number} | {attack.title} | {attack.holds} | {found} | {where} | {code} |\n")
    return "".join(parts) + "\n" + TAIL


if __name__ == "__main__":
    print(page(), end="")
