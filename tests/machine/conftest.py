from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.machine.virtual_machine import VirtualMachine, fresh_machine


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMachine]:
    with fresh_machine(tmp_path_factory.mktemp("machine")) as made:
        yield made
