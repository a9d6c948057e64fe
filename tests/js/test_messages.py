"""Compares the page's names of the wire with the definition."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from bidding import protocol

SOURCE = (Path(settings.BASE_DIR) / "static/js/room/messages.js").read_text()


def _block(name: str) -> dict[str, str]:
    body = re.search(rf"export const {name} = Object\.freeze\(\{{(.*?)\}}\);", SOURCE, re.DOTALL)
    assert body, name
    return {key: value.strip('"') for key, value in re.findall(r"(\w+): (\"[^\"]*\"|\d+),", body[1])}


def _tags(base: type) -> set[str]:
    found = set()
    kinds: list[Any] = base.__subclasses__()
    for kind in kinds:
        tag = kind.__struct_config__.tag
        found |= _tags(kind) | ({tag} if tag != kind.__name__ else set())
    return found


def test_what_the_page_sends_and_hears_is_the_protocol():
    events = _tags(protocol.Event)

    assert set(_block("Send").values()) == _tags(protocol.ClientMessage)
    assert set(_block("Event").values()) == events
    assert set(_block("Receive").values()) == _tags(protocol.ServerMessage) - events


def test_codes_are_the_protocol():
    assert _block("Refusal") == {code.name: code.value for code in protocol.RefusalCode}
    assert _block("Pause") == {code.name: code.value for code in protocol.PauseReason}
    assert _block("Close") == {code.name: str(code.value) for code in protocol.CloseCode}


def test_limits_are_the_protocol():
    assert f'SUBPROTOCOL = "{protocol.SUBPROTOCOL}"' in SOURCE
    assert f"MAX_CHAT_CHARACTERS = {protocol.MAX_CHAT_CHARACTERS};" in SOURCE


@pytest.mark.parametrize(
    ("name", "codes"), [("refused", protocol.RefusalCode), ("chatRefused", protocol.ChatRefusalCode)]
)
def test_the_page_has_words_of_its_own_for_every_refusal(name, codes):
    strings = (settings.BASE_DIR / "static/js/strings.js").read_text()
    body = re.search(rf"  {name}: \(.*?\}}\)\[code\]", strings, re.DOTALL)
    assert body is not None
    assert {code.value for code in codes} <= set(re.findall(r"^      (\w+): ", body[0], re.MULTILINE))
