"""Uploaded pictures: what is refused, and that what is stored was written by us."""

import base64
import io
import struct
import time
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from PIL import Image, ImageCms

from auctions import media, tasks
from auctions.errors import Refused
from auctions.models import Lot, LotImage, LotStatus
from auctions.services import (
    lot_image_add,
    lot_image_move,
    lot_image_remove,
    lot_image_sizes_make,
    lot_image_update,
    lot_remove,
)
from auctions.templatetags import show

SECRET = b"GPS 52.5163 13.3777"


def encoded(image_format="JPEG", size=(60, 40), mode="RGB", **options):
    out = io.BytesIO()
    Image.new(mode, size, "red" if mode != "P" else 1).save(out, image_format, **options)
    return out.getvalue()


def stored(data):
    picture = media.clean_picture(io.BytesIO(data))
    return picture, Image.open(io.BytesIO(picture.content))


def outcome(data):
    try:
        stored(data)
    except Refused as refused:
        return refused.code
    return "stored"


def check_refused(data, code):
    with pytest.raises(Refused) as refused:
        media.clean_picture(io.BytesIO(data))
    assert (refused.value.code, refused.value.field) == (code, "file")
    assert refused.value.message


def test_one_picture_at_a_time_takes_up_the_memory_of_its_pixels(monkeypatch):
    now, most, encode = 0, 0, media._encode

    def slowly(image):
        nonlocal now, most
        now += 1
        most = max(most, now)
        time.sleep(0.05)
        now -= 1
        return encode(image)

    monkeypatch.setattr(media, "_encode", slowly)
    with ThreadPoolExecutor(4) as threads:
        pictures = list(threads.map(lambda _: media.clean_picture(io.BytesIO(encoded())), range(4)))
    assert [picture.width for picture in pictures] == [60] * 4
    assert most == 1


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_every_accepted_format_becomes_webp(image_format):
    picture, image = stored(encoded(image_format))
    assert (image.format, image.size, picture.extension) == ("WEBP", (60, 40), "webp")
    assert (picture.width, picture.height) == (60, 40)


@pytest.mark.parametrize(
    ("image_format", "mode"),
    [
        ("PNG", "1"),
        ("PNG", "L"),
        ("PNG", "LA"),
        ("PNG", "P"),
        ("PNG", "RGBA"),
        ("PNG", "I;16"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
    ],
)
def test_every_colour_mode_is_taken(image_format, mode):
    out = io.BytesIO()
    Image.new(mode, (8, 8)).save(out, image_format)
    assert stored(out.getvalue())[1].size == (8, 8)


def test_what_the_camera_wrote_about_place_and_owner_is_gone():
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif[0x8298] = "Owner"
    data = encoded("JPEG", exif=exif.tobytes(), comment=SECRET)
    assert SECRET in data
    picture, image = stored(data)
    assert SECRET not in picture.content
    assert not image.getexif()
    assert b"Owner" not in picture.content
    assert "icc_profile" not in image.info


def test_a_picture_taken_sideways_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert stored(encoded("JPEG", exif=exif.tobytes()))[1].size == (40, 60)


def test_a_large_picture_is_made_smaller_and_keeps_its_shape():
    assert stored(encoded("JPEG", size=(4_000, 1_000)))[1].size == (2_048, 512)


def archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as files:
        files.writestr("index.html", "<b>")
    return out.getvalue()


def with_comment(comment):
    return encoded("JPEG", comment=comment)


@pytest.mark.parametrize(
    "data",
    [
        encoded("JPEG") + archive(),
        with_comment(archive()),
        encoded("JPEG") + b"<HTML><body onload=alert(1)>",
        encoded("JPEG") + b"<html>\xff\xd9",
        with_comment(b"*/=1;<script>alert(1)</script>/*"),
        with_comment(b"<?php system($_GET['x']); ?>"),
        encoded("JPEG") + b"%PDF-1.7",
        encoded("PNG") + archive(),
        encoded("PNG") + b"anything at all",
        encoded("PNG") + encoded("PNG"),
        encoded("WEBP") + b"anything at all",
    ],
    ids=range(11),
)
def test_a_file_that_would_pass_for_another_is_refused(data):
    assert Image.open(io.BytesIO(data)).size == (60, 40)
    check_refused(data, "image_hides_a_file")


@pytest.mark.parametrize(
    "data",
    [
        encoded("JPEG") + b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 40,
        encoded("JPEG") + encoded("JPEG"),
        encoded("PNG") + b"\0" * 100,
    ],
    ids=["film", "second", "padding"],
)
def test_what_telephones_put_behind_a_picture_is_dropped(data):
    assert b"ftyp" not in stored(data)[0].content


def test_the_second_picture_of_a_telephones_double_lens_is_dropped():
    out = io.BytesIO()
    Image.new("RGB", (60, 40)).save(out, "MPO", save_all=True, append_images=[Image.new("RGB", (60, 40))])
    assert stored(out.getvalue())[1].size == (60, 40)


@pytest.mark.parametrize("image_format", ["WEBP", "PNG"])
def test_a_picture_that_moves_is_refused(image_format):
    out = io.BytesIO()
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "blue", "green")]
    frames[0].save(out, image_format, save_all=True, append_images=frames[1:])
    check_refused(out.getvalue(), "image_animated")


