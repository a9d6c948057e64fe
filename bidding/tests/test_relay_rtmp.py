"""What programs like OBS say by RTMP: any cut gives the same messages, odd bytes are refused, and FLV comes out."""

import struct
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding.relay import rtmp
from bidding.relay.rtmp import BadRtmp, Inbound, Message


def first_chunk(number: int, at: int, kind: int, size: int, part: bytes) -> bytes:
    return bytes([number]) + at.to_bytes(3, "big") + size.to_bytes(3, "big") + bytes([kind]) + b"\1\0\0\0" + part


PICTURE, SOUND = b"p" * 300, b"s" * 90
TALK = (
    first_chunk(4, 10, rtmp.VIDEO, 300, PICTURE[:128])
    # Sound between the parts of a picture, as programs send it.
    + first_chunk(5, 12, rtmp.AUDIO, 90, SOUND)
    + b"\xc4"
    + PICTURE[128:256]
    + b"\xc4"
    + PICTURE[256:]
    # Larger chunks from now on; then only what differs: size and kind, time alone, nothing at all.
    + first_chunk(2, 0, 1, 4, (4_096).to_bytes(4, "big"))
    + b"\x44"
    + (33).to_bytes(3, "big")
    + (300).to_bytes(3, "big")
    + bytes([rtmp.VIDEO])
    + PICTURE
    + b"\x84"
    + (34).to_bytes(3, "big")
    + PICTURE
    + b"\xc4"
    + PICTURE
    # A time beyond three bytes, and a number of the stream of chunks beyond six bits.
    + b"\x00\x0a"
    + b"\xff\xff\xff"
    + (90).to_bytes(3, "big")
    + bytes([rtmp.AUDIO])
    + b"\1\0\0\0"
    + (20_000_000).to_bytes(4, "big")
    + SOUND
)
MESSAGES = [
    Message(rtmp.AUDIO, 12, SOUND),
    Message(rtmp.VIDEO, 10, PICTURE),
    Message(rtmp.VIDEO, 43, PICTURE),
    Message(rtmp.VIDEO, 77, PICTURE),
    Message(rtmp.VIDEO, 111, PICTURE),
    Message(rtmp.AUDIO, 20_000_000, SOUND),
]


@given(st.lists(st.integers(1, len(TALK) - 1), max_size=60))
def test_any_cut_of_chunks_gives_the_same_messages(places):
    edges = [0, *sorted(places), len(TALK)]
    inbound, found = Inbound(), list[Message]()
    for start, end in pairwise(edges):
        found += inbound.feed(TALK[start:end])
    assert found == MESSAGES


@given(st.lists(st.tuples(st.integers(0, len(TALK)), st.binary(max_size=6))), st.binary(max_size=200))
def test_odd_bytes_are_refused_and_nothing_else(changes, command):
    talk = TALK
    for place, odd in changes:
        talk = talk[:place] + odd + talk[place + len(odd) :]
    with suppress(BadRtmp):
        list(Inbound().feed(talk))
    with suppress(BadRtmp):
        rtmp.command(Message(20, 0, command))


@pytest.mark.parametrize(
    "talk",
    [
        # A message that is larger than a command can be.
        first_chunk(3, 0, rtmp.VIDEO, 5_000, bytes(128)),
        # Many that are never whole.
        b"".join(first_chunk(number, 0, rtmp.VIDEO, 900, bytes(128)) for number in range(3, 60)),
        # Many of which nothing but the head came.
        b"".join(first_chunk(number, 0, rtmp.VIDEO, 0, b"") for number in range(3, 60)),
    ],
    ids=["large", "unfinished", "many"],
)
def test_who_may_not_send_yet_fills_no_memory(talk):
    inbound = Inbound(most_bytes=4_096)
    with pytest.raises(BadRtmp):
        list(inbound.feed(talk))


def test_who_may_send_fills_no_memory_with_what_is_never_whole():
    inbound = Inbound()
    list(inbound.feed(first_chunk(2, 0, 1, 4, (65_536).to_bytes(4, "big"))))
    talk = b"".join(first_chunk(number, 0, rtmp.VIDEO, 600_000, bytes(65_536)) for number in [*range(3, 20)] * 8)
    with pytest.raises(BadRtmp, match="not whole"):
        list(inbound.feed(talk))


def test_commands_are_read_and_answers_are_made_of_chunks():
    connect = b"\x02\0\x07connect\0" + struct.pack(">d", 1) + b"\x03\0\x03app\x02\0\x04live\0\0\x09"
    assert rtmp.command(Message(20, 0, connect)) == ("connect", 1.0, [{"app": "live"}])
    answers = list(Inbound().feed(rtmp.accepted_connect(1) + rtmp.answered_publish(is_allowed=False, words="No.")))
    assert [answer.kind for answer in answers] == [5, 6, 20, 20]
    assert rtmp.command(answers[2])[:2] == ("_result", 1.0)
    assert rtmp.command(answers[3])[2][1]["code"] == "NetStream.Publish.BadName"


def test_a_message_becomes_a_tag_of_flv():
    tag = rtmp.flv_tag(Message(rtmp.VIDEO, 0x01020304, b"abc"))
    assert tag == b"\x09\0\0\x03\x02\x03\x04\x01\0\0\0abc" + (14).to_bytes(4, "big")
