"""The pictures of the demo's lots: still lifes that are drawn here, each by one function.

Owns what the things look like. The palette is the site's: paper tones, ink, green and vermilion, wood and brass.
"""

import math
import random
from collections.abc import Callable
from typing import Final

from PIL import Image

from bidding.demo.canvas import Canvas, arc, around, curve, matte, metal, tint

INK: Final = "#10201A"
SLATE: Final = "#2C423A"
GREEN: Final = "#0A6844"
VERMILION: Final = "#B3361F"
BRASS: Final = "#B48A4A"
STEEL: Final = "#A9B4B0"
WALNUT: Final = "#6E4A32"
OAK: Final = "#B98A5B"
CREAM: Final = "#EFE6D2"
PAPER: Final = "#F2F5F2"
IVORY: Final = "#FBF7EC"


def brass_lamp() -> Canvas:
    """Draw a desk lamp with a green glass shade on a brass stem."""
    board = Canvas("#E4E3D6", "#C9B79B", 680)
    board.glow((600, 470), 420, "#FFF3CF", 0.85)
    board.shadow((640, 782), 250)
    board.solid(600, [(150, 752), (190, 766), (196, 780), (188, 790)], metal(BRASS))
    board.disc((600, 752), 150, metal(tint(BRASS, 0.1)), squash=0.16)
    board.solid(600, [(46, 738), (30, 722), (20, 700), (34, 690), (18, 676)], metal(BRASS))
    board.rect((587, 360, 613, 700), metal(BRASS))
    board.solid(600, [(16, 520), (30, 536), (30, 552), (16, 566)], metal(BRASS))
    board.line([(700, 420), (700, 520)], 3, tint(BRASS, -0.3))
    board.disc((700, 528), 9, metal(BRASS))
    board.disc((600, 428), 70, "#FFF6DC", squash=0.5)
    shade = curve([(170, 292), (236, 322), (282, 366), (304, 412), (310, 430)])
    body = [(600 + r, y) for r, y in shade] + [(600 - r, y) for r, y in reversed(shade)]
    glass = tuple(tint(GREEN, by) for by in (-0.35, -0.05, 0.3, 0.46, 0.16, -0.08, -0.3))
    board.shape(body, glass)
    board.disc((600, 430), 310, ("#063D29", "#0F7B53", "#0A5C3C", "#05301F"), squash=0.045)
    board.disc((600, 430), 240, "#FFF1C4", squash=0.03)
    board.disc((600, 292), 170, tuple(tint(GREEN, by) for by in (0.05, 0.35, 0.2, -0.1)), squash=0.05)
    board.line(curve([(392, 402), (410, 352), (468, 312)]), 9, "#8FCDB0")
    board.solid(600, [(10, 236), (24, 246), (16, 262), (40, 278), (44, 292)], metal(BRASS))
    board.disc((600, 232), 14, metal(BRASS))
    return board


def chronograph() -> Canvas:
    """Draw a steel wristwatch with three counters on a leather strap."""
    board = Canvas("#DDE3DC", "#DDE3DC", 900)
    board.shadow((620, 500), 330, squash=1.0, strength=0.3)
    strap = tuple(tint("#5A3A26", by) for by in (-0.45, -0.05, 0.12, 0.02, -0.4))
    for y0, y1, narrow in ((-20, 250, -1), (650, 920, 1)):
        wide, slim = 124, 104
        top, bottom = (slim, wide) if narrow < 0 else (wide, slim)
        board.shape([(600 - top, y0), (600 + top, y0), (600 + bottom, y1), (600 - bottom, y1)], strap)
        for side in (-1, 1):
            for step in range(9):
                y = y0 + 14 + step * 30
                share = (y - y0) / (y1 - y0)
                x = 600 + side * (top + (bottom - top) * share - 16)
                board.line([(x, y), (x, y + 15)], 3, "#D8BC94")
    for side in (-1, 1):
        for y in (232, 668):
            middle = 450
            tip = 600 + side * 130
            root = 600 + side * 196
            toward = 60 if y < middle else -60
            board.shape(
                [(tip - side * 16, y - toward * 0.5), (tip + side * 20, y - toward * 0.5), (root, y + toward * 1.4),
                 (600 + side * 120, y + toward * 1.2)],
                metal(STEEL),
            )  # fmt: skip
    for y, high in ((330, 40), (450, 52), (570, 40)):
        board.rect((838, y - high / 2, 886, y + high / 2), metal(STEEL), radius=8, down=True)
        for notch in range(5):
            board.line([(866 + notch * 4, y - high / 2 + 5), (866 + notch * 4, y + high / 2 - 5)], 1, "#66736E")
        board.rect((822, y - 12, 842, y + 12), metal(STEEL), down=True)
    center = (600.0, 450.0)
    board.disc(center, 256, metal(STEEL))
    board.disc(center, 244, tuple(reversed(metal(tint(STEEL, 0.15)))))
    board.disc(center, 222, INK)
    board.disc(center, 216, ("#F6F1E2", CREAM, "#E6DBC1"))
    for minute in range(60):
        long = minute % 5 == 0
        board.line(
            [around(center, 208, minute * 6), around(center, 190 if long else 199, minute * 6)], 5 if long else 2, INK
        )
    for hour in range(12):
        if hour not in (3, 6, 9):
            board.line([around(center, 182, hour * 30), around(center, 152, hour * 30)], 9, tint(BRASS, -0.15))
    for spot, hand in ((270, 130), (90, 300), (180, 40)):
        dial = around(center, 104, spot)
        board.disc(dial, 58, tint(SLATE, -0.1))
        board.ring(dial, 58, 3, tint(BRASS, 0.1))
        for mark in range(12):
            board.line([around(dial, 52, mark * 30), around(dial, 44, mark * 30)], 2, CREAM)
        board.line([around(dial, 12, hand + 180), around(dial, 42, hand)], 4, CREAM)
        board.disc(dial, 5, CREAM)
    for angle, reach, width in ((304, 118, 13), (50, 176, 10)):
        board.line([around(center, 26, angle + 180), around(center, reach, angle)], width, INK)
        board.line([around(center, 40, angle), around(center, reach - 8, angle)], width * 0.36, CREAM)
    board.line([around(center, 58, 192), around(center, 196, 12)], 4, VERMILION)
    board.disc(center, 13, VERMILION)
    board.disc(center, 5, CREAM)
    board.shape([*arc(center, 214, 286, 330), *reversed(arc(center, 150, 290, 326))], tint(CREAM, 0.4))
    board.shape([*arc(center, 205, 290, 326), *reversed(arc(center, 158, 293, 323))], "#F4EEDD")
    return board


