"""What happens to an uploaded picture before anybody sees it.

Owns the limits, the re-encoding and the sizes that pages load. What is stored was written by us: no metadata, no
second file hidden in the first, no script. Stores nothing itself.
"""

import base64
import io
import mimetypes
import re
import threading
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from PIL import Image, ImageCms, ImageOps

from auctions.errors import Refused

MAX_UPLOAD_BYTES: Final = 15 * 1024 * 1024
MAX_PIXELS: Final = 50_000_000
MAX_EDGE: Final = 2_048
"""The longer side of what is kept."""
mimetypes.add_type("image/avif", ".avif")  # Python learned it later than we need it

ACCEPTED_FORMATS: Final = ("JPEG", "PNG", "WEBP")
ACCEPTED_TYPES: Final = ("image/jpeg", "image/png", "image/webp")
ACCEPTED_WORDS: Final = gettext_lazy("JPEG, PNG or WebP")
WIDTHS: Final = (320, 640, 1_280)
"""How wide the smaller sizes are; the largest is as wide as what is kept."""
TYPE_OF: Final = {"avif": "image/avif", "jpg": "image/jpeg"}
"""The kinds of file that every size is made as."""
_one_at_a_time: Final = threading.Lock()
"""The pixels of a small file may take up a gigabyte while they are worked on, also in the process of a room."""
_QUALITY: Final = 84
_BLUR_EDGE: Final = 16

