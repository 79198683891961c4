"""The ways to a person who is called: the command, or, for who is listed as `push:PSEUDONYM`, a push to that person's browser.

`run` and `look` are what the help desk needs of them: a call, or its trial, goes the whole way; of a push that would ring somebody for a
trial, all is looked at that can be without sending it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from bodycamd.errors import BodycamError, NotFoundError, StorageError
from bodycamd.linux.foreign import read_named
from bodycamd.municipality.station import help_command, push_subscription
from bodycamd.municipality.station.help_index import HelpIndex
from bodycamd.municipality.station.help_words import HelpMessage
from bodycamd.municipality.station.push_key import PushKey
from bodycamd.municipality.station.push_service import PushAnswer, sealed
from bodycamd.municipality.station.push_subscription import MAX_SUBSCRIPTION_BYTES, Endpoint, Subscription
from bodycamd.municipality.station.station_file import PUSH, HelpSettings, PushSettings

log = logging.getLogger(__name__)

PUSH_TYPE: Final = "bodycam-help-push/1"
TTL_SECONDS: Final = 120
"""So long a push service keeps a message for a browser that it does not reach: a call that rings later sends somebody out for nothing."""


class HelpPush:
    """Pushes to people's browsers. `send` is the push service; `active` says whether the roster lists a person so."""

    def __init__(
        self,
        settings: PushSettings,
        key: PushKey,
        index: HelpIndex,
        send: Callable[[Endpoint, Mapping[str, str], bytes], PushAnswer],
        active: Callable[[str], bool],
        now_us: Callable[[], int],
    ) -> None:
        self._settings, self._key, self._index, self._send, self._active, self._now_us = settings, key, index, send, active, now_us

    def reach(self, person: str, message: HelpMessage) -> bool:
        """Whether a push service has taken the message for this person's browser. A subscription that is over is told once, whichever
        process hears of it, and never tried again. Raises `StorageError` where the index fails."""
        found = self.look(person)
        if found is None:
            return False
        try:
            headers = self._headers(found)
            answer = self._send(found.endpoint, headers, sealed(found, _payload(message)))
        except StorageError:
            raise
        except BodycamError as error:
            log.error("help: the push to %s was not taken: %s", person, error)
            return False
        if answer.over:
            told = f"{person}: the push service answers {answer.status}"
            if self._index.end_push(found.sha256, told, self._now_us()):
                log.error(
                    "help: %s: the subscription is over, and is not tried again: unsubscribe that browser, then subscribe it anew", told
                )
        elif not answer.accepted:
            log.error("help: the push to %s was not taken: %s answers %d: %s", person, found.endpoint.host, answer.status, answer.why)
        return answer.accepted

    def look(self, person: str) -> Subscription | None:
        """The subscription of this person, where a push may go to it. Raises `StorageError` where the index fails."""
        if not self._active(person):
            log.error("help: the roster does not list %s as active: no push", person)
            return None
        path = Path(self._settings.subscriptions) / f"{person}.json"
        try:
            found = push_subscription.decode(read_named(path, MAX_SUBSCRIPTION_BYTES), str(path))
        except NotFoundError:
            log.error("help: %s: there is no subscription", path)
            return None
        except BodycamError as error:
            log.error("help: %s", error)
            return None
        return None if self._index.push_is_over(found.sha256) else found

    def _headers(self, to: Subscription) -> dict[str, str]:
        return {
            "Authorization": self._key.authorization(to.endpoint, self._settings.contact, self._now_us()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_SECONDS),
            "Urgency": "high",
        }


def _payload(message: HelpMessage) -> bytes:
    """What the browser's own script gets: no more than the command has."""
    told: dict[str, str | bool] = {"format": PUSH_TYPE, "text": message.text, "test": message.test}
    if message.call is not None and message.camera is not None:
        told |= {"call": message.call, "camera": message.camera}
    return msgspec.json.encode(told, order="sorted")


class HelpWays:
    """Of one station's configuration."""

    def __init__(self, settings: HelpSettings, push: HelpPush | None) -> None:
        self._settings, self._push = settings, push

    def run(self, to: str, message: HelpMessage) -> bool:
        """Whether it went, as far as the way itself can say. Raises `StorageError` where the index fails."""
        if (person := pushed(to)) is not None:
            return self._push is not None and self._push.reach(person, message)
        return help_command.run(self._settings.command or (), to, message.text, self._settings.timeout_seconds)

    def try_out(self, to: str, message: HelpMessage) -> bool:
        """The same of a trial: nobody's browser rings for it."""
        if (person := pushed(to)) is not None:
            return self._push is not None and self._push.look(person) is not None
        return self.run(to, message)


def pushed(to: str) -> str | None:
    """The pseudonym of whom a push reaches; `None` for whom the command does."""
    return to.removeprefix(PUSH) if to.startswith(PUSH) else None
