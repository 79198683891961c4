"""The bases of events and actions, and what is said of a check that records nothing. `events` has all of them."""

from __future__ import annotations

from msgspec import Struct


class Happening(Struct, frozen=True, tag_field="event", tag=True):
    """Base of the events; in JSON (the control socket, a trace) `event` is the name."""


class Order(Struct, frozen=True, tag_field="action", tag=True):
    """Base of the actions; in JSON (a trace) `action` is the name."""


class CheckAsked(Happening, frozen=True):
    """Camera and voice are to be lent to a check that records nothing. Only standby does so: `State.checking` says whether."""


class CheckEnded(Happening, frozen=True):
    """The check has let go of camera and voice."""


class CheckJudged(Happening, frozen=True):
    """The verdict of a check, for lamp and motor."""

    passed: bool


class EndCheck(Order, frozen=True):
    """End the check that runs, at once: camera and voice are needed."""
