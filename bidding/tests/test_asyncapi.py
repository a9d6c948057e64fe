"""The AsyncAPI document is valid, tells the truth about the messages, and is published."""

import copy
import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from referencing import Registry
from referencing.jsonschema import DRAFT7

from auctions.models import AuctionStatus, ExtensionMode, LotResult, LotStatus
from auctions.streaming.base import StreamState
from bidding import protocol
from bidding.asyncapi import CHANNELS, asyncapi_document
from bidding.engine.outcomes import Standing
from bidding.models import Event
from bidding.protocol import Namespace
from bidding.room.routing import websocket_urlpatterns
from bidding.samples import samples
from bidding.tests.evenings import whole_evening

with warnings.catch_warnings():
    # Two of its models have a field `schema`, which pydantic warns about at import.
    warnings.simplefilter("ignore", UserWarning)
    from asyncapi3.models.asyncapi import AsyncAPI3

DOCUMENT = asyncapi_document(title="Paddle", url="https://auction.example.com")
REGISTRY = Registry().with_resource("urn:doc", DRAFT7.create_resource(DOCUMENT))


def fits(kind: type, message: Any) -> bool:
    """Tell whether a message is what the document says of its type."""
    schema = {"$ref": f"urn:doc#/components/schemas/{kind.__name__}"}
    return jsonschema.Draft7Validator(schema, registry=REGISTRY).is_valid(message)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def at(pointer: str) -> Any:
    node: Any = DOCUMENT
    for step in pointer.removeprefix("#/").split("/"):
        node = node[step]
    return node


def choices(kind: str, field: str) -> set[str]:
    found = DOCUMENT["components"]["schemas"][kind]["properties"][field]
    return set(next(option for option in found.get("anyOf", [found]) if "enum" in option)["enum"])


# --- Valid ---------------------------------------------------------------------------------------------


def test_it_is_asyncapi_3():
    AsyncAPI3.model_validate(DOCUMENT)
    assert DOCUMENT["asyncapi"] == "3.0.0"


def _misspelt(document):
    document["chanels"] = document.pop("channels")


def _without_title(document):
    del document["info"]["title"]


def _without_protocol(document):
    del document["servers"]["site"]["protocol"]


def _of_version_2(document):
    document["asyncapi"] = "2.6.0"


def _unknown_action(document):
    document["operations"]["room_BID"]["action"] = "publish"


def _without_channel(document):
    del document["operations"]["room_BID"]["channel"]


def _correlated_nowhere(document):
    document["components"]["correlationIds"]["id"]["location"] = "the id"


def _unknown_security(document):
    document["components"]["securitySchemes"]["session"]["type"] = "cookie"


def _parameter_of_another_kind(document):
    document["channels"]["room"]["parameters"]["auction_id"] = {"schema": {"type": "integer"}}


@pytest.mark.parametrize(
    "spoil",
    [
        _misspelt,
        _without_title,
        _without_protocol,
        _of_version_2,
        _unknown_action,
        _without_channel,
        _correlated_nowhere,
        _unknown_security,
        _parameter_of_another_kind,
    ],
)
def test_a_broken_document_would_be_noticed(spoil):
    broken = copy.deepcopy(DOCUMENT)
    spoil(broken)

    with pytest.raises(ValueError, match="validation error"):
        AsyncAPI3.model_validate(broken)


def test_every_reference_leads_somewhere():
    for reference in set(references(DOCUMENT)):
        assert at(reference), reference


def test_every_schema_is_a_json_schema():
    for schema in (*DOCUMENT["components"]["schemas"].values(), *_handshakes()):
        jsonschema.Draft7Validator.check_schema(schema)


def _handshakes():
    binding = DOCUMENT["components"]["channelBindings"]["socket"]["ws"]
    return binding["query"], binding["headers"]


