"""Each durable step of the product. Without any of them a power cut must show a loss; a step that nothing misses has no business here."""

from __future__ import annotations

BY_EXT4 = (
    "fsync camera.recorder.recording._write",
    "fsync camera.recorder.recording._make_folder",
    "fsync camera.recorder.recording.seal_segment",
    "fsync camera.recorder.recovery._recover_segment",
    "fsync camera.recorder.resume_flag.lower",
    "fsync evidence.ledger.append",
    "fsync evidence.ledger._settle",
    "fsync linux.durable.create",
    "fsync linux.durable.make_folder",
    "fdatasync camera.recorder.recording.seal_segment",
)
"""Folders, and the end of an archive. On ext4 the `fdatasync` of a file whose size changed commits the journal, and with it every name so
far; and the 1,024 zero bytes that end an archive mostly fall in a block that is there and holds zeros. So there these steps show no
difference. POSIX promises nothing of the kind, and the disk of `posix` shows it."""

OF_THE_BLOCKS = ("fdatasync linux.durable.erase", "write linux.durable.erase")
"""A key that was not overwritten has no name any more, but stands in the blocks: only the logged device shows it."""

ON_EXT4 = (
    "fdatasync camera.recorder.recording._write",
    "fdatasync evidence.segment.recover",
    "fdatasync evidence.ledger.append",
    "fdatasync linux.durable.settle",
    "fdatasync linux.durable.create",
    *OF_THE_BLOCKS,
)
"""What the logged ext4 shows."""

ON_POSIX = tuple(step for step in (*BY_EXT4, *ON_EXT4) if step not in OF_THE_BLOCKS)
"""What the disk of `posix` shows."""

ENTRY = "fdatasync evidence.ledger.append"
ENTRIES_OF_RETENTION = tuple(f"{ENTRY} of {kind}" for kind in ("hold_added", "hold_released", "deleting"))
"""Of one kind of entry only. Not of `deleted`: nobody relies on it, and the next start makes it again."""

OF_DELETION = (
    "fsync retention.deletion._settle_removals",
    "fsync retention.deletion._settle_folder_removal",
)
"""Folders again, of what is deleted: `posix` shows it."""

ALL = frozenset((*ON_EXT4, *ON_POSIX))
