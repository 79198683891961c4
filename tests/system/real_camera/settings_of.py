"""Inside the root: `settings_of.py VIDEO_JSON SECONDS [FILM]` films with these settings on the stand-in that `BENCH_MODULE` names.

One JSON object: what was set and asked of the camera, the facts that would be stated, the frames' times, or the refusal.
"""

from __future__ import annotations

import importlib
import json
import sys
import time

import msgspec

from bodycamd.camera.capture.sources.picamera import PiCamera
from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.config.settings import VideoSettings
from bodycamd.errors import UnavailableError


def main(video: str, seconds: float, film: str | None = None) -> None:
    frames: list[EncodedFrame] = []
    errors: list[str] = []
    told: dict[str, object] = {}
    try:
        camera = PiCamera(msgspec.json.decode(video, type=VideoSettings))
        camera.open(frames.append, errors.append)
    except UnavailableError as error:
        told["refused"] = str(error)
    else:
        end = time.monotonic() + seconds
        while time.monotonic() < end or not frames:
            time.sleep(0.05)
        facts = camera.view()
        camera.close()
        told["facts"] = msgspec.to_builtins(facts)
    module = importlib.import_module("virtual_camera").module
    if module is not None:
        told |= {"set": module.set_to, "sensor": module.sensor, "orientation": str(module.orientation)}
    if film is not None:
        with open(film, "wb") as file:
            file.writelines(frame.data for frame in frames)
    told |= {"errors": errors, "pts_us": [frame.pts_us for frame in frames]}
    told["keyframes"] = [number for number, frame in enumerate(frames) if frame.keyframe]
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), *sys.argv[3:])
