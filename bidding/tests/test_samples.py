"""Every message has samples that are exactly what travels, and every code is seen in one."""

import json

import msgspec
import pytest

from auctions.money import CURRENCIES
from bidding import protocol
from bidding.engine.outcomes import BidRejected
from bidding.protocol import ChatRefusalCode, ErrorCode, RefusalCode
from bidding.samples import Sample, samples
from bidding.services.wording import refusal_message

KINDS = [*protocol.NAMESPACE_OF, *protocol.SERVER_MESSAGES]
SERVER = {str(kind.__struct_config__.tag): kind for kind in protocol.SERVER_MESSAGES}

PROMISED = {
    "STATE": "v epoch server_time_ms auction lot recent_bids participants you",
    "BID_ACCEPTED": "id lot amount standing v epoch ends_at_ms",
    "BID_REJECTED": "id lot code message minimum_amount v epoch",
    "HIGHEST_BID": "lot from_v v epoch current_amount minimum_amount leader bid_count reserve_met ends_at_ms bids",
    "LOT_CLOSED": "lot v epoch result reason amount winner provisional",
    "TIMER": "server_time_ms lot ends_at_ms v epoch",
}
"""Names that clients were promised; fields may be added, none may go."""
PROMISED_PARTS = {
    "auction": "id title status currency stream",
    "lot": "id number title status opening_amount current_amount minimum_amount leader bid_count reserve_met ends_at_ms"
    " remaining_ms extensions",
    "you": "signed_in paddle leading max_amount can_bid reason",
}


def named(sample: Sample) -> str:
    return f"{sample.type}-{sample.name}"


def coded(tag: str) -> dict[str, dict]:
    payloads = [sample.message for sample in samples().server if sample.type == tag]
    return {payload["code"]: payload for payload in payloads}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_message_has_a_sample(kind):
    names = [sample.name for sample in samples().of(kind)]

    assert names, f"bidding/samples.json has no {kind.__struct_config__.tag}"
    assert len(names) == len(set(names))


def test_every_sample_is_of_a_message_that_there_is():
    assert {sample.type for sample in samples().client} == {
        kind.__struct_config__.tag for kind in protocol.NAMESPACE_OF
    }
    assert {sample.type for sample in samples().server} == set(SERVER)


@pytest.mark.parametrize("sample", samples().client, ids=named)
def test_what_a_client_sends_is_taken_and_written_again_the_same(sample):
    parsed = protocol.parse(bytes(sample.payload))

    assert json.loads(msgspec.json.encode(parsed)) == sample.message


@pytest.mark.parametrize("sample", samples().server, ids=named)
def test_what_the_server_sends_is_written_again_the_same(sample):
    decoded = msgspec.json.decode(sample.payload, type=SERVER[sample.type], strict=True)

    assert json.loads(protocol.encode(decoded)) == sample.message


def test_the_events_of_resumed_are_events():
    for sample in samples().of(protocol.Resumed):
        for event in sample.message["events"]:
            kind = SERVER[event["type"]]
            assert kind in protocol.EVENTS
            assert json.loads(protocol.encode(msgspec.convert(event, kind))) == event


@pytest.mark.parametrize(
    ("tag", "codes"),
    [("BID_REJECTED", RefusalCode), ("CHAT_REJECTED", ChatRefusalCode), ("ERROR", ErrorCode)],
)
def test_every_code_has_a_sample_of_its_name(tag, codes):
    refusals = [sample for sample in samples().server if sample.type == tag]

    assert {sample.name for sample in refusals} == set(codes)
    assert all(sample.message["code"] == sample.name for sample in refusals)


@pytest.mark.parametrize("code", RefusalCode)
def test_a_refused_bid_says_what_the_site_says(code):
    rejected = BidRejected(
        code=code.value,
        amount=12_500,
        is_maximum=False,
        lot_id=7,
        v=19,
        epoch="3f9c",
        minimum=13_500,
        price=13_000,
        late_ms=84,
        at_ms=1,
    )

    assert coded("BID_REJECTED")[code]["message"] == refusal_message(code, CURRENCIES["EUR"], rejected)


@pytest.mark.parametrize("code", [ErrorCode.BAD_JSON, ErrorCode.BAD_MESSAGE, ErrorCode.UNKNOWN_TYPE])
def test_an_error_is_the_one_that_its_frame_gets(code):
    (sample,) = [sample for sample in samples().of(protocol.Error) if sample.name == code]
    frame = sample.summary.split("`")[1]

    with pytest.raises(protocol.BadMessage) as bad:
        protocol.parse(frame)

    assert json.loads(protocol.encode(bad.value.error)) == sample.message


@pytest.mark.parametrize("tag", PROMISED)
def test_names_that_clients_were_promised_are_there(tag):
    seen = [sample.message for sample in samples().of(SERVER[tag])]

    assert any(set(PROMISED[tag].split()) <= payload.keys() for payload in seen)


@pytest.mark.parametrize("part", PROMISED_PARTS)
def test_names_of_parts_that_clients_were_promised_are_there(part):
    state = samples().of(protocol.State)[0].message

    assert set(PROMISED_PARTS[part].split()) <= state[part].keys()