def travel_poster() -> Canvas:
    """Draw a framed poster of a lighthouse on a coast."""
    board = Canvas("#D5DCD3", "#A98763", 780)
    board.wall_shadow((392, 84, 842, 704))
    board.rect((370, 60, 830, 680), tuple(tint(WALNUT, by) for by in (-0.1, 0.12, -0.2)))
    board.rect((386, 76, 814, 664), tint(WALNUT, -0.35))
    board.rect((392, 82, 808, 658), IVORY)
    left, top, right, bottom = 428, 118, 772, 566
    board.rect((left, top, right, bottom), ("#F2B48A", "#F5D3A8", "#F7E6C6", "#CFE0D2"), down=True)
    board.disc((520, 350), 62, "#F7EBD0")
    for y, x0, x1 in ((300, 560, 700), (322, 610, 756), (236, 452, 560)):
        board.rect((x0, y, x1, y + 9), "#FBF3E2", radius=4)
    board.rect((left, 440, right, bottom), ("#2E7F73", "#1C5F5B", "#123F42"), down=True)
    for row in range(9):
        y = 452 + row * 12
        for piece in range(4):
            x = left + 8 + (piece * 92 + row * 53) % 290
            board.line([(x, y), (x + 34 - row * 2, y)], 2, "#7DB7A8")
    hills = curve([(left, 452), (470, 424), (540, 438), (600, 446), (right, 440)])
    board.shape([*hills, (right, 456), (left, 456)], "#5F8C7C")
    cliff = curve([(560, bottom), (584, 500), (612, 470), (650, 448), (706, 438), (right, 430)])
    board.shape([*cliff, (right, bottom)], ("#3D2F28", "#5A4335", "#6E5340"))
    board.shape([*curve([(640, 452), (690, 436), (right, 426)]), (right, 446), (700, 452)], "#4D7A4B")
    board.shape([(676, 440), (724, 440), (715, 268), (685, 268)], ("#FFFFFF", "#F3EBDD", "#CFC4B2"))
    for y in (298, 352, 406):
        half = 15 + (y - 268) * 9 / 172
        board.shape([(700 - half - 1, y), (700 + half + 1, y), (700 + half + 2, y + 24), (700 - half - 2, y + 24)],
                    (VERMILION, tint(VERMILION, 0.12), tint(VERMILION, -0.3)))  # fmt: skip
    board.rect((678, 260, 722, 270), INK)
    board.rect((686, 238, 714, 260), "#FBE9B0")
    board.line([(693, 238), (693, 260)], 2, INK)
    board.line([(707, 238), (707, 260)], 2, INK)
    board.shape([(682, 240), (718, 240), (700, 218)], VERMILION)
    board.shape([(686, 246), (left, 196), (left, 262), (686, 254)], "#FBF0CF")
    board.shape([(500, 486), (560, 486), (548, 502), (512, 502)], INK)
    board.shape([(528, 482), (528, 420), (564, 478)], IVORY)
    board.shape([(524, 482), (524, 432), (500, 478)], CREAM)
    for index, word_width in enumerate((34, 26, 40, 30, 36, 28)):
        x = 448 + sum((34, 26, 40, 30, 36, 28)[:index]) + index * 22
        board.rect((x, 590, x + word_width, 620), INK, radius=2)
    board.rect((500, 634, 700, 641), VERMILION)
    board.rect((0, 772, 1200, 790), tint(PAPER, -0.04))
    return board