@pytest.mark.parametrize("level", [0, 20_000, 40_000, 65_535])
def test_sixteen_bits_become_eight_and_not_white(level):
    out = io.BytesIO()
    Image.new("I;16", (40, 40), level).save(out, "PNG")
    seen = stored(out.getvalue())[1].convert("L").getpixel((20, 20))
    assert abs(seen - level // 257) <= 3


def test_colours_are_brought_to_those_of_a_browser():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert stored(encoded("JPEG", icc_profile=profile))[1].size == (60, 40)
    assert stored(encoded("JPEG", icc_profile=b"no profile"))[1].size == (60, 40)
    # Ours with red and blue swapped: what is red in it is blue to everybody.
    swapped = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = swapped.index(b"rXYZ", 128), swapped.index(b"bXYZ", 128)
    swapped[red : red + 4], swapped[blue : blue + 4] = b"bXYZ", b"rXYZ"
    shown = stored(encoded("JPEG", icc_profile=bytes(swapped)))[1].convert("RGB").getpixel((20, 20))
    assert shown[2] > 240 > 20 > shown[0]


def test_what_decides_is_the_content_and_not_the_name():
    upload = io.BytesIO(encoded("JPEG"))
    upload.name = "lamp.png"
    assert media.clean_picture(upload).extension == "webp"
    script = io.BytesIO(b"#!/bin/sh")
    script.name = "lamp.jpg"
    with pytest.raises(Refused):
        media.clean_picture(script)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"<?xml version='1.0'?><svg/>", "SVG"),
        (b"GIF89a=1/*" + bytes(40) + b"*/;alert(1)", "GIF"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
        (encoded("JPEG")[:200], "cut short"),
        (b"MZ", "Use JPEG"),
    ],
)
def test_the_refusal_says_what_to_do(data, word):
    with pytest.raises(Refused, match=word):
        media.clean_picture(io.BytesIO(data))


def test_pages_get_every_width_as_avif_and_jpeg_and_a_blur():
    picture, _ = stored(encoded("JPEG", size=(1_500, 1_000)))
    sizes = media.make_sizes(picture.content)
    assert sizes.widths == (320, 640, 1_280, 1_500)
    opened = {key: Image.open(io.BytesIO(data)) for key, data in sizes.files.items()}
    assert {key: (image.format, image.size) for key, image in opened.items()} == {
        (width, extension): (kind, (width, round(width / 1.5)))
        for width in sizes.widths
        for extension, kind in (("avif", "AVIF"), ("jpg", "JPEG"))
    }
    assert sizes.blur.startswith("data:image/webp;base64,")
    assert len(sizes.blur) < 600
    assert Image.open(io.BytesIO(base64.b64decode(sizes.blur.partition(",")[2]))).size == (16, 11)


def test_a_small_picture_is_never_made_larger():
    assert media.make_sizes(stored(encoded(size=(200, 2)))[0].content).widths == (200,)


def test_what_is_transparent_stands_on_white_where_a_format_has_no_transparency():
    out = io.BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(out, "PNG")
    sizes = media.make_sizes(stored(out.getvalue())[0].content)
    for data in sizes.files.values():
        assert min(Image.open(io.BytesIO(data)).convert("L").tobytes()) > 250


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<?xml version='1.0'?><svg/>",
        b"<html><script>alert(1)</script></html>",
        b"%PDF-1.7",
        b"MZ\x90\x00",
        b"\x00" * 2_000,
        b"GIF89a" + b"\x00" * 50,
        b"BM" + b"\x00" * 60,
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x00\x00\x00\x00WEBP",
    ],
    ids=ascii,
)
def test_what_is_no_picture_is_refused(data):
    check_refused(data, "not_an_image")


@pytest.mark.parametrize("image_format", ["GIF", "BMP", "TIFF", "ICO", "PPM"])
def test_other_formats_are_refused(image_format):
    check_refused(encoded(image_format), "not_an_image")


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_a_picture_cut_short_anywhere_is_refused_or_read_and_never_a_crash(image_format):
    data = encoded(image_format, size=(200, 150))
    assert {outcome(data[:length]) for length in range(1, len(data), 7)} <= {"stored", "not_an_image"}


