"""What the control notes for the ledger: each type of entry, when it is noted, and its fields in brackets (times in CLOCK_BOOTTIME µs).

The writer itself states recordings, segments and gaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NOTED: Final[Mapping[str, str]] = {
    "warning": "a warning was played, skipped or failed [recording (null: refused), outcome, file_sha256, pressed_us, ended_us, detail]",
    "marker": "the officer marked [recording, at_us, cause: tap | continued | latched_press]",
    "button_held": "the button was down for 10 s while recording: no stop [recording, at_us]",
    "help_not_sent": "nobody confirmed in time that a call for help had reached somebody [number, called_us]",
    "press_latched": "a press while starting was honoured when ready [at_us, waited_us]",
    "press_refused": "a press could not be honoured "
    "[reason: storage_full | warning_failed | shutdown | battery_critical | worker_stuck, at_us]",
    "button_stuck": "the button is down far longer than any hold [at_us]",
    "button_freed": "it came up again [at_us]",
    "worker_stuck": "the kernel does not end a capture worker that was killed: it may hold the camera [at_us]",
    "worker_freed": "no capture worker is stuck any more [at_us]",
    "capture_flowing": "the first fragment of a generation arrived [generation, encoder, frame_rate]",
    "view": "what the camera of a generation is set to and sees [generation, module, board, sensor_width, sensor_height, mode_width, "
    "mode_height, bit_depth, crop_x, crop_y, crop_width, crop_height, seen_percent, rotation, flip, focus, dioptres, tuning_file, encoder, "
    "width, height, frame_rate, night_frame_rate, differs]",
    "capture_stalled": "frames stopped, the worker is being replaced [generation, reason, last_frame_us]",
    "audio_changed": "the sound became live, off or lost [generation, audio]",
    "microphone_opened": "sound comes from this device, of this sound card [generation, device]",
    "audio_silent": "the microphone gave digital silence for 5 s, or gives sound again [generation, silent]",
    "voice_ready": "the voice can speak again [detail]",
    "voice_failed": "the voice cannot speak [detail]",
    "write_failed": "a disk operation failed [operation, reason]",
    "disk_changed": "the disk became unusable, or usable again [usable, reason]",
    "ring_overflowed": "footage was dropped because the disk was too slow [fragments, dropped_us]",
    "seal_forced": "the recording was sealed without its last fragment, 3 s after its end [recording, end_us]",
    "storage_changed": "[level: ok | low | full, minutes_left]",
    "battery_changed": "[level: ok | low | critical, percent]",
    "board_changed": "[condition: hot | throttled | under_voltage | gauge_silent | sensors_silent | card_reader_silent | "
    "worker_missing, change: began | ended, detail]",
    "card_refused": "a card was shown and changed no shift "
    "[reason: unknown_card | unreadable_card | random_card | recording | starting | leaving]",
    "clock_changed": "[trusted, source, step_us]",
    "resume_declined": "an open recording was not resumed "
    "[recording, reason: too_old | storage_full | power_loss | reset_unknown | clock_untrusted, age_us]",
    "resumed_after_reset": "a recording is resumed though the machine began anew "
    "[recording, cause: recording | reboot_asked, reset: watchdog | unknown, age_us]",
    "failing": "five or more resumes within a minute [resumes]",
    "leaving": "the daemon is to end, and with a stuck worker the machine begins anew "
    "[reason: shutdown | battery_critical | worker_stuck, power_off]",
    "left_unsealed": "it ended with a recording that would not be sealed; the next start recovers it [recording]",
}
