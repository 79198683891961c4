"""The real picamera2 and libcamera on a machine without a camera.

`virtual_camera.py MODULE ARGUMENT…` runs a module on libcamera's virtual camera. Bench only: libcamera's `virtual` pipeline stands in for
sensor and driver, and what picamera2 wants beyond it is put in its place:

- a module `pykms` (a display library that picamera2 imports whatever it is used for),
- buffers in memfds instead of dma-heaps, with two planes for NV12,
- no raw sensor modes (the virtual camera has none),
- a pace: the virtual pipeline completes every request at once, a sensor gives one frame each 1/30 s.

All but `pykms` takes its place when the module imports picamera2, and not before: the worker confines itself first, and then the libraries
start their threads, as on a camera.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import mmap
import os
import queue
import runpy
import sys
import threading
import time
import types
from typing import Any

FRAME_SECONDS = 1 / float(os.environ.get("BENCH_FRAME_RATE", "30"))
"""`BENCH_FRAME_RATE`: how fast the sensor is, as in the dark."""
module: Any = None
"""The stand-in for a camera module, where `BENCH_MODULE` names one."""


def stand_in_for_pykms() -> None:
    class PixelFormat:
        RGB888 = BGR888 = XRGB8888 = XBGR8888 = YUV420 = YVU420 = NV12 = ABGR8888 = None

    module = types.ModuleType("pykms")
    module.PixelFormat = PixelFormat  # type: ignore[attr-defined]
    sys.modules["pykms"] = module


class Pace:
    """Hands requests to the camera one by one, a frame's time apart, as a sensor would fill them."""

    def __init__(self, camera_class: Any) -> None:
        self.queue_request, self.stop_camera = camera_class.queue_request, camera_class.stop
        self.waiting: queue.SimpleQueue[tuple[Any, Any]] = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.stopped = False
        camera_class.queue_request = lambda camera, request: self.waiting.put((camera, request))
        camera_class.stop = lambda camera: self.stop(camera)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        due = time.monotonic()
        while True:
            camera, request = self.waiting.get()
            now = time.monotonic()
            due = due + FRAME_SECONDS if now < due + 2 * FRAME_SECONDS else now
            time.sleep(max(0.0, due - now))
            with self.lock:
                if not self.stopped:
                    self.queue_request(camera, request)

    def stop(self, camera: Any) -> None:
        with self.lock:
            self.stopped = True
            self.stop_camera(camera)


def allocator_of_memfds() -> type:
    import libcamera
    from picamera2.allocators.allocator import Allocator

    class MemfdAllocator(Allocator):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.frame_buffers: dict[Any, list[Any]] = {}
            self.maps: dict[int, mmap.mmap] = {}
            self.sync = Mapped

        def allocate(self, libcamera_config: Any, use_case: Any) -> None:
            for stream_config in libcamera_config:
                assert str(stream_config.pixel_format) == "NV12", stream_config.pixel_format
                luma = stream_config.stride * stream_config.size.height
                buffers = []
                for number in range(stream_config.buffer_count):
                    fd = os.memfd_create(f"frame-{number}")
                    os.ftruncate(fd, stream_config.frame_size)
                    self.maps[fd] = mmap.mmap(fd, stream_config.frame_size)
                    planes = [libcamera.FrameBuffer.Plane(), libcamera.FrameBuffer.Plane()]
                    for plane, offset, length in zip(planes, (0, luma), (luma, stream_config.frame_size - luma), strict=True):
                        plane.fd, plane.offset, plane.length = fd, offset, length
                    buffers.append(libcamera.FrameBuffer(planes))
                self.frame_buffers[stream_config.stream] = buffers

        def buffers(self, stream: Any) -> Any:
            return self.frame_buffers[stream]

    class Mapped:
        def __init__(self, allocator: MemfdAllocator, buffer: Any, write: bool) -> None:
            # The descriptor that libcamera holds is a copy: the same file, another number.
            self.allocator, self.inode = allocator, os.fstat(buffer.planes[0].fd).st_ino

        def __enter__(self) -> mmap.mmap:
            return next(mapped for fd, mapped in self.allocator.maps.items() if os.fstat(fd).st_ino == self.inode)

        def __exit__(self, *_: object) -> None:
            return None

    return MemfdAllocator


def install() -> None:
    """Put the virtual camera in place of a real one, in this process."""
    import libcamera
    import picamera2.picamera2

    picamera2.picamera2.DmaAllocator = allocator_of_memfds()
    picamera2.Picamera2._get_raw_modes = lambda self: [{"format": "NV12", "size": (1280, 720)}]
    Pace(libcamera.Camera)
    if "BENCH_MODULE" in os.environ:
        # Run as a script this module has another name than when it is imported: both must know.

        stand_in = importlib.import_module("module_stand_in")
        vars(importlib.import_module("virtual_camera"))["module"] = stand_in.Module(os.environ["BENCH_MODULE"])


class InstallAfterImport(importlib.abc.MetaPathFinder):
    """Calls `install` as soon as somebody has imported picamera2."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if fullname != "picamera2":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_install(module: types.ModuleType) -> None:
                load(module)
                install()

            spec.loader.exec_module = load_and_install  # type: ignore[method-assign]
        return spec


if __name__ == "__main__":
    stand_in_for_pykms()
    sys.meta_path.insert(0, InstallAfterImport())
    module = sys.argv[1]
    sys.argv = sys.argv[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