def test_a_picture_with_any_broken_byte_is_refused_or_read_and_never_a_crash():
    data = encoded("PNG", size=(20, 20))
    broken = (data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :] for place in range(len(data)))
    assert {outcome(each) for each in broken} <= {"stored", "not_an_image", "image_too_many_pixels"}


def bomb(width, height):
    """Return a small PNG that claims a huge size."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00" * 1_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(8_000, 8_000), (20_000, 20_000), (65_000, 65_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_by_its_header(size):
    with pytest.raises(Refused) as refused:
        media.clean_picture(io.BytesIO(bomb(*size)))
    assert refused.value.code in {"image_too_many_pixels", "not_an_image"}


def test_a_file_that_is_too_large_or_empty_is_refused(monkeypatch):
    check_refused(b"", "image_empty")
    monkeypatch.setattr(media, "MAX_UPLOAD_BYTES", 1_000)
    check_refused(b"\xff" * 1_001, "image_too_large")


def test_a_stored_picture_has_a_name_of_ours_and_goes_with_its_file(
    host, lot, settings, tmp_path, django_capture_on_commit_callbacks
):
    settings.MEDIA_ROOT = tmp_path
    upload = io.BytesIO(encoded())
    upload.name = "../../etc/passwd.php"
    image = lot_image_add(actor=host, lot=lot, upload=upload, alt=" A lamp ")
    assert (image.alt, image.position, image.width, image.height) == ("A lamp", 0, 60, 40)
    path = tmp_path / image.file.name
    assert path.parent == tmp_path / "lots"
    assert "passwd" not in path.name
    assert path.suffix == ".webp"
    second = lot_image_add(actor=host, lot=lot, upload=io.BytesIO(encoded()))
    assert second.position == 1
    with django_capture_on_commit_callbacks(execute=True):
        lot_image_remove(actor=host, image=image)
    assert not path.exists()
    assert [left.pk for left in lot.images.all()] == [second.pk]


def test_only_who_manages_the_auction_adds_pictures(other_host, lot):
    with pytest.raises(Refused) as refused:
        lot_image_add(actor=other_host, lot=lot, upload=io.BytesIO(encoded()))
    assert refused.value.code == "forbidden"
    assert not lot.images.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("status", [LotStatus.SOLD, LotStatus.PASSED, LotStatus.WITHDRAWN])
def test_what_a_closed_lot_looked_like_stays_on_record(host, lot, settings, tmp_path, status):
    settings.MEDIA_ROOT = tmp_path
    image = lot_image_add(actor=host, lot=lot, upload=io.BytesIO(encoded()))
    Lot.objects.filter(pk=lot.pk).update(status=status)
    for change in (
        lambda: lot_image_add(actor=host, lot=lot, upload=io.BytesIO(encoded())),
        lambda: lot_image_update(actor=host, image=image, alt="Another", position=3),
        lambda: lot_image_remove(actor=host, image=image),
    ):
        with pytest.raises(Refused) as refused:
            change()
        assert refused.value.code == "lot_closed"
    assert list(lot.images.values_list("alt", "position")) == [("", 0)]


@pytest.mark.django_db
def test_a_lot_that_is_taken_out_of_a_draft_leaves_no_file(
    host, lot, settings, tmp_path, django_capture_on_commit_callbacks
):
    settings.MEDIA_ROOT = tmp_path
    lot_image_add(actor=host, lot=lot, upload=io.BytesIO(encoded()))
    with django_capture_on_commit_callbacks(execute=True):
        lot_remove(actor=host, lot=lot)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.fixture
def media_root(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_sizes_are_made_beside_a_picture_and_go_with_it(host, lot, media_root, django_capture_on_commit_callbacks):
    image = lot_image_add(actor=host, lot=lot, upload=io.BytesIO(encoded(size=(700, 500))))
    tasks.sizes_make(image.pk)
    image.refresh_from_db()
    stem = Path(image.file.path).stem
    assert image.widths == [320, 640, 700]
    sizes = {f"{stem}-{width}.{extension}" for width in image.widths for extension in ("avif", "jpg")}
    assert set(files_in(media_root)) == {f"{stem}.webp", *sizes}
    # A second time, as a queue may do it, and after an attempt that was cut short.
    tasks.sizes_make(image.pk)
    LotImage.objects.update(blur="")
    tasks.sizes_make(image.pk)
    assert len(files_in(media_root)) == 7
    with django_capture_on_commit_callbacks(execute=True):
        lot_image_remove(actor=host, image=LotImage.objects.get())
    assert files_in(media_root) == []


def test_sizes_of_a_picture_that_is_taken_away_meanwhile_leave_no_file(
    host, lot, media_root, django_capture_on_commit_callbacks
):
    image = lot_image_add(actor=host, lot=lot, upload=io.BytesIO(encoded()))
    with django_capture_on_commit_callbacks(execute=True):
        LotImage.objects.all().delete()
        lot_image_sizes_make(image=image)
    assert files_in(media_root) == []


def test_a_file_that_others_show_stays(host, lot, media_root, django_capture_on_commit_callbacks):
    image = lot_image_add(actor=host, lot=lot, upload=io.BytesIO(encoded()))
    shared = LotImage.objects.create(lot=lot, file=image.file.name)
    tasks.sizes_make(image.pk)
    tasks.sizes_make(shared.pk)
    shared.refresh_from_db()
    image.refresh_from_db()
    assert (shared.widths, shared.blur) == (image.widths, image.blur)
    kept = files_in(media_root)
    with django_capture_on_commit_callbacks(execute=True):
        lot_image_remove(actor=host, image=image)
    assert files_in(media_root) == kept
    with django_capture_on_commit_callbacks(execute=True):
        lot_image_remove(actor=host, image=shared)
    assert files_in(media_root) == []


def test_a_picture_without_its_file_stops_no_worker(host, lot, media_root):
    image = lot_image_add(actor=host, lot=lot, upload=io.BytesIO(encoded()))
    Path(image.file.path).unlink()
    tasks.sizes_make(image.pk)
    tasks.sizes_make(10**9)


@pytest.mark.parametrize(
    ("which", "by", "order"),
    [("a", 1, "bac"), ("a", 2, "bca"), ("c", -1, "acb"), ("a", -1, "abc"), ("c", 9, "abc")],
)
def test_pictures_are_put_in_order(host, lot, media_root, which, by, order):
    for name in "abc":
        LotImage.objects.create(lot=lot, file=f"{name}.webp", alt=name, width=4, height=3)
    lot_image_move(actor=host, image=LotImage.objects.get(alt=which), by=by)
    assert "".join(lot.images.values_list("alt", flat=True)) == order


def test_a_picture_that_another_page_took_away_is_refused_in_words(host, lot, media_root):
    image = lot_image_add(actor=host, lot=lot, upload=io.BytesIO(encoded()))
    LotImage.objects.all().delete()
    for change in (
        lambda: lot_image_move(actor=host, image=image, by=1),
        lambda: lot_image_update(actor=host, image=image, alt="x", position=0),
    ):
        with pytest.raises(Refused) as refused:
            change()
        assert refused.value.code == "image_gone"


@pytest.mark.parametrize("status", [LotStatus.OPEN, LotStatus.PAUSED])
def test_what_bidders_look_at_stays_while_the_lot_is_open(host, lot, media_root, status):
    image = lot_image_add(actor=host, lot=lot, upload=io.BytesIO(encoded()))
    Lot.objects.filter(pk=lot.pk).update(status=status)
    with pytest.raises(Refused) as refused:
        lot_image_remove(actor=host, image=image)
    assert refused.value.code == "lot_open"
    assert lot.images.count() == 1


def test_a_page_offers_every_size_and_says_how_large_the_picture_is(host, lot, media_root):
    image = lot_image_add(actor=host, lot=lot, upload=io.BytesIO(encoded(size=(700, 500))))
    before = show.picture(image, "100vw")
    assert (before["src"], before["avif"], before["jpg"]) == (image.file.url, "", "")
    tasks.sizes_make(image.pk)
    image.refresh_from_db()
    stem = image.file.url.removesuffix(".webp")
    page = render_to_string("parts/picture.html", show.picture(image, "100vw", "A lamp"))
    assert f'<source type="image/avif" srcset="{stem}-320.avif 320w, {stem}-640.avif 640w' in page
    assert f'<img src="{stem}-640.jpg" srcset="{stem}-320.jpg 320w' in page
    assert 'width="700" height="500" alt="A lamp"' in page
    assert 'loading="lazy"' in page
    assert 'class="haze" src="data:image/webp;base64,' in page
    assert "style=" not in page
    eager = render_to_string("parts/picture.html", show.picture(image, "100vw", eager=True))
    assert "lazy" not in eager


@pytest.mark.parametrize("extension", ["avif", "jpg", "webp"])
def test_what_is_served_says_its_type_and_is_never_guessed(client, host, lot, media_root, extension):
    image = lot_image_add(actor=host, lot=lot, upload=io.BytesIO(encoded()))
    tasks.sizes_make(image.pk)
    path = image.file.url if extension == "webp" else image.file.url.replace(".webp", f"-60.{extension}")
    response = client.get(path)
    assert response.status_code == 200
    assert response["Content-Type"] == f"image/{extension.replace('jpg', 'jpeg')}"
    assert response["X-Content-Type-Options"] == "nosniff"
