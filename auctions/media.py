"""What happens to an uploaded picture before anybody sees it.

Owns the limits and the re-encoding. What is stored was written by us: no metadata, no second file hidden in the
first, no script. Stores nothing itself.
"""

import io
import warnings
from dataclasses import dataclass
from typing import IO, Final

from PIL import Image, ImageOps

from auctions.errors import Refused

MAX_UPLOAD_BYTES: Final = 15 * 1024 * 1024
MAX_PIXELS: Final = 50_000_000
MAX_EDGE: Final = 2_048
"""The longer side of what is kept."""
ACCEPTED_FORMATS: Final = ("JPEG", "PNG", "WEBP")
ACCEPTED_WORDS: Final = "JPEG, PNG or WebP"
_QUALITY: Final = 84


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is stored: WebP, upright, without metadata."""

    content: bytes
    width: int
    height: int
    extension: str = "webp"


def clean_picture(upload: IO[bytes], *, field: str = "file", square: int | None = None) -> Picture:
    """Re-encode an upload, or raise Refused at `field` saying what is wrong with it.

    With `square` its middle is kept, so many pixels wide and high at most.
    """
    data = upload.read(MAX_UPLOAD_BYTES + 1)
    if not data:
        raise Refused("image_empty", "The file is empty.", field=field)
    if len(data) > MAX_UPLOAD_BYTES:
        raise Refused("image_too_large", f"The file is larger than {MAX_UPLOAD_BYTES // 1024 // 1024} MB.", field=field)
    too_many = Refused(
        "image_too_many_pixels", f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels.", field=field
    )
    not_one = Refused("not_an_image", f"This is not a picture that we can read. Use {ACCEPTED_WORDS}.", field=field)
    try:
        # The header alone is read here; its size is judged before a single pixel is decoded.
        image = Image.open(io.BytesIO(data), formats=ACCEPTED_FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise too_many
        if image.width < 2 or image.height < 2:
            raise not_one
        # JPEG decodes at a fraction of the size where that is enough; other formats ignore it.
        image.draft("RGB", (MAX_EDGE, MAX_EDGE))
        upright = ImageOps.exif_transpose(image)
        if square is not None:
            edge = min(square, *upright.size)
            upright = ImageOps.fit(upright, (edge, edge), Image.Resampling.LANCZOS)
        upright.thumbnail((MAX_EDGE, MAX_EDGE), Image.Resampling.LANCZOS)
        return _encode(upright)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_many from None
    except (OSError, ValueError, SyntaxError, OverflowError, MemoryError, EOFError, KeyError, IndexError, TypeError):
        raise not_one from None


def _encode(image: Image.Image) -> Picture:
    has_alpha = image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clean = image.convert("RGBA" if has_alpha else "RGB")
    # Built from pixels alone, so that nothing of the upload's metadata comes along.
    bare = Image.new(clean.mode, clean.size)
    bare.paste(clean)
    out = io.BytesIO()
    bare.save(out, "WEBP", quality=_QUALITY, method=4)
    return Picture(content=out.getvalue(), width=bare.width, height=bare.height)