def lounge_chair() -> Canvas:
    """Draw a chair of bent plywood with leather cushions."""
    board = Canvas("#E6E1D5", "#BFA582", 690)
    board.shadow((600, 800), 330, squash=0.12)
    leather = ("#2A1B14", "#53352A", "#6B4838", "#4A2E24", "#241610")
    shell = tuple(tint("#8A4B2B", by) for by in (-0.35, 0.1, 0.3, 0.05, -0.3))
    board.shape(curve([(470, 250), (452, 270), (500, 620), (530, 640), (556, 630), (520, 300), (500, 252), (470, 250)]),
                shell)  # fmt: skip
    board.shape(curve([(488, 200), (520, 180), (566, 182), (590, 214), (612, 330), (640, 480), (644, 556), (604, 588),
                       (560, 574), (530, 440), (498, 270), (488, 200)]), leather)  # fmt: skip
    for left, right, y in ((501, 602, 290), (522, 622, 385), (543, 638, 480)):
        board.line(curve([(left + 4, y + 6), ((left + right) / 2, y - 6), (right - 4, y - 2)]), 3, "#22140E")
        board.disc(((left + right) / 2, y - 6), 6, ("#7B5646", "#24150F"))
    board.shape(curve([(520, 610), (560, 650), (760, 672), (860, 640), (868, 606), (820, 640), (700, 640), (560, 610),
                       (520, 610)]), shell)  # fmt: skip
    board.shape(curve([(540, 572), (600, 548), (760, 556), (850, 566), (876, 596), (858, 626), (760, 642), (620, 632),
                       (548, 612), (540, 572)]), leather)  # fmt: skip
    for x in (640, 730, 810):
        board.line(curve([(x, 556), (x - 8, 600), (x, 634)]), 3, "#22140E")
    board.shape(curve([(520, 470), (560, 446), (700, 440), (770, 456), (772, 474), (700, 472), (570, 480), (528, 492),
                       (520, 470)]), shell)  # fmt: skip
    board.shape(curve([(540, 456), (600, 436), (710, 432), (760, 448), (700, 458), (600, 462), (540, 470), (540, 456)]),
                leather)  # fmt: skip
    board.line([(690, 472), (690, 560)], 12, metal(STEEL))
    board.rect((672, 650, 704, 716), metal(STEEL))
    for foot in ((470, 798), (610, 826), (790, 824), (900, 790)):
        board.line(curve([(688, 712), ((688 + foot[0]) / 2, 730), foot]), 15, metal(tint(STEEL, -0.15)))
        board.disc((foot[0], foot[1] + 6), 12, INK, squash=0.6)
    board.disc((688, 714), 26, metal(STEEL), squash=0.5)
    return board


def teapot() -> Canvas:
    """Draw a glazed teapot with a bamboo handle, and a cup."""
    board = Canvas("#DAE2DC", "#8C6A4A", 640)
    for y in range(664, 900, 34):
        board.line([(0, y), (1200, y + 8)], 1.5, tint("#8C6A4A", -0.18))
    board.shadow((570, 764), 300)
    board.shadow((930, 772), 110)
    glaze = tuple(tint("#2F6F6A", by) for by in (-0.5, -0.12, 0.22, 0.34, 0.04, -0.24, -0.55))
    cane = tuple(tint("#C79A55", by) for by in (-0.3, 0.2, -0.1))
    board.line(curve([(402, 480), (386, 330), (470, 226), (560, 206), (650, 226), (734, 330), (718, 480)]), 22, cane)
    for angle in range(-60, 61, 20):
        board.disc(around((560, 366), 158, angle), 4, tint("#C79A55", -0.45))
    board.shape(curve([(730, 560), (790, 530), (830, 460), (850, 420), (884, 424), (872, 470), (836, 570), (760, 650),
                       (700, 660), (730, 560)]), glaze)  # fmt: skip
    board.disc((868, 422), 18, tint("#2F6F6A", -0.6), squash=0.4)
    board.solid(560, [(80, 430), (150, 450), (200, 520), (206, 600), (178, 690), (130, 744), (112, 758)], glaze)
    board.shape([*curve([(366, 640), (460, 668), (560, 676), (660, 668), (754, 640)]),
                 *reversed(curve([(358, 600), (460, 624), (560, 632), (660, 624), (762, 600)]))],
                tuple(tint(CREAM, by) for by in (-0.4, -0.05, 0.3, 0.0, -0.4)))  # fmt: skip
    for x in range(392, 740, 42):
        dip = 30 - abs(x - 560) * 0.15
        board.disc((x, 624 + dip), 7, VERMILION)
    board.disc((560, 432), 92, tuple(tint("#2F6F6A", by) for by in (-0.3, 0.1, 0.3, -0.2)), squash=0.2)
    board.solid(560, [(20, 392), (62, 408), (86, 426), (84, 434)], glaze)
    board.disc((560, 382), 22, glaze)
    for x in (404, 716):
        board.disc((x, 482), 24, glaze)
        board.disc((x, 482), 10, tint("#2F6F6A", -0.6))
    board.line(curve([(442, 520), (424, 580), (434, 650)]), 12, "#A9CFC4")
    board.solid(930, [(72, 652), (74, 690), (60, 740), (40, 764), (38, 772)], glaze)
    board.disc((930, 652), 72, tint("#2F6F6A", -0.45), squash=0.22)
    board.disc((930, 656), 60, ("#7A5A22", "#B98D3E", "#7A5A22"), squash=0.18)
    return board


