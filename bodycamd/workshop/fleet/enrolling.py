"""Whether a camera's application is taken: a decision about the fleet, its record and the application. Nothing is taken by the file alone:
a person compares the fingerprint with the one that the camera shows.
"""

from __future__ import annotations

from bodycamd.errors import PermissionDeniedError, UsageError
from bodycamd.evidence.application import SignedApplication
from bodycamd.evidence.statements import wall_us
from bodycamd.workshop.fleet.card_making import check_may_have_card
from bodycamd.workshop.fleet.fleet_file import Fleet
from bodycamd.workshop.fleet.record import Enrolled, Record


def check(fleet: Fleet, record: Record, signed: SignedApplication, now_us: int) -> None:
    """Raises `NotFoundError` for a camera that is not in the fleet, `UsageError` where there is one of this name already or it is out of
    service, `PermissionDeniedError` where its token is used, over, or not that of its newest card, and where another camera has one of its
    keys.
    """
    application = signed.application
    camera = application.camera
    if record.token_used(application.token_key):
        user = next(one.camera for one in record.enrolled.values() if one.token_key == application.token_key)
        raise PermissionDeniedError(f"the token was used already, by {user}: a token works once; make a new card")
    check_may_have_card(fleet, record, camera)
    card = record.cards.get(camera)
    if card is None or card.token_key != application.token_key:
        raise PermissionDeniedError(f"{camera}: not the token of its newest card: only what booted from that card can be enrolled")
    if now_us > wall_us(card.until, "until"):
        raise PermissionDeniedError(f"{camera}: the token of its card ended on {card.until[:10]}: make a new card")
    keys = {application.first_key, application.uplink_key, application.message_key}
    for other in record.enrolled.values():
        if keys & {other.first_key, other.uplink_key, other.message_key}:
            raise PermissionDeniedError(f"{camera} has a key of {other.camera}: a copied card; make a new one")


def line(signed: SignedApplication, on: str) -> Enrolled:
    """What the record says of it."""
    application = signed.application
    return Enrolled(
        camera=application.camera,
        first_key=application.first_key,
        uplink_key=application.uplink_key,
        message_key=application.message_key,
        application=signed.document.sha256,
        token_key=application.token_key,
        on=on,
        serial=application.serial,
    )


def check_fingerprint(signed: SignedApplication, said: str) -> None:
    """Raises `UsageError` unless what was said is the whole fingerprint, however it is grouped."""
    if "".join(said.split()).lower() != signed.document.sha256:
        raise UsageError("--fingerprint: not that of this file: what the camera shows is another one; do not enrol it")
