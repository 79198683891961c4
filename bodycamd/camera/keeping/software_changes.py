"""Which changes of the software the ledger does not state yet: the installer's record against the verified entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bodycamd.camera.installation.installed import Change
from bodycamd.evidence.noted_entries import SoftwareChanged
from bodycamd.evidence.statements import Stated


class UnstatedChanges:
    """The changes of the record, less those that the ledger has. Where old entries of the ledger were dropped, a change that only they
    stated may be stated once more: with the same number.
    """

    def __init__(self, recorded: Sequence[Change]) -> None:
        self._recorded = recorded
        self._stated = 0

    def take(self, detail: Stated | None) -> None:
        """The detail of one verified entry, oldest first."""
        if isinstance(detail, SoftwareChanged):
            self._stated = max(self._stated, detail.number)

    @property
    def unstated(self) -> tuple[Change, ...]:
        """The changes that the ledger does not have, oldest first."""
        return tuple(change for change in self._recorded if change.number > self._stated)

    def state(self, append: Callable[[str, Stated], object]) -> None:
        """Append what is missing to the ledger, oldest first."""
        for change in self.unstated:
            append("software_changed", entry_of(change))
            self._stated = change.number


def entry_of(change: Change) -> SoftwareChanged:
    """The change as the ledger states it."""
    return SoftwareChanged(
        number=change.number,
        outcome=change.outcome,
        version=change.version,
        bundle=change.bundle,
        left_version=change.left_version,
        left_bundle=change.left_bundle or None,
        reason=change.reason,
        configuration=change.configuration,
    )