def table_radio() -> Canvas:
    """Draw a walnut radio with a woven front and a round dial."""
    board = Canvas("#E2E5DA", "#B49A78", 690)
    board.shadow((610, 792), 430, squash=0.08)
    wood = ("#4B2F1E", "#7A5136", "#8B5E40", "#7F5539", "#5A3924")
    for x in (300, 860):
        board.shape([(x, 756), (x + 44, 756), (x + 32, 796), (x + 12, 796)], metal(tint(BRASS, -0.1)))
    board.rect((216, 300, 984, 764), wood, radius=56)
    board.rect((238, 322, 962, 742), tint(WALNUT, -0.5), radius=40)
    board.rect((246, 330, 640, 734), ("#C9B48C", "#DCC9A2", "#C4AE84"), radius=32)
    for x in range(256, 636, 10):
        board.line([(x, 340), (x, 724)], 2, "#A58C60")
    for y in range(342, 728, 10):
        board.line([(252, y), (634, y)], 2, "#E7D8B6")
    board.rect((404, 512, 482, 540), metal(BRASS), radius=4)
    board.rect((656, 330, 954, 734), ("#EFE7D4", "#F7F1E2", "#E2D7BE"), radius=32)
    center = (805.0, 470.0)
    board.ring(center, 124, 6, metal(BRASS))
    board.disc(center, 118, (SLATE, tint(SLATE, -0.3)))
    for mark in range(31):
        angle = -120 + mark * 8
        board.line([around(center, 106, angle), around(center, 88 if mark % 5 == 0 else 97, angle)], 3, CREAM)
    board.line([around(center, 20, 214), around(center, 92, 34)], 5, VERMILION)
    board.disc(center, 42, metal(BRASS))
    board.disc(center, 32, tuple(reversed(metal(tint(BRASS, 0.1)))))
    for x in (722, 805, 888):
        board.disc((x + 4, 666), 34, tint(INK, 0.15))
        board.disc((x, 660), 33, metal(CREAM))
        board.disc((x, 660), 23, tuple(reversed(matte(CREAM))))
        board.line([(x, 642), (x, 654)], 4, INK)
    board.line(curve([(262, 316), (600, 306), (930, 314)]), 4, "#B98A66")
    return board


