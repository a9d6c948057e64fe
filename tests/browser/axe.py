"""Looks with axe-core for what keeps people out of a page: the success criteria of WCAG 2.2, A and AA."""

from typing import Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SIZES: Final = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900)}
THEMES: Final = ("light", "dark")

_axe = Axe()


def barriers(page: Page) -> list[str]:
    """Return what is wrong with a page as it is: the rule, and where."""
    options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    found = _axe.run(page, options=options).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} ({node['failureSummary']})" for rule in found for node in rule["nodes"]
    ]


def barriers_everywhere(page: Page) -> list[str]:
    """Return what is wrong with a page at each size and in each theme, and whether it is wider than the screen."""
    found = []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for name, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            found += [f"{name}, {theme}: {barrier}" for barrier in barriers(page)]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append(f"{name}, {theme}: the page is wider than the screen")
    return found
