"""The section `station`: where footage is sent to, when, and how much of it."""

from typing import Annotated, Literal

from msgspec import Meta

from bodycamd.config.bounds import Name, Settings, Text


class StationSettings(Settings, frozen=True, kw_only=True):
    """The municipality's station, where footage is sent to. Without a url nothing is sent."""

    url: Annotated[
        Text | None,
        Meta(
            description="Address of the station: https:// and its public name, with a port where it is another than 443, and no path. "
            "null: nothing is sent, and bodycamd-uplink does not run. http:// is for a station on this very machine only."
        ),
    ] = None
    id: Annotated[Name | None, Meta(description="The station's id in the roster: whose receipts count.")] = None
    ca: Annotated[
        Text | None,
        Meta(description="File of certificates (PEM): only what they have signed is taken for the station; null: what this system trusts."),
    ] = None
    upload: Annotated[
        Literal["dock", "held_first", "always"],
        Meta(
            description="When. dock: with external power, and over `link` alone. always: at any time. held_first: held and marked "
            "recordings and the ledger at any time, the others at the dock. Orders are brought at any time."
        ),
    ] = "dock"
    link: Annotated[
        Name | None, Meta(description="Network interface that the dock gives, such as eth0; with upload: dock and held_first.")
    ] = None
    data_allowance_megabytes: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(description="Megabytes (10^6 bytes) that are sent on one day (UTC) away from the dock; null: no limit."),
    ] = None
    battery_floor_percent: Annotated[
        int, Meta(ge=0, le=100, description="Away from the dock nothing is sent with less charge than this; without a gauge nobody asks.")
    ] = 30
    longest_pause_seconds: Annotated[
        int, Meta(ge=5, le=3600, description="While the station does not answer the pauses grow, up to so many seconds.")
    ] = 300
