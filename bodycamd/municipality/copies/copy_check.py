"""What verification says of `copy.jsonl`: whether its lines hold together, who signed them, and that they speak of this ledger."""

from __future__ import annotations

from bodycamd.evidence.copy_record import COPY_FILE
from bodycamd.municipality.copies.copies import CopyRecord
from bodycamd.municipality.verify.ledger_account import LedgerAccount
from bodycamd.municipality.verify.verdicts import Findings


def check_copy(record: CopyRecord, account: LedgerAccount, findings: Findings) -> None:
    """Add what is wrong with the record. `account` was asked for its heads (`LedgerAccount.wanted`).

    Lines whose ledger line was dropped by the ledger's shortening cannot be shown to belong here, and are not looked up.
    """
    if record.failure:
        findings.add("altered", COPY_FILE, record.failure)
    if record.unknown:
        more = f", and {len(record.unknown) - 1} more" if len(record.unknown) > 1 else ""
        findings.add("unverifiable", record.unknown[0], f"signed by a key that is not in --people{more}")
    if account.checkpoint:
        return
    for head, where in record.heads.items():
        if head in account.openings or head == account.head:
            continue
        if account.failure is not None:
            findings.add("unverifiable", where, "the ledger breaks off before the line that it was signed after")
        else:
            findings.add("altered", where, "the ledger has no such line as it was signed after: of another copy, or the ledger is cut")
        return
