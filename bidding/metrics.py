"""The one catalogue of what is counted: every metric is declared here once, for `/metrics` and for CloudWatch.

Owns names, kinds, units and meanings, and how the values of several processes become one answer. Whoever does a thing
counts it with the objects of this module. A metric has one label at most, and its values are a closed set: no
visitor can make a series. Imports no Django: it stands below the services.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, StrEnum
from itertools import combinations
from pathlib import Path
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from bidding.protocol import NAMESPACE_OF, ChatRefusalCode, CloseCode, ErrorCode, Namespace, RefusalCode

_FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where it is set when the process starts, prometheus_client keeps the values in files of that folder."""

V = TypeVar("V", bound=str | int)


class Unit(Enum):
    """What a metric is measured in, as Prometheus and CloudWatch name it."""

    COUNT = ("", "Count")
    SECONDS = ("seconds", "Seconds")

    @property
    def prometheus(self) -> str:
        """The end of the metric's name."""
        return self.value[0]

    @property
    def cloudwatch(self) -> str:
        """The unit's name in CloudWatch's closed list."""
        return self.value[1]


class Kind(StrEnum):
    """Whether a metric only grows, or says how things are now."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True)
class Metric:
    """One declaration."""

    name: str
    kind: Kind
    unit: Unit
    help: str
    label: str | None
    family: Counter | Gauge

    @property
    def prometheus_name(self) -> str:
        """The name in `/metrics`."""
        (described,) = self.family.describe()
        return f"{described.name}_total" if self.kind is Kind.COUNTER else described.name

    @property
    def cloudwatch_name(self) -> str:
        """The name in CloudWatch."""
        return camel(self.name)

    def values(self) -> dict[str, float]:
        """Return what this process counted, by the label's value; by "" where there is no label."""
        (collected,) = self.family.collect()
        return {sample.labels[self.label] if self.label else "": sample.value for sample in collected.samples}


CATALOGUE: Final[list[Metric]] = []
_registry: Final = CollectorRegistry()
# When a series was made says nothing here, and the files of several processes do not hold it.
disable_created_metrics()  # type: ignore[no-untyped-call]


def camel(text: str) -> str:
    """Return a name as CloudWatch's own metrics are written: `too_low` is TooLow."""
    return "".join(part.capitalize() for part in re.split("[^A-Za-z0-9]+", text))


def _counter(name: str, meaning: str) -> Counter:
    counter = Counter(f"auction_{name}", meaning, registry=_registry)
    CATALOGUE.append(Metric(name, Kind.COUNTER, Unit.COUNT, meaning, None, counter))
    return counter


def _counters(name: str, meaning: str, label: str, values: Iterable[V]) -> Mapping[V, Counter]:
    counter = Counter(f"auction_{name}", meaning, [label], registry=_registry)
    CATALOGUE.append(Metric(name, Kind.COUNTER, Unit.COUNT, meaning, label, counter))
    return {value: counter.labels(value) for value in values}


def _gauge(name: str, meaning: str, unit: Unit = Unit.COUNT, *, worst: bool = False) -> Gauge:
    mode = "livemax" if worst else "livesum"
    gauge = Gauge(
        f"auction_{name}",
        meaning,
        unit=unit.prometheus,
        registry=_registry,
        multiprocess_mode=mode,  # type: ignore[arg-type]
    )
    CATALOGUE.append(Metric(name, Kind.GAUGE, unit, meaning, None, gauge))
    return gauge


def _gauges(name: str, meaning: str, label: str, values: Iterable[V]) -> Mapping[V, Gauge]:
    gauge = Gauge(f"auction_{name}", meaning, [label], registry=_registry, multiprocess_mode="livesum")
    CATALOGUE.append(Metric(name, Kind.GAUGE, Unit.COUNT, meaning, label, gauge))
    return {value: gauge.labels(value) for value in values}


# --- The catalogue ---------------------------------------------------------------------------------

NAMESPACE_SETS: Final = tuple(
    "+".join(some) for size in range(1, len(Namespace) + 1) for some in combinations(Namespace, size)
)

SEATS = _gauges("seats", "Sockets that sit in a room, by what they carry.", "namespaces", NAMESPACE_SETS)
ROOMS = _gauge("rooms", "Rooms with a seat, counted once for each process that has one.")
HEARTBEAT_DELAY = _gauge(
    "heartbeat_delay",
    "How late the last TIMER of the clock reached its room; of several processes the worst, 0 without rooms.",
    Unit.SECONDS,
    worst=True,
)