def folding_camera() -> Canvas:
    """Draw a rangefinder camera with a bright lens."""
    board = Canvas("#D9DFDA", "#CBB999", 660)
    board.shadow((610, 752), 400, squash=0.1)
    body = ("#141817", "#2B3230", "#363F3C", "#262C2A", "#0F1312")
    board.rect((236, 330, 964, 742), body, radius=60)
    rng = random.Random(4)  # noqa: S311 - grain
    for _ in range(900):
        x, y = rng.uniform(250, 950), rng.uniform(424, 668)
        board.disc((x, y), 2.2, rng.choice(("#3D4643", "#161B1A", "#454F4B")))
    chrome = ("#7C8783", "#DDE3E0", "#F6F8F7", "#C2CAC7", "#8E9995")
    board.rect((236, 330, 964, 424), chrome, radius=40)
    board.rect((236, 380, 964, 426), chrome)
    board.rect((236, 668, 964, 742), chrome, radius=40)
    board.rect((236, 668, 964, 706), chrome)
    board.rect((408, 272, 792, 344), chrome, radius=18)
    board.rect((636, 292, 760, 372), INK, radius=10)
    board.rect((646, 302, 750, 362), ("#8FB7C4", "#DDEDEE", "#54737E"), radius=6)
    board.rect((446, 300, 502, 356), INK, radius=8)
    board.rect((454, 308, 494, 348), ("#5F7A80", "#B8CFD2"), radius=4)
    for x, radius in ((318, 50), (880, 44)):
        board.rect((x - radius, 290, x + radius, 334), metal(STEEL), radius=8)
        for notch in range(-4, 5):
            board.line([(x + notch * radius / 5, 294), (x + notch * radius / 5, 330)], 2, "#6C7773")
        board.disc((x, 290), radius, tuple(reversed(metal(STEEL))), squash=0.22)
    board.rect((806, 306, 826, 334), metal(STEEL), radius=3)
    center = (600.0, 552.0)
    board.disc((612, 566), 190, tint(INK, 0.02))
    board.disc(center, 186, metal(STEEL))
    board.disc(center, 172, INK)
    for mark in range(72):
        board.line([around(center, 184, mark * 5), around(center, 175, mark * 5)], 2, "#5E6965")
    board.disc(center, 160, metal(tint(STEEL, -0.1)))
    board.disc(center, 136, INK)
    for mark in range(36):
        width = 4 if mark % 3 == 0 else 2
        color = VERMILION if mark == 0 else CREAM
        board.line([around(center, 130, mark * 10), around(center, 118, mark * 10)], width, color)
    board.disc(center, 106, tuple(reversed(metal(STEEL))))
    board.disc(center, 94, "#070B0A")
    board.disc(center, 82, ("#1B2D4A", "#243E5C", "#132231"))
    board.disc(center, 56, ("#3A2A52", "#1C2E48", "#0B1420"))
    board.disc(center, 30, "#05080B")
    board.shape([*arc(center, 74, 285, 345), *reversed(arc(center, 56, 290, 340))], "#A7C4D8")
    board.disc(around(center, 44, 130), 11, "#6E86A8")
    board.disc((326, 470), 17, VERMILION)
    return board


def sea_chart() -> Canvas:
    """Draw an old chart of islands with a compass rose."""
    board = Canvas("#C9B391", "#C9B391", 900)
    for y in range(0, 900, 46):
        board.line([(0, y), (1200, y + 14)], 1.5, tint("#C9B391", -0.14))
    board.wall_shadow((176, 116, 1056, 816), blur=22, strength=0.36)
    board.rect((160, 92, 1040, 792), ("#E9DCBB", "#F3E9CF", "#EADDBD"))
    board.rect((190, 122, 1010, 762), tint("#C7D6C6", -0.02))
    board.rect((194, 126, 1006, 758), ("#CFDCCB", "#D9E4D4", "#C8D6C6"))
    for x in range(194, 1006, 58):
        board.line([(x, 126), (x, 758)], 1, "#A9BBA8")
    for y in range(126, 758, 58):
        board.line([(194, y), (1006, y)], 1, "#A9BBA8")
    rose = (820.0, 560.0)
    for angle in range(0, 360, 15):
        reach = 1500.0
        for limit, low, high in ((rose[0], 194, 1006), (rose[1], 126, 758)):
            part = math.cos(math.radians(angle - 90)) if limit == rose[0] else math.sin(math.radians(angle - 90))
            if abs(part) > 1e-6:
                reach = min(reach, ((high if part > 0 else low) - limit) / part)
        board.line([rose, around(rose, reach, angle)], 0.8, "#B6937A" if angle % 45 else "#A3623F")
    islands = (
        [(300, 250), (370, 214), (450, 236), (500, 300), (470, 360), (486, 430), (420, 470), (350, 440), (330, 370),
         (280, 330), (300, 250)],
        [(560, 620), (610, 580), (680, 590), (700, 640), (650, 690), (580, 680), (560, 620)],
        [(720, 230), (780, 200), (860, 220), (900, 280), (850, 320), (790, 310), (740, 280), (720, 230)],
        [(330, 590), (380, 570), (410, 610), (370, 650), (330, 630), (330, 590)],
    )  # fmt: skip
    for island in islands:
        outline = curve(island)
        middle = (sum(x for x, _ in island) / len(island), sum(y for _, y in island) / len(island))
        for grow, color in ((1.16, "#B5CBC0"), (1.08, "#A0BBB0")):
            board.shape(
                [(middle[0] + (x - middle[0]) * grow, middle[1] + (y - middle[1]) * grow) for x, y in outline], color
            )
        board.shape(outline, ("#E8D3A0", "#DDC48B", "#CDB078"))
        board.line(outline, 3, "#6B4A2E")
    for x, y in ((360, 300), (392, 284), (420, 318), (386, 350), (800, 250), (832, 268), (624, 630)):
        board.shape([(x - 15, y + 12), (x, y - 14), (x + 15, y + 12)], "#8A6B45")
        board.shape([(x, y - 14), (x + 15, y + 12), (x + 3, y + 12)], "#5F4529")
    for angle in range(0, 360, 45):
        long = 92 if angle % 90 == 0 else 60
        for side, color in ((-1, INK if angle % 90 == 0 else "#8A3B22"), (1, IVORY)):
            board.shape([rose, around(rose, 24, angle + side * 45), around(rose, long, angle)], color)
    board.ring(rose, 68, 2, INK)
    board.ring(rose, 104, 3, "#8A3B22")
    board.disc(rose, 9, VERMILION)
    board.shape([around(rose, 106, -5), around(rose, 106, 5), around(rose, 130, 0)], VERMILION)
    route = curve([(250, 720), (300, 680), (460, 560), (530, 470), (640, 400), (700, 330), (716, 300)], 6)
    for start, end in zip(route[::2], route[1::2], strict=False):
        board.line([start, end], 4, VERMILION)
    board.line([(706, 306), (730, 282)], 6, VERMILION)
    board.line([(706, 282), (730, 306)], 6, VERMILION)
    board.shape([(520, 250), (600, 250), (586, 274), (534, 274)], "#4B3322")
    board.shape(curve([(558, 246), (556, 190), (600, 214), (604, 240), (558, 246)]), IVORY)
    board.shape(curve([(548, 246), (550, 202), (522, 222), (518, 240), (548, 246)]), CREAM)
    board.line([(553, 252), (553, 180)], 3, "#4B3322")
    for x in (160, 1040):
        board.rect((x - 10, 84, x + 10, 800), tuple(tint("#DCCBA2", by) for by in (-0.25, 0.3, -0.25)))
    for left in range(190, 1000, 82):
        board.rect((left, 112, left + 41, 122), INK)
        board.rect((left, 762, left + 41, 772), INK)
    return board


