"""How the metrics are told to CloudWatch: as its Embedded Metric Format is specified, once in each minute."""

import io
import json
import re
from typing import Any

import pytest

from bidding import emf, metrics
from bidding.emf import Report
from bidding.metrics import CATALOGUE
from bidding.protocol import CloseCode

SIZES = [prefix + unit for unit in ("bytes", "bits") for prefix in ("", "kilo", "mega", "giga", "tera")]
CLOUDWATCH_UNITS = {
    *("Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"),
    *(unit for size in SIZES for unit in (size.capitalize(), f"{size.capitalize()}/Second")),
}
"""The closed list of the API's MetricDatum."""


def check_document(document: dict[str, Any]) -> dict[str, Any]:
    """Assert what the specification of the format demands, and return the directive's metrics by name."""
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert len(json.dumps(document)) < 256 * 1024
    head = document["_aws"]
    assert head.keys() == {"Timestamp", "CloudWatchMetrics"}
    assert type(head["Timestamp"]) is int
    (directive,) = head["CloudWatchMetrics"]
    assert directive.keys() == {"Namespace", "Dimensions", "Metrics"}
    assert re.fullmatch(r"[A-Za-z0-9._/#:-]{1,255}", directive["Namespace"])
    for dimensions in directive["Dimensions"]:
        assert len(dimensions) <= 30
        for name in dimensions:
            assert re.fullmatch(r"[!-9;-~][!-~]{0,249}", name)
            assert re.fullmatch(r"[ -~]{1,1024}", document[name])
    assert 0 < len(directive["Metrics"]) <= 100
    for definition in directive["Metrics"]:
        assert definition.keys() == {"Name", "Unit"}
        assert re.fullmatch(r"[ -~]{1,1024}", definition["Name"])
        assert type(document[definition["Name"]]) in (int, float)
        assert definition["Unit"] in CLOUDWATCH_UNITS
    members = [definition["Name"] for definition in directive["Metrics"]]
    members += {name for dimensions in directive["Dimensions"] for name in dimensions}
    assert sorted(document.keys() - {"_aws"}) == sorted(members)
    return {definition["Name"]: definition["Unit"] for definition in directive["Metrics"]}


def test_a_document_is_as_cloudwatch_specifies_it() -> None:
    document = Report("auctions.example:8000").document(1_795_300_000_000)
    told = check_document(document)
    assert document["_aws"]["Timestamp"] == 1_795_300_000_000
    assert document["Site"] == "auctions.example:8000"
    assert {metric.cloudwatch_name: metric.unit.cloudwatch for metric in CATALOGUE}.items() <= told.items()


def test_a_document_fits_when_every_value_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = {metric.name: dict.fromkeys(metric.values(), 1e9) for metric in CATALOGUE}
    monkeypatch.setattr(metrics.Metric, "values", lambda metric: everything[metric.name])
    told = check_document(Report("auctions.example").document(1_795_300_000_000))
    assert {
        "BidsTooLow",
        "ChatRefusalsRateLimited",
        "Closes4408",
        "SeatsBidChatTimer",
        "MessagesBidStatus",
    } <= told.keys()


def test_counters_tell_what_they_gained_and_gauges_what_they_are() -> None:
    report = Report("auctions.example")
    before = report.document(0)
    metrics.CLOSES[CloseCode.TOO_SLOW].inc(2)
    metrics.CLOSES[CloseCode.TOO_MANY].inc()
    metrics.SEATS["chat"].inc(5)
    try:
        first, second = report.document(1), report.document(2)
    finally:
        metrics.SEATS["chat"].dec(5)
    assert (first["Closes"], first["Closes4408"], first["Closes4429"]) == (3, 2, 1)
    assert (second["Closes"], "Closes4408" in second) == (0, False)
    assert first["SeatsChat"] == second["SeatsChat"] == before.get("SeatsChat", 0) + 5
    for document in (first, second):
        check_document(document)


def test_a_line_is_written_each_minute_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    class Enough(BaseException):
        pass

    stream, pauses, now = io.StringIO(), [], [59.9]

    class Clock:
        def time(self) -> float:
            return now[0]

        def time_ns(self) -> int:
            return int(now[0] * 1e9)

        def sleep(self, seconds: float) -> None:
            pauses.append(seconds)
            now[0] += seconds - 0.2  # the clock was put back meanwhile
            if len(pauses) == 3:
                raise Enough

    monkeypatch.setattr(emf, "time", Clock())
    monkeypatch.setattr(stream, "flush", lambda: 1 / (len(pauses) != 1))
    with pytest.raises(Enough):
        emf._report(Report("auctions.example"), stream)
    stamps = [json.loads(line)["_aws"]["Timestamp"] for line in stream.getvalue().splitlines()]
    assert [stamp // 60_000 for stamp in stamps] == [0, 1, 2]
