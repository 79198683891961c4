"""The verdict of one check: passed, failed with a sentence that says what to do, or not checked and why."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from bodycamd.camera.selftest.sentences import SENTENCES, SentenceName

CheckName = Literal[
    "button",
    "led",
    "ready_led",
    "haptic",
    "camera",
    "frame_rate",
    "movement",
    "upright",
    "focus",
    "encoder",
    "encryption",
    "voice",
    "speaker",
    "microphone",
    "channel",
    "disk",
    "space",
    "clock",
    "rtc",
    "signing_keys",
    "recipients",
    "battery",
    "heat",
    "swap",
    "sandbox",
]
CHECKS: tuple[CheckName, ...] = get_args(CheckName)
Outcome = Literal["passed", "failed", "not_checked"]
Language = Literal["nl", "en"]
Figure = str | int | float


class Verdict(Struct, frozen=True, kw_only=True):
    """`said` in both languages: empty where it passed."""

    check: CheckName
    outcome: Outcome
    figures: dict[str, Figure] = {}
    nl: str = ""
    en: str = ""

    def said(self, language: Language) -> str:
        """The sentence."""
        return self.nl if language == "nl" else self.en


def passed(check: CheckName, **figures: Figure) -> Verdict:
    """It works."""
    return Verdict(check=check, outcome="passed", figures=figures)


def failed(check: CheckName, sentence: SentenceName, **figures: Figure) -> Verdict:
    """It does not work, and what to do."""
    return _said(check, "failed", sentence, figures)


def not_checked(check: CheckName, sentence: SentenceName, **figures: Figure) -> Verdict:
    """Nothing can be said of it, and why."""
    return _said(check, "not_checked", sentence, figures)


def go(verdicts: list[Verdict]) -> bool:
    """Whether the camera may go out: something was checked, and nothing failed."""
    return any(verdict.outcome == "passed" for verdict in verdicts) and all(verdict.outcome != "failed" for verdict in verdicts)


def _said(check: CheckName, outcome: Outcome, sentence: SentenceName, figures: dict[str, Figure]) -> Verdict:
    nl, en = (text.format(**figures) for text in SENTENCES[sentence])
    return Verdict(check=check, outcome=outcome, figures=figures, nl=nl, en=en)