# --- True ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*protocol.NAMESPACE_OF, *protocol.SERVER_MESSAGES], ids=lambda kind: kind.__name__)
def test_every_sample_is_in_it_and_is_what_it_says(kind):
    message = DOCUMENT["components"]["messages"][kind.__name__]

    assert message["name"] == kind.__struct_config__.tag
    assert [example["payload"] for example in message["examples"]] == [sample.message for sample in samples().of(kind)]
    assert all(fits(kind, example["payload"]) for example in message["examples"])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (protocol.PlaceBid, {"type": "BID"}),
        (protocol.PlaceBid, {"type": "BID", "amount": ["125.00"]}),
        (protocol.PlaceBid, {"type": "BID", "amount": "125.00", "id": "b1c"}),
        (protocol.PlaceBid, {"type": "BID", "amount": "125.00", "note": "x"}),
        (protocol.PlaceBid, {"type": "CHAT", "amount": "125.00"}),
        (protocol.BidRejected, {"type": "BID_REJECTED", "code": "no", "message": "No."}),
        (protocol.Outbid, {"type": "OUTBID", "lot": 7, "amount": "€130", "minimum_amount": "135.00", "v": 19}),
    ],
)
def test_it_says_no_to_what_is_no_message(kind, message):
    assert not fits(kind, message)


@pytest.mark.django_db(transaction=True)
def test_what_an_evening_wrote_is_what_it_says(make_show):
    whole_evening(make_show)
    kinds = {str(kind.__struct_config__.tag): kind for kind in protocol.EVENTS}
    written = [json.loads(event.public) for event in Event.objects.filter(s=0)]

    assert {event["type"] for event in written} >= {
        "LOT_OPENED",
        "HIGHEST_BID",
        "LOT_EXTENDED",
        "BID_VOIDED",
        "LOT_CLOSED",
    }
    for event in written:
        kind = kinds[event["type"]]
        assert fits(kind, event), event
        assert json.loads(protocol.encode(msgspec.convert(event, kind))) == event


def test_its_words_are_those_of_the_site():
    assert choices("LotPart", "status") == set(LotStatus.values) - {LotStatus.PENDING}
    assert choices("LotPart", "extension_mode") == set(ExtensionMode.values)
    assert choices("LotClosed", "result") == choices("LotPart", "result") == set(LotResult.values)
    assert choices("AuctionPart", "status") == set(AuctionStatus.values)
    assert choices("BidAccepted", "standing") == set(Standing)
    assert choices("StreamPart", "state") == {*StreamState, "none", "ended"}
    assert choices("You", "reason") == choices("BidRejected", "code") == set(protocol.RefusalCode)


# --- Channels and operations ---------------------------------------------------------------------------


def test_its_channels_are_the_sites_paths():
    paths = {"/" + str(path.pattern).replace("<int:auction_id>", "{auction_id}") for path in websocket_urlpatterns}

    assert {channel["address"] for channel in DOCUMENT["channels"].values()} == paths


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channel_has_what_it_carries_and_all_of_it_is_said_or_heard(name):
    messages = set(DOCUMENT["channels"][name]["messages"])
    named = {
        reference.rpartition("/")[2]
        for operation in DOCUMENT["operations"].values()
        if operation["channel"]["$ref"] == f"#/channels/{name}"
        for reference in references([operation["messages"], operation.get("reply", {}).get("messages", [])])
    }

    assert messages == named
    assert {"Resume", "Ping", "State", "Resumed", "Pong", "Error", "AuctionEnded"} <= messages


def test_a_namespace_alone_lacks_what_the_others_carry():
    alone = {name: set(DOCUMENT["channels"][name]["messages"]) for name in Namespace}

    assert {"PlaceBid", "HighestBid", "Outbid", "Timer"} <= alone["bid"]
    assert not {"SayChat", "Chat", "ChatRemoved", "ChatRejected"} & alone["bid"]
    assert {"SayChat", "Chat", "ChatRemoved", "ChatRejected"} <= alone["chat"]
    assert not {"PlaceBid", "HighestBid", "LotOpened", "Timer"} & alone["chat"]
    assert {"Timer", "LotOpened", "LotExtended"} <= alone["timer"]
    assert not {"PlaceBid", "HighestBid", "BidVoided", "Chat"} & alone["timer"]
    assert set(DOCUMENT["channels"]["room"]["messages"]) == alone["bid"] | alone["chat"] | alone["timer"]


