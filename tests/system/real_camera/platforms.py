"""Inside the root: for each Pi model, the video devices that its kernel shows; picamera2's own detection reads them, our choice follows.

One JSON object on standard output: model → platform, the encoder stated, the class that would be used.
"""

from __future__ import annotations

import builtins
import fcntl
import importlib
import json
import os
from typing import Any
from unittest import mock

CODEC = {"/dev/video10": "bcm2835-codec-decode", "/dev/video11": "bcm2835-codec-encode", "/dev/video12": "bcm2835-codec-isp"}
ISP = {f"/dev/video{number}": "bcm2835-isp" for number in range(13, 17)}
MODELS = {
    "Pi Zero 2 W": {"/dev/video0": "unicam"} | CODEC | ISP,
    "Pi 3": {"/dev/video0": "unicam"} | CODEC | ISP,
    "Pi 4": {"/dev/video0": "unicam", "/dev/video19": "rpivid"} | CODEC | ISP,
    "Pi 5": {f"/dev/video{number}": "rp1-cfe" for number in range(8)}
    | {"/dev/video19": "rpi-hevc-dec"}
    | {f"/dev/video{number}": "pispbe" for number in range(20, 36)},
    "no Pi": {"/dev/video0": "Integrated Camera"},
    "no video device": {},
}


def choice(devices: dict[str, str]) -> dict[str, str]:
    import picamera2.platform

    from bodycamd.camera.capture.sources.picamera import PiCamera
    from bodycamd.config.settings import VideoSettings

    exists, opened, ioctl = os.path.exists, builtins.open, fcntl.ioctl
    cards: dict[int, str] = {}

    def open_device(path: Any, *arguments: Any, **options: Any) -> Any:
        if path not in devices:
            return opened(path, *arguments, **options)
        file = opened("/dev/null", "rb+", buffering=0)
        cards[file.fileno()] = devices[path]
        return file

    def query(file: Any, request: int, caps: Any, *more: Any) -> Any:
        number = file if isinstance(file, int) else file.fileno()
        if number not in cards:
            return ioctl(file, request, caps, *more)
        for place, byte in enumerate(cards[number].encode() + b"\0"):
            caps.card[place] = byte
        return 0

    with (
        mock.patch("os.path.exists", lambda path: path in devices if str(path).startswith("/dev/video") else exists(path)),
        mock.patch("builtins.open", open_device),
        mock.patch("fcntl.ioctl", query),
    ):
        importlib.reload(picamera2.platform)
        camera = PiCamera(VideoSettings())
        encoder = camera._encoder()
    return {
        "platform": picamera2.platform.get_platform().name,
        "stated": camera.encoder,
        "class": f"{type(encoder).__mro__[1].__module__}.{type(encoder).__mro__[1].__name__}",
        "period": encoder.iperiod,
    }


if __name__ == "__main__":
    print(json.dumps({model: choice(devices) for model, devices in MODELS.items()}))
