"""A live stream is taken apart the same way however it is cut on its way, and what is none is refused in words."""

import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding.demo.testcard import cluster, opening
from bidding.relay.containers import MOST_BYTES, MOST_TRACKS, BadStream, Opening, Piece, Splitter

UNKNOWN = b"\x01\xff\xff\xff\xff\xff\xff\xff"


def element(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + (len(content) | 1 << 28).to_bytes(4, "big") + content


def track(number: int, sort: int, codec: bytes) -> bytes:
    return element("AE", element("D7", bytes([number])) + element("83", bytes([sort])) + element("86", codec))


def webm(*tracks: bytes) -> bytes:
    """Return the opening of a recording as a browser makes it."""
    return (
        element("1A45DFA3", element("4282", b"webm"))
        + bytes.fromhex("18538067")
        + UNKNOWN
        + (
            element("1549A966", element("2AD7B1", (1_000_000).to_bytes(3, "big")))
            + element("1654AE6B", b"".join(tracks))
        )
    )


def block(number: int, at: int, *, key: bool, content: bytes = b"frame") -> bytes:
    return element("A3", bytes([0x80 | number]) + at.to_bytes(2, "big", signed=True) + bytes([0x80 * key]) + content)


def group(number: int, at: int, *, key: bool) -> bytes:
    inside = element("A1", bytes([0x80 | number]) + at.to_bytes(2, "big", signed=True) + b"\0picture")
    return element("A0", inside + (b"" if key else element("FB", b"\x01")))


def a_cluster(at_ms: int, *frames: bytes) -> bytes:
    return bytes.fromhex("1F43B675") + UNKNOWN + element("E7", at_ms.to_bytes(3, "big")) + b"".join(frames)


PICTURE, SOUND = track(1, 1, b"V_VP8"), track(2, 2, b"A_OPUS")
RECORDING = (
    webm(PICTURE, SOUND)
    # As browsers write it: sound may come before the key frame, a cluster may begin without one, groups are seldom.
    + a_cluster(0, block(2, 0, key=True), block(1, 3, key=True), block(1, 40, key=False), block(2, 60, key=True))
    + a_cluster(1_000, group(1, 0, key=True), group(1, 33, key=False), block(2, 40, key=True))
    + a_cluster(1_500, block(1, 0, key=False, content=b"\x1f\x43\xb6\x75" + UNKNOWN), block(2, 8, key=True))
    + element("1C53BB6B", b"cues")
    + a_cluster(2_000, block(2, 5, key=True), block(1, 7, key=True, content=b"x" * 300), block(1, 40, key=False))
)


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(place for place in places if place < len(data)), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def taken_apart(parts: Iterable[bytes]) -> tuple[list[Opening], bytes, list[tuple[int, int]]]:
    """Return the openings, all pieces as one, and where in that the marks are, with their media times."""
    splitter, openings, together, marks = Splitter(), [], b"", []
    for part in parts:
        for found in splitter.feed(part):
            if isinstance(found, Opening):
                openings.append(found)
                continue
            if found.is_mark:
                marks.append((len(together), found.at_ms))
            together += found.data
    return openings, together, marks


def test_a_recording_becomes_its_opening_and_pieces_with_marks():
    (first,), together, marks = taken_apart([RECORDING])
    assert first.mime == 'video/webm;codecs="vp8,opus"'
    assert first.data == webm(PICTURE, SOUND)
    assert first.data + together == RECORDING.replace(element("1C53BB6B", b"cues"), b"")
    assert [at for _, at in marks] == [0, 1_000, 2_005]
    assert all(together[place:].startswith(bytes.fromhex("1F43B675")) for place, _ in marks)


@given(st.lists(st.integers(1, len(RECORDING) - 1), max_size=60))
def test_any_cut_gives_the_same(places):
    assert taken_apart(cut(RECORDING, places)) == taken_apart([RECORDING])


def test_a_frame_is_handed_on_as_soon_as_it_is_whole():
    splitter = Splitter()
    splitter.feed(webm(PICTURE, SOUND) + a_cluster(0, block(1, 0, key=True)))
    frame = block(1, 33, key=False, content=b"y" * 200)
    assert splitter.feed(frame[:-1]) == []
    assert splitter.feed(frame[-1:]) == [Piece(frame, False, 33)]


def test_a_second_recording_on_the_same_socket_begins_anew():
    openings, _, marks = taken_apart([RECORDING, webm(PICTURE) + a_cluster(0, block(1, 0, key=True))])
    assert [opening.mime for opening in openings] == ['video/webm;codecs="vp8,opus"', 'video/webm;codecs="vp8"']
    assert len(marks) == 4


def test_sound_alone_may_begin_with_every_cluster():
    (first,), _, marks = taken_apart([webm(track(1, 2, b"A_OPUS")) + a_cluster(0, block(1, 0, key=True))])
    assert first.mime == 'audio/webm;codecs="opus"'
    assert len(marks) == 1


def test_the_test_card_is_such_a_stream_with_a_mark_in_every_frame():
    stream = opening() + cluster(0, b"one") + cluster(100, b"two") + cluster(70_000, b"three")
    (first,), _, marks = taken_apart([stream])
    assert first.mime == 'video/webm;codecs="vp8"'
    assert [at for _, at in marks] == [0, 100, 70_000]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "WebM or fragmented MP4"),
        (webm(track(1, 1, b"V_MPEG4/ISO/AVC")), "H.264 goes in MP4"),
        (webm() + a_cluster(0), "neither pictures nor sound"),
        (webm(PICTURE) + bytes.fromhex("1F43B675") + UNKNOWN + element("E1", b"odd"), "no live WebM"),
        (
            webm(PICTURE) + bytes.fromhex("A3") + (MOST_BYTES + 1).to_bytes(8, "big")[:0] + b"\x08\xff\xff\xff\xff\xff",
            "larger",
        ),
        (webm(PICTURE) + a_cluster(0, element("A3", b"\x81")), "cannot be read"),
        (element("1A45DFA3", b"") + b"\x00" * 20, "no WebM"),
        (webm(*(track(number, 2, b"A_OPUS") for number in range(1, MOST_TRACKS + 2))) + a_cluster(0), "tracks"),
        (webm(PICTURE) + a_cluster(0)[:12] + element("E7", b"\1" * 9) + block(1, 0, key=True), "number"),
        (webm(PICTURE) + a_cluster(0)[:12] + element("E7", b"\1" * 8) + block(1, 0, key=True), "time"),
    ],
)
def test_what_is_no_live_video_is_refused_in_words(data, words):
    with pytest.raises(BadStream, match=words):
        Splitter().feed(data)


