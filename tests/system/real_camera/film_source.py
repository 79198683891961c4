"""Inside the root: the `picamera2` source alone, for some seconds; one JSON object of what came, on standard output."""

from __future__ import annotations

import json
import sys
import time

from bodycamd.camera.capture.sources.picamera import PiCamera
from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.config.settings import VideoSettings
from bodycamd.linux.clock import boottime_us


def main(seconds: float, film: str) -> None:
    frames: list[EncodedFrame] = []
    errors: list[str] = []
    camera = PiCamera(VideoSettings(width=1280, height=720, frame_rate=30, bit_rate=6_000_000))
    begun_us = boottime_us()
    camera.open(frames.append, errors.append)
    opened_us = boottime_us()
    time.sleep(seconds)
    asked_us = boottime_us()
    camera.close()
    closed_us = boottime_us()
    late = len(frames)
    time.sleep(0.3)
    with open(film, "wb") as file:
        file.writelines(frame.data for frame in frames)
    told = {
        "encoder": camera.encoder,
        "size": [camera.width, camera.height],
        "frame_rate": camera.frame_rate,
        "begun_us": begun_us,
        "opened_us": opened_us,
        "asked_us": asked_us,
        "closed_us": closed_us,
        "after_close": len(frames) - late,
        "errors": errors,
        "pts_us": [frame.pts_us for frame in frames],
        "keyframes": [number for number, frame in enumerate(frames) if frame.keyframe],
        "bytes": sum(len(frame.data) for frame in frames),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2])
