"""The officer's card, as a page that prints on one A5: what the button does, what lamp and motor say, what to do if.

Everything that depends on the configuration is taken from it, and the patterns are drawn from the camera's own tables, so that card and
camera cannot disagree. It speaks of nothing that this configuration does not have: no motor, no green lamp, no way back after a stop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bodycamd.camera.control.events import HapticName
from bodycamd.camera.control.indicator import LOW_PULSE, MISSING_PULSES, TABLE, RowName
from bodycamd.camera.control.state import CALM_US, CONFIRM_US, GOES_ON_US, HELD_LONG_US
from bodycamd.config.settings import Config
from bodycamd.municipality.pages.environment import rendered
from bodycamd.municipality.words.formats import LocaleWriting
from bodycamd.municipality.words.language import Language, pick
from bodycamd.workshop.card import drawing
from bodycamd.workshop.card.card_words import LOW, WORDS

HELP: tuple[HapticName, ...] = ("help_sent", "help_answered", "help_not_sent")
"""What is felt of a call for help: below the gesture, a line for each."""


@dataclass(frozen=True, slots=True)
class Action:
    """What the hand does, and what is felt then."""

    text: str
    felt: drawing.Drawing | None = None


@dataclass(frozen=True, slots=True)
class Gesture:
    """What the officer wants, and how: one action, or several in this order."""

    wish: str
    actions: list[Action]
    otherwise: tuple[Action, ...] = ()
    """What comes of it, a line for each: where one of them is left out or fails, or of a call for help."""
    beside: bool = False
    """Whether the actions are no steps, and stand on one line."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What lamps and motor say together. `time` and `when` stand beside the drawings."""

    meaning: str
    more: str = ""
    green: str = ""
    """`on`, `off`, or nothing where it says nothing."""
    lamp: drawing.Drawing | None = None
    time: str = ""
    motor: drawing.Drawing | None = None
    when: str = ""
    weight: Literal["", "good", "bad"] = ""


@dataclass(frozen=True, slots=True)
class Case:
    """What to do if."""

    when: str
    then: str


def card(config: Config, language: Language) -> str:
    """The whole page."""
    made = _Card(config, language)
    word = made.word
    return rendered(
        "officer-card.html",
        lang=language,
        title=word("title"),
        rules=word("rules"),
        gestures=list(made.gestures()),
        signs=list(made.signs()),
        cases=list(made.cases()),
        with_motor=made.with_motor,
        full=config.help_call,
        heads={
            "meaning": word("head_meaning"),
            "lamp": word("head_lamps" if made.with_green else "head_lamp"),
            "motor": word("head_motor"),
            "what_if": word("what_if"),
        },
        legend=word("legend" if made.with_motor else "legend_still"),
        belongs=word("belongs"),
    )