def test_a_bid_and_its_answers_are_correlated_by_id():
    messages = DOCUMENT["components"]["messages"]
    correlated = {
        name: message["correlationId"]["$ref"].rpartition("/")[2]
        for name, message in messages.items()
        if "correlationId" in message
    }

    bids = dict.fromkeys(
        ["PlaceBid", "BidStatus", "BidAccepted", "BidRejected", "BidUnknown", "SayChat", "ChatRejected"], "id"
    )
    assert correlated == bids | {"Ping": "t", "Pong": "t"}
    reply = DOCUMENT["operations"]["bid_BID"]["reply"]["messages"]
    assert [reference.rpartition("/")[2] for reference in references(reply)] == [
        "BidAccepted",
        "BidRejected",
        "BidUnknown",
        "Error",
    ]


def test_it_names_every_close_code():
    assert {code["code"] for code in DOCUMENT["x-close-codes"]} == set(protocol.CloseCode)


@pytest.mark.parametrize(("url", "scheme"), [("https://a.example", "wss"), ("http://127.0.0.1:8000", "ws")])
def test_the_server_is_the_site(url, scheme):
    server = asyncapi_document(title="Paddle", url=url, session_cookie="sid")

    assert server["servers"]["site"]["protocol"] == scheme
    assert server["servers"]["site"]["host"] == url.partition("//")[2]
    assert server["components"]["securitySchemes"]["session"]["name"] == "sid"


# --- Published -----------------------------------------------------------------------------------------


def test_it_is_published_for_every_origin_and_cached(client, settings):
    response = client.get("/api/v1/asyncapi.json")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert response.json() == asyncapi_document(title=settings.SITE_NAME, url=settings.PUBLIC_URL)
    again = client.get("/api/v1/asyncapi.json", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.post("/api/v1/asyncapi.json").status_code == 405


def test_its_page_shows_every_message_code_and_sample(client, db):
    page = client.get(reverse("api-asyncapi-page")).content.decode()

    for kind in [*protocol.NAMESPACE_OF, *protocol.SERVER_MESSAGES, *protocol.Part.__subclasses__()]:
        assert f'id="{kind.__name__}"' in page
    for code in [*protocol.RefusalCode, *protocol.ChatRefusalCode, *protocol.ErrorCode, *protocol.CloseCode]:
        assert f"<td><code>{code.value}</code></td>" in page
    assert page.count("<pre>") == len(samples().client) + len(samples().server)
    assert "<script" not in page
    assert "style=" not in page
    assert reverse("api-asyncapi") in page
    assert all(f'id="{anchor}"' in page for anchor in _anchors(page))


def _anchors(page: str) -> set[str]:
    return {part.partition('"')[0] for part in page.split('href="#')[1:]}


def test_the_rest_api_leads_to_its_page(client, db):
    schema = client.get("/api/v1/schema/?format=json").json()

    assert schema["externalDocs"]["url"] == reverse("api-asyncapi-page")


# --- Kept ----------------------------------------------------------------------------------------------


@pytest.fixture
def copied_docs(settings, tmp_path):
    """Return a copy of the documentation that commands take for the project's."""
    shutil.copytree(Path(settings.BASE_DIR) / "docs", tmp_path / "docs")
    settings.BASE_DIR = tmp_path
    return tmp_path / "docs"


def test_what_is_written_down_is_up_to_date(copied_docs):
    call_command("export_protocol", "--check")


@pytest.mark.parametrize(("name", "word"), [("protocol.md", "`BID_STATUS`"), ("asyncapi.json", '"BID_STATUS"')])
def test_a_file_that_is_out_of_date_is_noticed_and_mended(copied_docs, name, word):
    path = copied_docs / name
    path.write_text(path.read_text().replace(word, "gone"))

    with pytest.raises(CommandError, match=f"docs/{name} is not up to date"):
        call_command("export_protocol", "--check")

    call_command("export_protocol")
    call_command("export_protocol", "--check")