def studio_vase() -> Canvas:
    """Draw a stoneware vase with three branches."""
    board = Canvas("#E7DFD3", "#CDB8A0", 690)
    board.shadow((620, 800), 210)
    for branch in (
        [(590, 360), (560, 270), (500, 200), (470, 110)],
        [(604, 360), (620, 250), (690, 170), (706, 80)],
        [(610, 362), (680, 300), (780, 270), (850, 200)],
    ):
        stem = curve(branch)
        board.line(stem, 6, "#4C5A45")
        for index, spot in enumerate(stem[10::5]):
            side = -1 if index % 2 else 1
            before = stem[max(0, stem.index(spot) - 1)]
            lean = math.degrees(math.atan2(spot[1] - before[1], spot[0] - before[0])) + 90
            tip = around(spot, 54, lean + side * 48)
            belly = [around(spot, 28, lean + side * 20), around(spot, 32, lean + side * 78)]
            board.shape(
                curve([spot, belly[0], tip, belly[1], spot]),
                ("#3F6B52", "#5E8B6C", "#2F5641") if index % 3 else ("#6F9377", "#8FB093", "#557A60"),
            )
    clay = tuple(tint("#D8C9B2", by) for by in (-0.34, -0.04, 0.3, 0.16, -0.16, -0.42))
    board.solid(600, [(58, 346), (46, 376), (44, 420), (92, 478), (158, 560), (168, 650), (126, 750), (92, 802)], clay)
    profile = curve([(44, 420), (92, 478), (158, 560), (168, 650)])
    glaze = tuple(tint("#25564C", by) for by in (-0.45, -0.05, 0.3, 0.1, -0.2, -0.5))
    edge = curve([(768, 640), (730, 662), (690, 634), (640, 672), (590, 640), (540, 676), (490, 640), (450, 662),
                  (432, 640)])  # fmt: skip
    neck = [(58, 346), (46, 376), (44, 420)]
    outline = [*curve(neck), *profile]
    outline = [(r, y) for r, y in outline if y <= 640]
    board.shape([*((600 - r, y) for r, y in reversed(outline)), *((600 + r, y) for r, y in outline), *edge], glaze)
    board.disc((600, 346), 58, tint("#25564C", -0.5), squash=0.2)
    board.ring((600, 346), 58, 5, "#6FA293", squash=0.2)
    board.line(curve([(496, 540), (474, 590), (470, 630)]), 11, "#9CC3B5")
    return board


