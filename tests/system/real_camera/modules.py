"""What the camera modules tell of themselves, from dumps that people published. Data only; used inside the root.

- imx708: modes raspberrypi/rpicam-apps #533, controls raspberrypi/rpicam-apps #548.
- imx219: modes raspberrypi/picamera2 #683.
- imx477: modes raspberrypi/documentation, computers/camera_software (`rpicam-hello --list-cameras`); no focus control: picamera2 #875.
- imx296: modes and controls AllskyTeam/allsky #3632.

Of imx219 and imx477 no full list of controls was found: they get the imx296's, which is that of every Raspberry Pi module without a focus
motor, with the frame times of their own modes.
"""

from __future__ import annotations

from typing import Any

Limits = tuple[Any, Any]

NO_MOTOR: dict[str, Limits] = {
    "AeConstraintMode": (0, 3),
    "AeEnable": (False, True),
    "AeExposureMode": (0, 3),
    "AeMeteringMode": (0, 3),
    "AnalogueGain": (1.0, 251.188644),
    "AwbEnable": (False, True),
    "AwbMode": (0, 7),
    "Brightness": (-1.0, 1.0),
    "ColourGains": (0.0, 32.0),
    "Contrast": (0.0, 32.0),
    "ExposureTime": (29, 0),
    "ExposureValue": (-8.0, 8.0),
    "NoiseReductionMode": (0, 4),
    "Saturation": (0.0, 32.0),
    "Sharpness": (0.0, 16.0),
}
MOTOR: dict[str, Limits] = {
    **NO_MOTOR,
    "AfMetering": (0, 1),
    "AfMode": (0, 2),
    "AfPause": (0, 2),
    "AfRange": (0, 2),
    "AfSpeed": (0, 1),
    "AfTrigger": (0, 1),
    "LensPosition": (0.0, 32.0),
}

Mode = tuple[int, int, int, float, tuple[int, int, int, int]]
"""Width, height, bits, frames per second, crop."""

IMX708: list[Mode] = [
    (1536, 864, 10, 120.13, (768, 432, 3072, 1728)),
    (2304, 1296, 10, 56.03, (0, 0, 4608, 2592)),
    (4608, 2592, 10, 14.35, (0, 0, 4608, 2592)),
]
MODULES: dict[str, tuple[dict[str, Limits], list[Mode]]] = {
    "imx708": (MOTOR, IMX708),
    "imx708_wide": (MOTOR, IMX708),
    "imx219": (
        NO_MOTOR,
        [
            (640, 480, 10, 103.33, (1000, 752, 1280, 960)),
            (1640, 1232, 10, 41.85, (0, 0, 3280, 2464)),
            (1920, 1080, 10, 47.57, (680, 692, 1920, 1080)),
            (3280, 2464, 10, 21.19, (0, 0, 3280, 2464)),
        ],
    ),
    "imx477": (
        NO_MOTOR,
        [
            (1332, 990, 10, 120.05, (696, 528, 2664, 1980)),
            (2028, 1080, 12, 50.03, (0, 440, 4056, 2160)),
            (2028, 1520, 12, 40.01, (0, 0, 4056, 3040)),
            (4056, 3040, 12, 10.0, (0, 0, 4056, 3040)),
        ],
    ),
    "imx296": (NO_MOTOR, [(1456, 1088, 10, 60.38, (0, 0, 1456, 1088))]),
}
