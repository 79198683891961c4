"""Changes of settings, as a person writes them: `gestures.hold_seconds=2.5`. Values are read as a configuration file's are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bodycamd.config.load import wrong_changes
from bodycamd.config.strict_yaml import read_document
from bodycamd.errors import UsageError
from bodycamd.evidence.order_acceptance import CHANGEABLE
from bodycamd.evidence.orders import SettingValue
from bodycamd.foreign_text import shown

MAX_CHANGES: Final = 32


def read_changes(written: Iterable[str]) -> dict[str, SettingValue]:
    """The settings and their new values. Raises `UsageError` for a key that no order changes, and for a value that it cannot have; whether
    they fit the camera's other settings is for the camera to say."""
    found: dict[str, SettingValue] = {}
    for one in written:
        key, equals, text = one.partition("=")
        if not equals or key in found:
            raise UsageError(f"{shown(one, 80)}: KEY=VALUE, each key once")
        if key not in CHANGEABLE:
            raise UsageError(f"{shown(key, 80)} is not changed by an order; allowed: {', '.join(sorted(CHANGEABLE))}")
        document = read_document(f"value: {text}\n".encode())
        value = document.values.get("value")
        if document.problems or len(document.values) != 1 or not isinstance(value, str | int | float | bool):
            why = document.problems[0].reason if document.problems else "one word or number"
            raise UsageError(f"{key}: {shown(text, 80)}: {why}")
        found[key] = value
    for problem in wrong_changes(found):
        raise UsageError(problem.text("the order").replace(", as an order set it", ""))
    return found
