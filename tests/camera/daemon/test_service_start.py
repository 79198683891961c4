"""What a service is told while it is being made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from bodycamd.camera.capture.look import order_of
from bodycamd.camera.control import events as ev
from bodycamd.camera.control import machine
from bodycamd.camera.daemon import wiring
from bodycamd.camera.daemon.loop import Mailbox
from bodycamd.camera.daemon.protocol import Published
from bodycamd.camera.daemon.service import Parts, Service
from bodycamd.camera.daemon.socket import Answering, ControlSocket
from bodycamd.config.load import load
from bodycamd.linux.swap import Protection
from tests.kit.camera import Camera


class DownAlready:
    """A button that nobody releases."""

    def watch(self, on_edge: Callable[[bool, int], None]) -> None:
        pass

    def is_pressed(self) -> bool:
        return True

    def close(self) -> None:
        pass


def test_a_button_that_is_down_already_is_told_to_all(tmp_path: Path) -> None:
    told: list[Published] = []

    class Listening(ControlSocket):
        def publish(self, event: Published) -> None:
            told.append(event)

    def socket(answer: Answering) -> ControlSocket:
        return Listening(tmp_path / "control.sock", answer, group="none", admin_group="none")

    async def make() -> str:
        config = load(Camera(tmp_path).config)
        mailbox = Mailbox(asyncio.get_running_loop())
        board = replace(wiring.build_board(config, mailbox.post), button=DownAlready())
        ring = wiring.build_ring(config, mailbox.post)
        parts = Parts(
            device_id=config.device_id,
            board=board,
            ring=ring,
            supervisor=wiring.build_supervisor(config, ring, board.clock, mailbox.post, None),
            gestures=wiring.build_gestures(config),
            state=machine.initial(wiring.build_policy(config)),
            mailbox=mailbox,
            open_recorder=lambda: pytest.fail("not opened here"),
            socket=socket,
            protection=lambda worker: Protection("closed", ""),
            look=order_of(config, opening_seconds=1.0),
        )
        return Service(parts)._control.state.name

    assert asyncio.run(make()) == "starting"
    assert [type(event) for event in told] == [ev.ButtonDown]