DELIVERIES = _counter("deliveries", "Messages written to seats.")
FRAMES = _counter("frames", "Frames written to seats; one may carry several messages.")
MERGED_EVENTS = _counter("merged_events", "Events that conflation let travel with the one before.")
STATES = _counters("states", "Times that a seat was brought up to date, by how.", "answer", ("STATE", "RESUMED"))
HEARTBEATS = _counter("heartbeats", "TIMERs of the clock that reached a room.")

GAPS_FILLED = _counter("gaps_filled", "Versions that were read from the log because one was missing.")
ROOMS_BEGUN_ANEW = _counter("rooms_begun_anew", "Times that a room gave up what it knew and gave every seat STATE.")
ANNOUNCEMENTS_LOST = _counter("announcements_lost", "Announcements that the channel layer did not take.")
SLOW_SEATS = _counter("slow_seats", "Times that a seat fell behind because its buffer was full.")
CLOSES = _counters("closes", "Sockets that the site closed, by close code.", "code", CloseCode)

MESSAGES = _counters(
    "messages",
    "Messages of clients that were understood, by type.",
    "type",
    [str(kind.__struct_config__.tag) for kind in NAMESPACE_OF],
)
ERRORS: Final[Mapping[str, Counter]] = _counters(
    "errors",
    "Messages of clients that were answered by ERROR, by its code.",
    "code",
    tuple(code.value for code in ErrorCode),
)
BIDS = _counters(
    "bids",
    "Bids by their answer: accepted, unknown, the refusal's code, or other. A repeated bid counts again.",
    "outcome",
    ["accepted", "unknown", *RefusalCode, "other"],
)
CHAT_LINES = _counter("chat_lines", "Lines of chat that were said.")
CHAT_REFUSALS = _counters("chat_refusals", "Lines of chat that were refused, by code.", "code", ChatRefusalCode)

STREAM_PUBLISHERS = _gauge("stream_publishers", "Cameras that send to the relay here.")
STREAM_VIEWERS = _gauge("stream_viewers", "Sockets that watch by the relay here.")
STREAM_PIECES = _counter("stream_pieces", "Pieces of video that publishers sent.")
STREAM_PIECES_LOST = _counter("stream_pieces_lost", "Pieces of video that the side server did not take.")
STREAM_PIECES_UNRECORDED = _counter(
    "stream_pieces_unrecorded", "Pieces of video of a live show that the disk did not take."
)
STREAM_DELIVERIES = _counter("stream_deliveries", "Pieces of video written to viewers.")
STREAM_SKIPS = _counter("stream_skips", "Times that a slow viewer was taken on to the latest whole picture.")


# --- What is told ----------------------------------------------------------------------------------


def exposition() -> bytes:
    """Return all values as Prometheus reads them, of every process that shares this one's folder."""
    folder = os.environ.get(_FOLDER_VARIABLE)
    if folder is None:
        return generate_latest(_registry)
    _forget_dead(Path(folder))
    together = CollectorRegistry()
    MultiProcessCollector(together, folder)  # type: ignore[no-untyped-call]
    return generate_latest(together)


@contextmanager
def shared_in(folder: Path) -> Iterator[None]:
    """Let the processes that are started meanwhile count together, in files of a folder that is theirs alone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ[_FOLDER_VARIABLE] = str(folder)
    try:
        yield
    finally:
        del os.environ[_FOLDER_VARIABLE]
        shutil.rmtree(folder, ignore_errors=True)


def table() -> str:
    """Return the catalogue as the table of docs/metrics.md."""
    rows = ["| `/metrics` | CloudWatch | kind, unit | meaning |", "|---|---|---|---|"]
    for metric in CATALOGUE:
        labels = f"{{{metric.label}}}" if metric.label else ""
        rows.append(
            f"| `{metric.prometheus_name}{labels}` | {metric.cloudwatch_name} "
            f"| {metric.kind}, {metric.unit.cloudwatch} | {metric.help} |"
        )
    return "\n".join(rows)


def _forget_dead(folder: Path) -> None:
    """Drop the gauges of processes that are gone: a killed one has no seats. What it counted stays counted."""
    for path in folder.glob("gauge_live*.db"):
        pid = int(path.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)  # only asks
        except OSError:
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