# Long enough that compressed pixels do not contain them by chance.
_CODE: Final = re.compile(rb"<script|<\?php\s|<!doctype|javascript:", re.IGNORECASE)
_CODE_BEHIND: Final = re.compile(rb"<html|<svg[\s>]|<body|<iframe|%pdf-", re.IGNORECASE)
_JPEG_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is stored: WebP, upright, without metadata."""

    content: bytes
    width: int
    height: int
    extension: str = "webp"


@dataclass(frozen=True, slots=True)
class Sizes:
    """A stored picture as pages load it: one AVIF and one JPEG a width, and a few pixels as a data URI."""

    files: dict[tuple[int, str], bytes]
    widths: tuple[int, ...]
    blur: str


def clean_picture(upload: IO[bytes], *, field: str = "file", square: int | None = None) -> Picture:
    """Re-encode an upload, or raise Refused at `field` saying what is wrong with it.

    With `square` its middle is kept, so many pixels wide and high at most.
    """
    data = upload.read(MAX_UPLOAD_BYTES + 1)
    if not data:
        raise Refused("image_empty", _("The file is empty."), field=field)
    if len(data) > MAX_UPLOAD_BYTES:
        text = _("The file is larger than %(megabytes)s MB.") % {"megabytes": MAX_UPLOAD_BYTES // 1024 // 1024}
        raise Refused("image_too_large", text, field=field)
    text = _("The picture has more than %(most)s megapixels.") % {"most": MAX_PIXELS // 1_000_000}
    too_many = Refused("image_too_many_pixels", text, field=field)
    not_one = Refused("not_an_image", _why_not(data), field=field)
    try:
        # The header alone is read here; its size is judged before a single pixel is decoded.
        image = Image.open(io.BytesIO(data), formats=ACCEPTED_FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise too_many
        if image.width < 2 or image.height < 2:
            raise not_one
        # A JPEG of several pictures is no animation: telephones keep a second lens or a depth map there.
        if image.format != "MPO" and getattr(image, "is_animated", False):
            raise Refused("image_animated", _("The picture moves. Choose one that stands still."), field=field)
        if _hides_a_file(data, image):
            text = _("Something else is hidden in the file. Save the picture anew in a photo program, and choose that.")
            raise Refused("image_hides_a_file", text, field=field)
        with _one_at_a_time:
            return _redrawn(image, square)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_many from None
    except (OSError, ValueError, SyntaxError, OverflowError, MemoryError, EOFError, KeyError, IndexError, TypeError):
        raise not_one from None


def make_sizes(content: bytes) -> Sizes:
    """Return a stored picture in the sizes that pages load, on white where it was transparent."""
    stored = Image.open(io.BytesIO(content), formats=("WEBP",))
    picture = Image.new("RGB", stored.size, "white")
    picture.paste(stored, mask=stored.getchannel("A") if stored.mode == "RGBA" else None)
    widths = (*(width for width in WIDTHS if width < picture.width), picture.width)
    files = {}
    for width in widths:
        height = max(1, round(picture.height * width / picture.width))
        small = picture.resize((width, height), Image.Resampling.LANCZOS) if width < picture.width else picture
        # One thread: a worker of pictures shares its machine with the clock of the auctions.
        files[width, "avif"] = _saved(small, "AVIF", quality=60, speed=8, max_threads=1)
        files[width, "jpg"] = _saved(small, "JPEG", quality=80, progressive=True, optimize=True)
    tiny = picture.copy()
    tiny.thumbnail((_BLUR_EDGE, _BLUR_EDGE), Image.Resampling.BOX)
    blur = base64.b64encode(_saved(tiny, "WEBP", quality=40, method=6)).decode()
    return Sizes(files=files, widths=widths, blur=f"data:image/webp;base64,{blur}")


def _redrawn(image: Image.Image, square: int | None) -> Picture:
    # JPEG decodes at a fraction of the size where that is enough; other formats ignore it.
    image.draft("RGB", (MAX_EDGE, MAX_EDGE))
    ImageOps.exif_transpose(image, in_place=True)
    upright = _in_eight_bits(image)
    if square is not None:
        edge = min(square, *upright.size)
        upright = ImageOps.fit(upright, (edge, edge), Image.Resampling.LANCZOS)
    upright.thumbnail((MAX_EDGE, MAX_EDGE), Image.Resampling.LANCZOS)
    return _encode(upright)


def _why_not(data: bytes) -> str:
    """Say of what is no picture for us what to do about it."""
    start = data[:1_024].lower()
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _("GIF is not taken. Use %(formats)s.") % {"formats": ACCEPTED_WORDS}
    if b"<svg" in start:
        return _("SVG is a drawing made of code, and is not taken. Export it as %(formats)s.") % {
            "formats": ACCEPTED_WORDS
        }
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"hevc"):
        return _("HEIC is not taken. Set the camera to its most compatible format, or export the photo as JPEG.")
    if data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")):
        return _("The picture is damaged or cut short. Save it anew, or choose another one.")
    return _("This is not a picture that we can read. Use %(formats)s.") % {"formats": ACCEPTED_WORDS}


def _hides_a_file(data: bytes, image: Image.Image) -> bool:
    """Say whether the file would also pass for something else: an archive, a page, a program of a browser.

    Telephones put short films and further pictures behind a JPEG, so that alone is no offence there.
    """
    if _CODE.search(data) or zipfile.is_zipfile(io.BytesIO(data)):
        return True
    behind = data[_end(data, image.format or "") :]
    if image.format in ("JPEG", "MPO"):
        return _CODE_BEHIND.search(behind) is not None
    return bool(behind.strip(b"\0"))


def _end(data: bytes, image_format: str) -> int:
    """Return where the picture ends, by its own account."""
    if image_format == "WEBP":
        return 8 + int.from_bytes(data[4:8], "little") + (data[4] & 1)
    return _png_end(data) if image_format == "PNG" else _jpeg_end(data)


def _png_end(data: bytes) -> int:
    at = 8
    while at + 8 <= len(data):
        length: int = int.from_bytes(data[at : at + 4], "big")
        at += 12 + length
        if data[at - length - 8 : at - length - 4] == b"IEND":
            return at
    return len(data)


def _jpeg_end(data: bytes) -> int:
    """Walk the segments: an end mark inside one of them, as a small preview has it, is not the end."""
    at = 2
    while (found := _JPEG_MARKER.search(data, at)) is not None:
        at = found.end()
        if found[0] == b"\xff\xd9":
            return at
        at += int.from_bytes(data[at : at + 2], "big")
    return len(data)


def _in_eight_bits(image: Image.Image) -> Image.Image:
    # Sixteen bits of grey: Pillow's own conversion makes white of all that is above 255.
    if image.mode.startswith("I"):
        image = image.convert("F").point(lambda value: value * (255 / 65_535)).convert("L")
    return image


def _encode(image: Image.Image) -> Picture:
    has_alpha = image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clean = _in_srgb(image, "RGBA" if has_alpha else "RGB")
    # Built from pixels alone, so that nothing of the upload's metadata comes along.
    bare = Image.new(clean.mode, clean.size)
    bare.paste(clean)
    return Picture(content=_saved(bare, "WEBP", quality=_QUALITY, method=4), width=bare.width, height=bare.height)


def _in_srgb(image: Image.Image, mode: str) -> Image.Image:
    """Bring the colours to what a browser takes pixels without a profile for."""
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "RGBA", "CMYK"):
        try:
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted: Image.Image | None = ImageCms.profileToProfile(
                image, given, ImageCms.createProfile("sRGB"), outputMode=mode if image.mode != "CMYK" else "RGB"
            )
            return image.convert(mode) if converted is None else converted.convert(mode)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # A broken profile is as good as none.
    return image.convert(mode)


def _saved(image: Image.Image, image_format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, image_format, **options)
    return out.getvalue()


def size_names(name: str, widths: tuple[int, ...] | list[int]) -> Iterator[tuple[int, str, str]]:
    """Return width, extension and name of each smaller file of a stored picture."""
    stem = name.rpartition(".")[0]
    for width in widths:
        for extension in TYPE_OF:
            yield width, extension, f"{stem}-{width}.{extension}"
