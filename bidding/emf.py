"""Tells CloudWatch what one process counted: one line a minute in its Embedded Metric Format, bare on stdout.

Owns the form of the line and its minute; what is counted stands in `bidding.metrics`. Sends nothing: whatever collects
the process' output takes the line to CloudWatch Logs, which reads the metrics out of it.
"""

import threading
import time
from typing import Any, Final, TextIO

import msgspec
import structlog

from bidding.metrics import CATALOGUE, Kind, Unit, camel

logger = structlog.get_logger(__name__)

NAMESPACE: Final = "Auction"
DIMENSION: Final = "Site"
PERIOD_S: Final = 60
_INTO_THE_MINUTE_S: Final = 0.5
"""A clock that is put back a little must not make two lines of one minute: gauges are added up by the minute."""


class Report:
    """What one process has told so far, so that a counter is told by what it gained since."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._told: dict[str, float] = {}

    def document(self, now_ms: int) -> dict[str, Any]:
        """Return the next document.

        A metric with a label is one for all its values together, and one more for each value that is not 0: a document
        has room for one value of a dimension only, and each metric of CloudWatch costs.
        """
        units: dict[str, Unit] = {}
        values: dict[str, float] = {}
        for metric in CATALOGUE:
            name, total = metric.cloudwatch_name, 0.0
            for labelled, value in metric.values().items():
                key = name + camel(labelled)
                if metric.kind is Kind.COUNTER:
                    value, self._told[key] = value - self._told.get(key, 0.0), value
                total += value
                if labelled and value:
                    units[key], values[key] = metric.unit, value
            units[name], values[name] = metric.unit, total
        return {
            "_aws": {
                "Timestamp": now_ms,
                "CloudWatchMetrics": [
                    {
                        "Namespace": NAMESPACE,
                        "Dimensions": [[DIMENSION]],
                        "Metrics": [{"Name": name, "Unit": unit.cloudwatch} for name, unit in units.items()],
                    }
                ],
            },
            DIMENSION: self._site,
            **values,
        }


def report_every_minute(site: str, stream: TextIO) -> None:
    """Write a line now, when nothing was counted yet, and one in each minute as long as the process lives."""
    threading.Thread(target=_report, args=(Report(site), stream), name="metrics", daemon=True).start()


def _report(report: Report, stream: TextIO) -> None:
    while True:
        try:
            line = msgspec.json.encode(report.document(time.time_ns() // 1_000_000)).decode()
            stream.write(f"{line}\n")
            stream.flush()
        except Exception:  # the next minute may be better, and nobody would start this thread again
            logger.exception("metrics_not_told")
        time.sleep(PERIOD_S - time.time() % PERIOD_S + _INTO_THE_MINUTE_S)