def test_a_cluster_without_pictures_is_not_kept_for_ever():
    splitter = Splitter()
    sound = block(2, 0, key=True, content=b"s" * 60_000) * (MOST_BYTES // 60_000 + 1)
    with pytest.raises(BadStream, match="no pictures"):
        splitter.feed(webm(PICTURE, SOUND) + a_cluster(0) + sound)


# --- MP4 -----------------------------------------------------------------------------------------------


def box(kind: bytes, content: bytes = b"") -> bytes:
    return (len(content) + 8).to_bytes(4, "big") + kind + content


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "big") for value in values)


def trak(number: int, sort: bytes, entry: bytes, timescale: int) -> bytes:
    table = box(b"stbl", box(b"stsd", words(0, 1) + entry))
    return box(
        b"trak",
        box(b"tkhd", words(0, 0, 0, number))
        + box(
            b"mdia",
            box(b"mdhd", words(0, 0, 0, timescale)) + box(b"hdlr", words(0, 0) + sort) + box(b"minf", table),
        ),
    )


def fragment(at: int, *, key: bool, how: str = "first") -> bytes:
    """Return a fragment with pictures; browsers say in one of three places whether the first is whole."""
    flags = 0x02000000 if key else 0x01010000
    tfhd, trun = words(0x020000, 1), words(0x1, 1, 0)
    if how == "first":
        trun = words(0x5, 1, 0, flags)
    elif how == "each":
        trun = words(0x701, 1, 0, 3_000, 900, flags)
    elif how == "default":
        tfhd = words(0x020028, 1, 3_000, flags)
    traf = box(b"tfhd", tfhd) + box(b"tfdt", words(0x01000000, 0, at)) + box(b"trun", trun)
    return box(b"moof", box(b"mfhd", words(0, 1)) + box(b"traf", traf)) + box(b"mdat", b"pictures" * 20)