class _Card:
    """The card of one configuration in one language."""

    def __init__(self, config: Config, language: Language) -> None:
        self._config = config
        self._write = LocaleWriting(language)
        self.with_motor = config.board.gpio.haptic is not None
        self.with_green = config.board.gpio.ready_led is not None
        self._asks = config.gestures.stop == "hold_then_press"
        self._lengths = {
            "device": config.device_id,
            "hold": self._seconds(config.gestures.hold_seconds),
            "confirm": self._seconds(CONFIRM_US / 1e6),
            "calm": self._seconds(CALM_US / 1e6),
            "before": self._seconds(config.pre_event_seconds),
            "after": self._seconds(config.post_event_seconds),
            "go_on": self._seconds(max(GOES_ON_US / 1e6, config.post_event_seconds)),
            "lamp_length": self._seconds(drawing.LAMP_MS / 1000),
            "motor_length": self._seconds(drawing.MOTOR_MS / 1000),
            "low": self._low(language),
            "long": self._seconds(HELD_LONG_US / 1e6),
            "days": self._write.counted(config.retention.days, "day"),
        }

    def word(self, name: str) -> str:
        """A word of the card's table, with this configuration's lengths."""
        return pick(WORDS[name], self._write.language).format_map(self._lengths)

    def gestures(self) -> Iterator[Gesture]:
        """From the press to the stop; before it the shift, where a card begins it."""
        config = self._config
        if config.board.card_reader != "none":
            yield Gesture(
                self.word("shift"), [self._action("shift_begin", "shift_begun"), self._action("shift_end", "shift_ended")], beside=True
            )
        how = "record_with_before" if config.pre_event_seconds else "record_with_warning" if config.record_warning else "record_how"
        yield Gesture(self.word("record"), [self._action(how)])
        yield Gesture(self.word("now"), [self._action("now_how")])
        yield Gesture(self.word("mark"), [self._action("mark_how", "marker")])
        if self._asks:
            hold = self._action("ask_hold_felt" if self.with_motor else "ask_hold", "held")
            release = self._action("ask_release_felt" if self.with_motor else "ask_release", "asked")
            again = self._action("ask_again_felt" if self.with_motor else "ask_again")
            otherwise = (self._action("ask_otherwise", "continues"), again)
            yield Gesture(self.word("stop"), [hold, release, self._action("ask_press")], otherwise)
        else:
            yield Gesture(self.word("stop"), [self._action("stop_hold")])
            yield Gesture(self.word("go_on"), [self._action("go_on_within")])
        if self._asks and config.post_event_seconds:
            yield Gesture(self.word("go_on"), [self._action("go_on_closing")])
        if config.help_call:
            yield Gesture(self.word("help"), [self._action("help_how")], tuple(self._action(name, name) for name in HELP))

    def signs(self) -> Iterator[Sign]:
        """In the order of a recording, then what is wrong."""
        yield self._ready()
        if self.with_green or self._config.pre_event_seconds:
            yield self._sign("dead", "dead_more", green="off" if self.with_green else "", lamp="off", time=self.word("out"))
        yield self._sign("blink", lamp="blink", time=self.word("fast"))
        begun = self.word("when_begun")
        yield self._sign("recording", lamp="recording", time=self.word("always"), motor="started", when=begun, weight="good")
        if self.with_motor:
            every = self._every(self._config.reminder_seconds)
            yield self._sign("reminder", lamp="recording", time=self.word("always"), motor="reminder", when=every)
        if self.with_motor:  # else it looks as *ready* does, which says so
            lamp, time = self._standby()
            yield self._sign("saved", green="on" if self.with_green else "", lamp=lamp, time=time, motor="saved")
        low = {"lamp": self._round("low"), "motor": self._every(LOW_PULSE.every_ms // 1000)}
        more = ("low_more", "low_standby_more") if self.with_motor else ("low_more",)
        yield self._sign("low", *more, lamp="low", time=low["lamp"], motor="low", when=low["motor"])
        every = self._every(MISSING_PULSES.every_ms // 1000)
        yield self._sign("missing", "missing_more", lamp="missing", time=self._round("missing"), motor="missing", when=every, weight="bad")
        yield self._sign("refused", lamp="refused", motor="refused", weight="bad")
        tested = self.word("when_tested")
        yield self._sign("check_passed", lamp="check_passed", motor="check_passed", when=tested, weight="good")
        yield self._sign("check_failed", lamp="check_failed", motor="check_failed", when=tested, weight="bad")

    def cases(self) -> Iterator[Case]:
        """What happens to officers, the likeliest first."""
        refuses = self._config.on_warning_failure == "refuse"
        names = {
            "by_accident": "by_accident_then",
            "other_make": "other_make_ask" if self._asks else "other_make_hold",
            "no_warning_refused" if refuses else "no_warning": "no_warning_refused_then" if refuses else "no_warning_then",
            "nothing_stored_felt" if self.with_motor else "nothing_stored": "nothing_stored_then",
            "asked_for": "asked_for_then",
            "lost": "lost_then",
        }
        for when, then in names.items():
            yield Case(self.word(when), self.word(then))

    def _action(self, text: str, felt: HapticName | None = None) -> Action:
        return Action(self.word(text), drawing.motor(felt, alone=True) if felt is not None and self.with_motor else None)

    def _ready(self) -> Sign:
        before, green = bool(self._config.pre_event_seconds), "on" if self.with_green else ""
        more = [] if not before else ["buffering_more" if self._config.pre_event_audio else "buffering_silent_more"]
        meaning = "ready"
        if not (before or self.with_green):
            meaning, more = "ready_or_dead", ["ready_or_dead_more"]
        if not self.with_motor:
            more.append("saved_still_more")
        lamp, time = self._standby()
        return self._sign(meaning, *more, green=green, lamp=lamp, time=time, motor="ready", when=self.word("when_switched_on"))

    def _standby(self) -> tuple[RowName, str]:
        """What the red lamp shows at rest, and how often."""
        return ("buffering", self._round("buffering")) if self._config.pre_event_seconds else ("ready", self.word("out"))

    def _sign(
        self,
        meaning: str,
        *more: str,
        green: str = "",
        lamp: RowName | None = None,
        time: str = "",
        motor: HapticName | None = None,
        when: str = "",
        weight: Literal["", "good", "bad"] = "",
    ) -> Sign:
        return Sign(
            self.word(meaning),
            " ".join(self.word(name) for name in more),
            green,
            drawing.lamp(lamp) if lamp is not None else None,
            time,
            drawing.motor(motor) if motor is not None else None,
            when,
            weight,
        )

    def _low(self, language: Language) -> str:
        """What may be wrong, as one half of a sentence."""
        *first, last = dict.fromkeys(pick(words, language) for words in LOW.values())
        return f"{', '.join(first).capitalize()} {pick(WORDS['or'], language)} {last}"

    def _round(self, row: RowName) -> str:
        """How often the lamp's pattern comes."""
        return self._every(TABLE[row].lamp.length_us / 1e6)

    def _every(self, seconds: float) -> str:
        return pick(WORDS["every"], self._write.language).format(length=self._seconds(seconds, one=False))

    def _seconds(self, seconds: float, one: bool = True) -> str:
        """`2 tellen`, `2 minuten`; after `elke` a single one without its number: `tel`."""
        unit, number = ("minute", seconds / 60) if seconds >= 60 and seconds % 60 == 0 else ("second", seconds)
        words = {"minute": (("minuut", "minuten"), ("minute", "minutes")), "second": (("tel", "tellen"), ("second", "seconds"))}
        singular, plural = words[unit][self._write.language == "en"]
        if number == 1:
            return f"1 {singular}" if one else singular
        return f"{self._write.shortest(number)} {plural}"
