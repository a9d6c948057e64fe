"""A small drawing board: smooth shapes with gradients and soft shadows on a paper ground, by Pillow alone.

Owns how things are drawn; what is drawn is in `pictures`. Coordinates are those of a picture of 1200 by 900,
whatever the resolution that is drawn in.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter, ImageOps

WIDTH: Final = 1200
HEIGHT: Final = 900
_FINE: Final = 2
"""Drawn so many times larger and scaled down, which smooths every edge."""

Point = tuple[float, float]
Box = tuple[float, float, float, float]
Paint = str | Sequence[str]
"""One colour, or several that run into each other from left to right."""


class Canvas:
    """One picture in the making: a wall, a table and what stands on it."""

    def __init__(self, wall: str, table: str, horizon: float = 640) -> None:
        self._image = Image.new("RGB", (WIDTH * _FINE, HEIGHT * _FINE))
        self.rect((0, 0, WIDTH, horizon), (tint(wall, -0.03), wall, tint(wall, 0.02)), down=True)
        self.rect((0, horizon, WIDTH, HEIGHT), (tint(table, -0.05), table, tint(table, 0.03)), down=True)
        # Light falls in from the upper left.
        self.glow((380, 250), 620, "#FFFFFF", 0.34)

    # --- shapes --------------------------------------------------------------------------------------

    def rect(self, box: Box, paint: Paint, *, radius: float = 0, down: bool = False) -> None:
        """Fill a rectangle, with round corners where a radius is given."""
        self._fill(box, paint, down, lambda draw, at: draw.rounded_rectangle(at(box), radius * _FINE, fill=255))

    def disc(self, center: Point, radius: float, paint: Paint, *, squash: float = 1, down: bool = False) -> None:
        """Fill a circle, or an ellipse that is `squash` times as high as wide."""
        (x, y), high = center, radius * squash
        box = (x - radius, y - high, x + radius, y + high)
        self._fill(box, paint, down, lambda draw, at: draw.ellipse(at(box), fill=255))

    def ring(self, center: Point, radius: float, width: float, paint: Paint, *, squash: float = 1) -> None:
        """Draw a circle's line, its outer edge at `radius`."""
        (x, y), high = center, radius * squash
        box = (x - radius, y - high, x + radius, y + high)

        def draw_ring(draw: ImageDraw.ImageDraw, at: Callable[[Box], list[float]]) -> None:
            draw.ellipse(at(box), outline=255, width=round(width * _FINE))

        self._fill(box, paint, False, draw_ring)

    def shape(self, points: Sequence[Point], paint: Paint, *, down: bool = False) -> None:
        """Fill a polygon."""
        box = _around(points)

        def draw_shape(draw: ImageDraw.ImageDraw, at: Callable[[Box], list[float]]) -> None:
            left, top = at((0, 0, 0, 0))[:2]
            draw.polygon([(left + x * _FINE, top + y * _FINE) for x, y in points], fill=255)

        self._fill(box, paint, down, draw_shape)

    def line(self, points: Sequence[Point], width: float, paint: Paint) -> None:
        """Draw a line with round ends and joints."""
        left, top, right, bottom = _around(points)
        box = (left - width, top - width, right + width, bottom + width)

        def draw_line(draw: ImageDraw.ImageDraw, at: Callable[[Box], list[float]]) -> None:
            x0, y0 = at((0, 0, 0, 0))[:2]
            moved = [(x0 + x * _FINE, y0 + y * _FINE) for x, y in points]
            draw.line(moved, fill=255, width=max(1, round(width * _FINE)), joint="curve")
            round_end = width * _FINE / 2
            for x, y in (moved[0], moved[-1]):
                draw.ellipse((x - round_end, y - round_end, x + round_end, y + round_end), fill=255)

        self._fill(box, paint, False, draw_line)

    def solid(self, axis: float, profile: Sequence[Point], paint: Paint) -> None:
        """Fill a turned body: `profile` is (radius, y) from top to bottom around a vertical axis."""
        right = [(axis + radius, y) for radius, y in curve(profile)]
        self.shape([*right, *((2 * axis - x, y) for x, y in reversed(right))], paint)

    # --- light ---------------------------------------------------------------------------------------

    def shadow(self, center: Point, radius: float, *, squash: float = 0.14, strength: float = 0.42) -> None:
        """Lay a soft shadow on the table."""
        (x, y), blur = center, radius * 0.12
        high = radius * squash
        self._soft((x - radius, y - high, x + radius, y + high), blur, "#10201A", strength, "ellipse")

    def wall_shadow(self, box: Box, *, blur: float = 26, strength: float = 0.26) -> None:
        """Lay a soft shadow of a rectangle behind it."""
        self._soft(box, blur, "#10201A", strength, "rectangle")

    def glow(self, center: Point, radius: float, color: str, strength: float) -> None:
        """Lay a round light over what is there."""
        left, top = round((center[0] - radius) * _FINE), round((center[1] - radius) * _FINE)
        size = round(2 * radius * _FINE)
        light = ImageOps.invert(Image.radial_gradient("L")).resize((size, size), Image.Resampling.BILINEAR)
        light = light.point([round(255 * strength * _eased((value - 76) / 179)) for value in range(256)])
        self._image.paste(Image.new("RGB", (size, size), color), (left, top), light)

    def finished(self) -> Image.Image:
        """Return the picture, with the faint grain of paper."""
        picture = self._image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        grain = Image.effect_noise((WIDTH, HEIGHT), 14).convert("RGB")
        return ImageChops.overlay(picture, Image.blend(Image.new("RGB", picture.size, "#808080"), grain, 0.32))

    # --- inside --------------------------------------------------------------------------------------

    def _fill(
        self,
        box: Box,
        paint: Paint,
        down: bool,
        draw_mask: Callable[[ImageDraw.ImageDraw, Callable[[Box], list[float]]], None],
    ) -> None:
        # Only the part around the shape is touched: a full mask for every screw would take minutes.
        left, top = math.floor(box[0] * _FINE) - 2, math.floor(box[1] * _FINE) - 2
        size = (math.ceil(box[2] * _FINE) + 2 - left, math.ceil(box[3] * _FINE) + 2 - top)
        mask = Image.new("L", size)

        def at(inner: Box) -> list[float]:
            x0, y0, x1, y1 = inner
            return [x0 * _FINE - left, y0 * _FINE - top, x1 * _FINE - left, y1 * _FINE - top]

        draw_mask(ImageDraw.Draw(mask), at)
        self._image.paste(_painted(paint, size, down), (left, top), mask)

    def _soft(self, box: Box, blur: float, color: str, strength: float, kind: str) -> None:
        edge = blur * 3
        left, top = round((box[0] - edge) * _FINE), round((box[1] - edge) * _FINE)
        size = (round((box[2] - box[0] + 2 * edge) * _FINE), round((box[3] - box[1] + 2 * edge) * _FINE))
        # A blur hides every detail, so a quarter of the size is enough.
        small = (max(1, size[0] // 4), max(1, size[1] // 4))
        mask, scale = Image.new("L", small), _FINE / 4
        inner = (edge * scale, edge * scale, small[0] - edge * scale, small[1] - edge * scale)
        getattr(ImageDraw.Draw(mask), kind)(inner, fill=round(255 * strength))
        mask = mask.filter(ImageFilter.GaussianBlur(blur * scale)).resize(size, Image.Resampling.BILINEAR)
        self._image.paste(Image.new("RGB", size, color), (left, top), mask)


def tint(color: str, by: float) -> str:
    """Return a colour that is lighter (by > 0, towards white) or darker (by < 0, towards ink)."""
    aim = (255, 255, 255) if by > 0 else (16, 32, 26)
    mixed = (
        round(part + (goal - part) * abs(by)) for part, goal in zip(ImageColor.getrgb(color)[:3], aim, strict=True)
    )
    return "#{:02X}{:02X}{:02X}".format(*mixed)


def metal(color: str) -> tuple[str, ...]:
    """Return a paint that looks turned and polished."""
    return tuple(tint(color, by) for by in (-0.55, -0.2, 0.35, 0.62, 0.1, -0.25, -0.5, -0.3))


def matte(color: str) -> tuple[str, ...]:
    """Return a paint that looks round and dull."""
    return tuple(tint(color, by) for by in (-0.22, 0.02, 0.14, 0.04, -0.14, -0.32))


def curve(points: Sequence[Point], steps: int = 14) -> list[Point]:
    """Return a smooth line through the points."""
    ends = [points[0], *points, points[-1]]
    smooth: list[Point] = []
    for before, start, end, after in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        for step in range(steps):
            t = step / steps
            smooth.append(
                (
                    _between(before[0], start[0], end[0], after[0], t),
                    _between(before[1], start[1], end[1], after[1], t),
                )
            )
    return [*smooth, points[-1]]


def around(center: Point, radius: float, degrees: float, *, squash: float = 1) -> Point:
    """Return the point of a circle at that angle, clockwise from twelve."""
    angle = math.radians(degrees - 90)
    return center[0] + radius * math.cos(angle), center[1] + radius * squash * math.sin(angle)


def arc(center: Point, radius: float, start: float, end: float, *, squash: float = 1) -> list[Point]:
    """Return the points of a circle's arc, in degrees clockwise from twelve."""
    steps = max(8, int(abs(end - start) / 3))
    return [around(center, radius, start + (end - start) * i / steps, squash=squash) for i in range(steps + 1)]


def _between(p0: float, p1: float, p2: float, p3: float, t: float) -> float:
    # Catmull and Rom's spline goes through its points, which makes outlines easy to write down.
    return 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)


def _eased(share: float) -> float:
    """Return a share that begins and ends gently; Pillow's round gradient reaches its end only in the corners."""
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)


def _around(points: Sequence[Point]) -> Box:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def _painted(paint: Paint, size: tuple[int, int], down: bool) -> Image.Image:
    if isinstance(paint, str):
        return Image.new("RGB", size, paint)
    strip = Image.new("RGB", (1, len(paint)) if down else (len(paint), 1))
    strip.putdata([ImageColor.getrgb(color)[:3] for color in paint])
    return strip.resize(size, Image.Resampling.BICUBIC)
