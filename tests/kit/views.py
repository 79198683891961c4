"""What a camera may say that it sees."""

from __future__ import annotations

from bodycamd.footage import ViewFacts

VIEW = ViewFacts(
    module="imx708",
    board="Raspberry Pi Zero 2 W Rev 1.0",
    rotation=0,
    focus="manual",
    dioptres=0.269,
    tuning_file="",
    encoder="libx264",
    width=1920,
    height=1080,
    frame_rate=30.0,
    differs="",
)
