"""What the sections of the configuration are made of: their base, and the bounds that several keys share."""

from typing import Annotated

import msgspec
from msgspec import Meta


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all sections: immutable, no unknown keys."""


ADDRESS_PATTERN = r"^0x(0[89a-f]|[1-6][0-9a-f]|7[0-7])$(?!\n)"
"""The addresses that I2C leaves to devices, as `i2cdetect` writes them; in quotes, because YAML 1.1 reads 0x36 as a number."""

SALT_PATTERN = r"^[0-9a-f]{32}$(?!\n)"

Text = Annotated[str, Meta(min_length=1, max_length=1024)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)")]
Pin = Annotated[int, Meta(ge=0, le=27)]
Address = Annotated[str, Meta(pattern=ADDRESS_PATTERN)]
Salt = Annotated[str, Meta(pattern=SALT_PATTERN)]