AVC = box(b"avc1", bytes(78) + box(b"avcC", b"\x01\x42\xe0\x1e\xff"))
VP9 = box(b"vp09", bytes(78) + box(b"vpcC", b"\x01\0\0\0\x00\x1f\x82"))
MP4A, OPUS = box(b"mp4a", bytes(40)), box(b"Opus", bytes(40))
INTO_FRAGMENTS = box(b"mvex", box(b"trex", words(0, 1, 1, 0, 0, 0x01010000)))


def mp4(video: bytes = AVC, audio: bytes = MP4A) -> bytes:
    tracks = trak(1, b"vide", video, 30_000) + trak(2, b"soun", audio, 48_000)
    return box(b"ftyp", b"isom") + box(b"moov", box(b"mvhd", bytes(100)) + tracks + INTO_FRAGMENTS)


FRAGMENTS = (
    mp4()
    + fragment(0, key=True)
    + fragment(15_000, key=False, how="each")
    + box(b"styp", b"msdh")
    + fragment(30_000, key=True, how="default")
    + fragment(45_000, key=False, how="track")
    + fragment(60_000, key=True, how="each")
)


def test_mp4_becomes_its_opening_and_a_piece_for_each_fragment():
    (first,), together, marks = taken_apart([FRAGMENTS])
    assert first.mime == 'video/mp4;codecs="avc1.42E01E,mp4a.40.2"'
    assert first.data + together == FRAGMENTS
    assert [at for _, at in marks] == [0, 1_000, 2_000]


@given(st.lists(st.integers(1, len(FRAGMENTS) - 1), max_size=60))
def test_any_cut_of_mp4_gives_the_same(places):
    assert taken_apart(cut(FRAGMENTS, places)) == taken_apart([FRAGMENTS])


def test_the_other_codecs_of_mp4_are_named_too():
    (first,), _, _ = taken_apart([mp4(VP9, OPUS) + fragment(0, key=True)])
    assert first.mime == 'video/mp4;codecs="vp09.00.31.08,opus"'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (mp4(box(b"hvc1", bytes(90))), "H.264 or VP9"),
        (box(b"ftyp", b"isom") + box(b"moof", b"") + bytes(8), "fragmented MP4"),
        (mp4() + fragment(0, key=True).replace(words(0x020000, 1), words(0x020000, 9)), "no track"),
        (box(b"ftyp", b"isom") + words(3) + b"moov" + bytes(8), "larger"),
        (
            box(b"ftyp", b"isom")
            + box(b"moov", b"".join(trak(number, b"soun", OPUS, 48_000) for number in range(1, MOST_TRACKS + 2)))
            + fragment(0, key=True),
            "tracks",
        ),
        (mp4() + fragment(7, key=True).replace(words(0x01000000, 0, 7), words(0x01000000, 0xFFFFFFFF, 7)), "time"),
    ],
)
def test_what_is_no_live_mp4_is_refused_in_words(data, words):
    with pytest.raises(BadStream, match=words):
        Splitter().feed(data)


@given(st.sampled_from([RECORDING, FRAGMENTS]), st.lists(st.tuples(st.integers(0, 2_000), st.binary(max_size=6))))
def test_odd_bytes_never_do_anything_else_than_be_refused(stream, changes):
    for place, odd in changes:
        place %= len(stream)
        stream = stream[:place] + odd + stream[place + len(odd) :]
    with suppress(BadStream):
        taken_apart(cut(stream, [len(stream) // 3]))


@pytest.mark.parametrize(
    "stream",
    [
        webm(PICTURE) + a_cluster(0) + bytes.fromhex("A3") + (MOST_BYTES | 1 << 28).to_bytes(4, "big"),
        MOST_BYTES.to_bytes(4, "big").join((mp4(), b"mdat")),
    ],
    ids=["webm", "mp4"],
)
def test_a_frame_that_comes_in_crumbs_costs_little_more_than_one_that_comes_at_once(stream):
    def cost(size: int) -> float:
        splitter, content = Splitter(), bytes(size)
        splitter.feed(stream)
        began = time.process_time()
        for _ in range(MOST_BYTES // 2 // size):
            splitter.feed(content)
        return time.process_time() - began

    # Copied anew for each crumb it would be hundreds of times as much.
    at_once = min(cost(MOST_BYTES // 2) for _ in range(3))
    assert cost(2_048) < 100 * max(at_once, 0.001)
