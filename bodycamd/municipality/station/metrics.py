"""The figures as Prometheus reads them, by its own library. Pure.

Each name begins with `bodycamd_station_`. What is counted since the process began goes back to 0 with it, as Prometheus expects of a
counter; what the index knows does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bodycamd.municipality.station.figures import Figures, HelpFigures, IndexFigures, SweepFigures

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
PREFIX: Final = "bodycamd_station_"


def exposition(figures: Figures) -> bytes:
    """The page at /metrics."""
    registry = CollectorRegistry()
    registry.register(_Collected(list(families(figures))))
    return generate_latest(registry)


class _Collected(Collector):
    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def families(figures: Figures) -> Iterator[Metric]:
    """Each figure with what it means."""
    yield _gauges("build_info", "The version that runs.", "version", {figures.version: 1})
    yield _counter("received_bytes", "Bodies of requests since the process began.", figures.received_bytes)
    yield _counters("refused", "Requests that were refused since the process began, by the title of the answer.", "reason", figures.refused)
    yield _counter("index_errors", "Transactions that the database failed since the process began.", figures.index_errors)
    yield _gauge("index_up", "Whether the index answered just now.", figures.index is not None)
    if figures.index is not None:
        yield from _of_index(figures.index)
    if figures.sweep is not None:
        yield from _of_sweep(figures.sweep)
    if figures.stamps is not None:
        yield _counter("stamp_failures", "Stamps over the log that did not come, since the process began.", figures.stamps.failures)
        if figures.stamps.stamped_us is not None:
            yield _gauge("stamped_timestamp_seconds", "The authority's time in the newest stamp.", figures.stamps.stamped_us / 1e6)
    yield _gauge("clock_confirmed", "Whether the clock may be relied on: else nothing is deleted.", figures.clock_confirmed)
    yield _gauge("held_polls", "Cameras that wait for orders on an open connection.", figures.held_polls)
    if figures.staged_bytes is not None and figures.staged_files is not None:
        yield _gauge("staged_bytes", "On its way in, not promised to anybody.", figures.staged_bytes)
        yield _gauge("staged_files", "Segments that are half sent.", figures.staged_files)
    if figures.free_bytes is not None:
        yield _gauge("free_bytes", "Room that is left in data.", figures.free_bytes)
    yield _gauge("cameras_active", "Cameras that the roster lists as active.", figures.cameras_active)
    yield _gauge("roster_ends_timestamp_seconds", "When the roster ends; afterwards nothing is taken.", figures.roster_ends_us / 1e6)


def _of_index(index: IndexFigures) -> Iterator[Metric]:
    yield _counter("receipts", "Receipts that were given, ever.", index.receipts)
    yield _counter("log_lines", "Lines of the station's log, ever.", index.log_lines)
    if index.log_head_us is not None:
        yield _gauge("log_head_timestamp_seconds", "The time of the log's newest line.", index.log_head_us / 1e6)
    states = {"stored": index.stored, "undated": index.undated, "waiting": index.waiting, "put_begun": index.put_begun}
    yield _gauges("segments", "Segments, by how far they are; undated ones are stored too.", "state", states)
    yield _gauge("stored_bytes", "Of the copies that are here.", index.stored_bytes)
    yield _gauges("deletions", "Recordings whose copy goes, or is gone.", "state", {"going": index.going, "gone": index.deleted})
    yield _gauge("holds", "Orders that hold copies here, once for each camera.", index.holds)
    asked = {str(one.seconds): one.cameras for one in index.asked}
    yield _gauges("cameras_asked", "Cameras that asked for orders within these seconds.", "within_seconds", asked)
    if index.help is not None:
        yield from _of_help(index.help)


def _of_help(help: HelpFigures) -> Iterator[Metric]:
    if help.tried_us is not None:
        yield _gauge("help_tried_timestamp_seconds", "When the help command was last tried with everybody.", help.tried_us / 1e6)
        yield _gauge("help_tried_well", "Whether it ended well for each of them.", help.tried_well)
    calls = {"unconfirmed": help.unconfirmed, "unanswered": help.unanswered, "answered": help.answered}
    yield _gauges("help_calls", "Calls for help of the last four weeks, tests apart.", "state", calls)
    yield _gauge("help_cameras_tested", "Cameras whose daily test of a call was confirmed.", help.tested)


def _of_sweep(sweep: SweepFigures) -> Iterator[Metric]:
    yield _gauge("sweep_ended_timestamp_seconds", "When the last sweep ended.", sweep.ended_us / 1e6)
    copies = {"cannot_be_deleted": sweep.problems, "undated": sweep.undated, "held_over_term": sweep.held}
    yield _gauges("sweep_copies", "What the last sweep left, and why.", "why", copies)


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, meaning, value=value)


def _counters(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(PREFIX + name, meaning, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, meaning, value=value)


def _gauges(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, meaning, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
