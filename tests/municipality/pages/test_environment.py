"""No template can forget that text of others is text: the environment sees to it, whatever the template says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import TemplateError

from bodycamd.foreign_text import html_text
from bodycamd.municipality.pages import environment as pages
from bodycamd.municipality.publish import certificate_page, transparency_page
from bodycamd.municipality.publish.certificate import certify
from bodycamd.municipality.publish.transparency import month_of
from bodycamd.municipality.words.language import Words
from tests.cli.terminal import HOSTILE, steering
from tests.kit.local_time import AMSTERDAM
from tests.kit.scale import count
from tests.municipality.publish.test_retention_pages import kept

__all__ = ["kept"]

TEMPLATES = sorted((Path(pages.__file__).parent / "templates").iterdir())
WAYS = [
    "{{ text }}",
    '<p title="{{ text }}">',
    "{{ 'a' ~ text }}",
    "{{ [text, text]|join('<br>') }}",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(text) }}",
    "{% set x %}{{ text }}{% endset %}{{ x }}",
    "{% autoescape false %}{{ text }}{% endautoescape %}",
    "{% for character in [text] %}{{ character }}{% endfor %}",
    "{{ words }}",
]


@settings(max_examples=count(400))
@given(text=st.text(st.characters(), max_size=40) | st.just(HOSTILE + "<script>\"&'"), way=st.sampled_from(WAYS))
def test_whatever_a_template_does_text_stays_text(text: str, way: str) -> None:
    page = pages.environment().from_string(way).render(text=text, words=Words(text, "en " + text))
    assert html_text(text) in page
    assert steering(page) == set()
    foreign = page.replace("<br>", "").replace("</span>", "")
    assert re.sub(r'<p title="|<span class="nl">|<span class="en" lang="en">|">$', "", foreign).count("<") == 0


@pytest.mark.parametrize(
    "way", ["{{ text|safe }}", "{{ text|tojson }}", "{{ text|urlize }}", "{{ text|xmlattr }}", "{{ nobody }}", "{{ text.no }}"]
)
def test_what_would_make_markup_of_text_or_pass_over_a_gap_is_refused(way: str) -> None:
    with pytest.raises(TemplateError):
        pages.environment().from_string(way).render(text={"a": "<b>"})


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_values_stand_in_quotes_or_in_text(path: Path) -> None:
    """Escaping helps no attribute without quotes, and no script."""
    source = path.read_text(encoding="utf-8")
    assert re.findall(r"=\s*\{\{", source) == []
    assert "<script" not in source
    assert re.findall(r"\son\w+=", source) == []
    pages.environment().get_template(path.name)


def test_a_fresh_environment_makes_the_same_page(kept: tuple[Path, str]) -> None:
    store, name = kept

    def made() -> list[str]:
        pages.environment.cache_clear()
        certificate = certify(store, name, with_holds=True)
        month = month_of(store, "2026-03", AMSTERDAM)
        return [
            page
            for language in ("nl", "en")
            for page in (
                certificate_page.page(certificate, language, AMSTERDAM),
                transparency_page.page(month, language, AMSTERDAM),
            )
        ]

    assert made() == made()
