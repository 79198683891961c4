"""What the wiring page makes of a configuration."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bodycamd.camera.control.state import Policy
from bodycamd.camera.daemon.wiring import build_policy
from bodycamd.config.load import load
from tests.kit.camera import WARNING, Camera


def test_the_policy_is_the_configured_one(tmp_path: Path) -> None:
    """Each value another one than where nothing is configured, as far as there is a choice."""
    chosen = {
        "pre_event_seconds": 7,
        "pre_event_audio": True,
        "post_event_seconds": 9,
        "record_warning": True,
        "on_warning_failure": "refuse",
        "reminder_seconds": 33,
        "storage": {"when_full": "stop"},
    }
    policy = build_policy(load(Camera(tmp_path, chosen).config))
    assert policy == Policy(
        pre_event_us=7_000_000,
        pre_event_audio=True,
        post_event_us=9_000_000,
        record_warning=True,
        on_warning_failure="refuse",
        audio=True,
        reminder_us=33_000_000,
        warning_us=policy.warning_us,
        when_full="stop",
        warning_sha256=hashlib.sha256(WARNING.read_bytes()).hexdigest(),
    )
    assert policy.warning_us > 1_000_000
