"""What has come through this process's door since it began, for the figures (`figures`). It is counted on the loop alone."""

from __future__ import annotations

from collections import Counter


class Traffic:
    """`refused`: how many requests were refused, by the title of the refusal; `received_bytes`: bodies of requests that came whole."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        self.received_bytes = 0