def road_bicycle() -> Canvas:
    """Draw a racing bicycle of lugged steel."""
    board = Canvas("#DCE3DE", "#B5AFA0", 730)
    rear, front = (360.0, 610.0), (860.0, 610.0)
    board.shadow((360, 792), 170, squash=0.06)
    board.shadow((860, 792), 170, squash=0.06)
    for hub in (rear, front):
        for spoke in range(32):
            board.line([around(hub, 12, spoke * 11.25 + 20), around(hub, 166, spoke * 11.25)], 1.2, "#8B9691")
        board.ring(hub, 182, 13, INK)
        board.ring(hub, 170, 6, ("#8E9995", "#EDF1EF", "#8E9995"))
        board.disc(hub, 15, metal(STEEL))
    bracket, seat, head, low = (560.0, 620.0), (494.0, 340.0), (772.0, 330.0), (786.0, 388.0)
    for tube in ((rear, (501, 372)), (rear, bracket)):
        board.line(list(tube), 11, tint(GREEN, -0.18))
    board.line(curve([low, (806, 470), (830, 560), front]), 13, metal(STEEL))
    frame = (GREEN, tint(GREEN, 0.22), tint(GREEN, -0.12))
    board.line([bracket, low], 19, frame)
    board.line([(498, 362), (776, 350)], 17, frame)
    board.line([bracket, seat], 18, frame)
    board.line([head, (794, 412)], 22, frame)
    for spot in ((499, 362), (776, 350), (785, 388), bracket):
        board.disc(spot, 13, metal(STEEL))
    board.line([(622, 540), (690, 474)], 7, CREAM)
    board.line([seat, (482, 290)], 12, metal(STEEL))
    board.shape(curve([(410, 276), (470, 270), (540, 278), (580, 290), (540, 298), (490, 300), (440, 306), (406, 296),
                       (410, 276)]), ("#5B3A28", "#7E5439", "#4A2E1F"))  # fmt: skip
    board.line([(770, 326), (764, 290), (806, 276)], 12, metal(STEEL))
    board.line(
        curve([(806, 276), (850, 276), (872, 306), (856, 346), (812, 352)]), 15, ("#5B3A28", "#7E5439", "#4A2E1F")
    )
    board.line(curve([(838, 282), (868, 292), (870, 340)]), 7, metal(STEEL))
    board.line([(372, 604), (560, 578)], 3, "#48534E")
    board.line([(372, 618), (560, 662)], 3, "#48534E")
    board.ring(bracket, 44, 7, metal(STEEL))
    board.disc(bracket, 14, metal(STEEL))
    for angle in range(0, 360, 72):
        board.line([around(bracket, 10, angle), around(bracket, 40, angle)], 5, "#8E9995")
    for angle in (125, 305):
        pedal = around(bracket, 92, angle)
        board.line([bracket, pedal], 10, metal(STEEL))
        board.rect((pedal[0] - 28, pedal[1] - 7, pedal[0] + 28, pedal[1] + 7), INK, radius=4)
    board.disc(rear, 26, tint(STEEL, -0.3))
    board.ring(rear, 26, 4, metal(STEEL))
    return board


def record_player() -> Canvas:
    """Draw a record player from above, with a record on it."""
    board = Canvas("#DDD9CC", "#DDD9CC", 900)
    board.wall_shadow((170, 130, 1070, 830), blur=30, strength=0.4)
    board.rect((150, 100, 1050, 800), ("#70482F", "#8A5D40", "#7B5138", "#69442D"), radius=26)
    for index in range(20):
        y = 118 + index * 35
        board.line(curve([(154, y), (420, y + (index % 3) * 6 - 6), (760, y + 4), (1046, y - (index % 4) * 3)]), 1.2,
                   tint(WALNUT, -0.12))  # fmt: skip
    board.rect((190, 140, 1010, 760), ("#E6E3DA", "#F3F1EA", "#DCD8CC"), radius=16)
    center = (500.0, 450.0)
    board.disc((508, 460), 284, tint("#DCD8CC", -0.4))
    board.disc(center, 282, metal(STEEL))
    for mark in range(90):
        board.disc(around(center, 276, mark * 4), 2.6, "#59645F")
    board.disc(center, 268, "#141817")
    for radius in range(262, 104, -4):
        board.ring(center, radius, 1.2, "#262C2A" if radius % 8 else "#0C100F")
    for radius in (228, 182, 140):
        board.ring(center, radius, 3, "#0A0D0C")
    for angle in (38, 218):
        board.shape(
            [*arc(center, 258, angle - 9, angle + 9), *reversed(arc(center, 104, angle - 9, angle + 9))], "#232A28"
        )
        board.shape(
            [*arc(center, 258, angle - 4, angle + 4), *reversed(arc(center, 104, angle - 4, angle + 4))], "#343D3A"
        )
    board.disc(center, 96, (VERMILION, tint(VERMILION, 0.1), tint(VERMILION, -0.15)))
    board.ring(center, 84, 2, CREAM)
    board.rect((454, 400, 546, 410), CREAM)
    board.rect((468, 420, 532, 426), CREAM)
    for y, half in ((482, 44), (496, 36), (510, 40)):
        board.rect((500 - half, y, 500 + half, y + 4), tint(CREAM, -0.1))
    board.disc(center, 9, metal(STEEL))
    pivot = (890.0, 260.0)
    board.disc((898, 270), 76, tint("#DCD8CC", -0.3))
    board.disc(pivot, 72, metal(STEEL))
    board.disc(pivot, 54, tuple(reversed(metal(tint(STEEL, -0.1)))))
    board.line(curve([(902, 196), pivot, (862, 440), (800, 560), (730, 606)]), 15, metal(STEEL))
    board.shape([(742, 588), (700, 606), (674, 648), (700, 662), (752, 620)], INK)
    board.line([(690, 622), (716, 640)], 4, VERMILION)
    board.rect((880, 160, 926, 212), metal(tint(INK, 0.2)), radius=10)
    board.disc(pivot, 20, metal(BRASS))
    for y in (560, 650):
        board.disc((934, y + 5), 36, tint("#DCD8CC", -0.3))
        board.disc((930, y), 34, metal(STEEL))
        board.disc((930, y), 24, tuple(reversed(metal(STEEL))))
        board.line([(930, y - 22), (930, y - 8)], 4, INK)
    board.disc((930, 716), 8, VERMILION)
    return board


