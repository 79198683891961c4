"""Parts of a document that a test writes: what stands between two marks."""

from __future__ import annotations


def written(text: str, mark: str, module: str, content: str) -> str:
    """The document with this content between its marks; `module` is what writes it. Raises `ValueError` where the marks are not there."""
    begin, end = f"<!-- {mark}: made by `python -m {module}` -->", f"<!-- end of {mark} -->"
    before, rest = text.split(begin)
    _, after = rest.split(end)
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"
