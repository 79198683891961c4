"""Fills a template. Whatever a template shows passes `html_text`, so that none can forget it: it is escaped, and characters that would
steer the reader are written out. What a template names must be there, and no filter makes text of others part of the page's code.

Guarantees: the same template and values are the same page; the page needs nothing from elsewhere, and its content security policy forbids
it to load or run anything, should a value get through all the same.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import TypeAlias

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bodycamd.foreign_text import html_text
from bodycamd.municipality.words.language import Words

FILTERS = ("batch", "dictsort", "join", "length", "sort", "sum")
"""Those of Jinja that only arrange; what makes markup of text is not among them."""
Shown: TypeAlias = str | int | float | Words | Markup | StrictUndefined | None


def rendered(template: str, **values: object) -> str:
    """The page."""
    return environment().get_template(template).render(values)


@cache
def environment() -> Environment:
    """The only one; templates are files of this package."""
    made = Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=written,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    made.filters = {name: made.filters[name] for name in FILTERS}
    made.globals = {"range": made.globals["range"]}
    return made


def written(value: Shown) -> str:
    """What a template shows: text of others as text, words of both languages beside each other."""
    if isinstance(value, Markup | StrictUndefined):
        return str(value) if isinstance(value, StrictUndefined) else value
    if isinstance(value, Words):
        if value.nl == value.en:
            return Markup(html_text(value.nl))  # noqa: S704 - html_text makes it safe
        return Markup(f'<span class="nl">{html_text(value.nl)}</span> <span class="en" lang="en">{html_text(value.en)}</span>')  # noqa: S704 - as above
    return Markup(html_text("" if value is None else value))  # noqa: S704 - html_text makes it safe


def png_address(content: bytes) -> Markup:
    """A picture as an address that holds all of it."""
    return Markup("data:image/png;base64," + base64.b64encode(content).decode("ascii"))  # noqa: S704 - base64 holds no markup
