"""Other parts in the places of a module's own, in a process that a test starts."""

from __future__ import annotations

from types import ModuleType


def replace(module: ModuleType, name: str, part: object) -> None:
    """A part of a module, which has one of that name. Raises `AttributeError`."""
    getattr(module, name)
    setattr(module, name, part)