def typewriter() -> Canvas:
    """Draw a portable typewriter with a sheet in it."""
    board = Canvas("#E0E4DC", "#A88965", 650)
    board.shadow((605, 812), 420, squash=0.08)
    paint = tuple(tint("#3F6F73", by) for by in (-0.4, -0.02, 0.2, 0.06, -0.2, -0.45))
    board.wall_shadow((420, 130, 800, 430), blur=18, strength=0.18)
    board.shape([(410, 96), (790, 96), (796, 430), (404, 430)], ("#F4F0E4", IVORY, "#ECE6D6"), down=True)
    rng = random.Random(11)  # noqa: S311 - lengths of words
    for row in range(9):
        x, y = 446.0, 136 + row * 28
        while x < (748 if row != 8 else 600):
            word = rng.uniform(18, 62)
            board.rect((x, y, min(x + word, 756), y + 6), tint(INK, 0.28), radius=2)
            x += word + 12
    board.rect((250, 392, 950, 446), ("#101514", "#3A4441", "#141918"), radius=26, down=True)
    for x in (226, 974):
        board.rect((x - 30, 384, x + 30, 454), metal(INK), radius=10)
        for notch in range(-2, 3):
            board.line([(x + notch * 11, 390), (x + notch * 11, 448)], 3, "#4D5955")
    board.line(curve([(214, 392), (190, 350), (150, 340)]), 10, metal(STEEL))
    board.rect((440, 404, 760, 418), metal(STEEL), radius=4)
    board.shape(curve([(270, 440), (330, 426), (870, 426), (930, 440), (960, 560), (600, 574), (240, 560), (270, 440)]),
                paint)  # fmt: skip
    board.shape([*arc((600, 520), 150, -76, 76, squash=0.5), *reversed(arc((600, 532), 104, -76, 76, squash=0.4))], INK)
    for step in range(-9, 10):
        board.line([around((600, 530), 100, step * 8, squash=0.42), around((600, 520), 146, step * 8, squash=0.5)], 3,
                   "#98A39F")  # fmt: skip
    board.rect((520, 536, 680, 556), metal(BRASS), radius=4)
    board.shape([(238, 556), (962, 556), (1006, 770), (990, 806), (210, 806), (194, 770)], paint)
    board.shape([(262, 580), (938, 580), (972, 768), (228, 768)], (tint(INK, 0.05), tint(INK, 0.12), INK))
    for row, (count, y) in enumerate(((10, 604), (10, 648), (9, 692))):
        span = 560 + row * 34
        for key in range(count):
            x = 600 - span / 2 + span * (key + 0.5) / count + (row % 2) * 8
            board.disc((x, y + 9), 22, "#060A09", squash=0.8)
            board.disc((x, y), 22, metal(STEEL), squash=0.8)
            board.disc((x, y - 1), 18, ("#FBF7EC", CREAM, "#D9CFB8"), squash=0.8)
            board.rect((x - 4, y - 6, x + 4, y + 4), tint(INK, 0.2), radius=1)
    board.rect((380, 734, 820, 758), ("#D9CFB8", "#FBF7EC", "#D9CFB8"), radius=12)
    board.disc((266, 740), 20, VERMILION, squash=0.8)
    board.rect((250, 450, 262, 556), tint("#3F6F73", 0.3), radius=6)
    return board


PICTURES: Final[dict[str, Callable[[], Canvas]]] = {
    drawn.__name__: drawn
    for drawn in (
        brass_lamp,
        chronograph,
        travel_poster,
        lounge_chair,
        teapot,
        table_radio,
        folding_camera,
        sea_chart,
        studio_vase,
        road_bicycle,
        record_player,
        typewriter,
    )
}


def draw(name: str) -> Image.Image:
    """Return the picture of that name, 1200 by 900."""
    return PICTURES[name]().finished()
