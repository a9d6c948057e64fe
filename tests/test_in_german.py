"""Every page of every kind of person in German: what the site says of itself has no English word.

The browser's tests look at what scripts say.
"""

import re
from functools import cache
from html.parser import HTMLParser

import pytest

from tests import who_may_what, words
from tests.test_who_may_what import TABLE, path_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

ENGLISH = re.compile(
    r"\b(the|you|your|and|of|is|are|not|with|from|for|bid|bids|lot|lots|paddle|to|by|at)\b", re.IGNORECASE
)
"""Words that no German sentence has."""
DATA = re.compile(
    r"@people\.test|Behind closed doors|Clock|Lamp|Corner House|Of one bidder|Free text|telltale|Estate"
    r"|A bid is binding|^\"\w+\"$|^(Banned|Auctioneer|Clerk|Finance|Moderator)$",
    re.IGNORECASE,
)
"""What people wrote, in whatever language."""
SITE = re.compile(r"(^| [·|] )Paddle$|^Paddle(?= versteigert)")
"""The name of the site, alone or at the end of a title: a word of the trade, too."""
ELSEWHERE = ("admin/jsi18n/", "admin/socialaccount/", "api/", "metrics", "streams/", ".well-known/")
_SHOWN = ("title", "aria-label", "placeholder", "alt", "value")
_SILENT = {"script", "style", "template", "code", "textarea", "time"}


class Reader(HTMLParser):
    """Collects what is to be read on a page: text, and the attributes that people read or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        is_icon = "material-symbols" in (values.get("class") or "")
        if (
            tag in _SILENT
            or is_icon
            or (tag != "html" and "lang" in values)
            or (self._silent and tag == self._silent[-1])
        ):
            self._silent.append(tag)
        for name in _SHOWN:
            if name != "value" or (tag == "input" and values.get("type") in {"submit", "button"}):
                self._note(values.get(name))

    def handle_endtag(self, tag):
        if self._silent and tag == self._silent[-1]:
            self._silent.pop()

    def handle_data(self, data):
        if not self._silent:
            self._note(data)

    def _note(self, text):
        text = " ".join((text or "").split())
        if re.search(r"[^\W\d_]{2}", text):
            self.texts.append(text)


@cache
def only_english() -> list[re.Pattern[str]]:
    """Return what the site says in English and otherwise in German, as patterns."""
    found = []
    for domain in words.DOMAINS:
        for message in words.read(words.paths("de", domain)[0], "de"):
            ids = message.id if isinstance(message.id, (list, tuple)) else [message.id]
            said = message.string if isinstance(message.string, (list, tuple)) else [message.string]
            for text in set(ids) - set(said):
                literal = re.split(r"%\(\w+\)[sd]", " ".join(str(text).split()))
                if re.search(r"[^\W\d_]{3}", "".join(literal)):
                    found.append(re.compile(".+".join(map(re.escape, literal))))
    return found


def is_english(text: str) -> bool:
    """Say whether a text has English words, or is one that the site says in German otherwise."""
    text = SITE.sub("", text)
    return bool(ENGLISH.search(text)) or any(msgid.fullmatch(text) for msgid in only_english())


@pytest.fixture
def world(host, organizer, other_host, staff, floor, side):
    """Return the world of the table of who may do what."""
    return who_may_what.build(host, organizer, other_host, staff)


@pytest.mark.parametrize("person", ["anonymous", "bidder", "owner", "administrator"])
def test_no_page_has_an_english_word(world, person):
    world.ask(person, "GET", "/")
    client, _cookies = world._browsers[person]
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    found = []
    for route, methods in TABLE.items():
        if "GET" not in methods or route.startswith(ELSEWHERE):
            continue
        response = world.ask(person, "GET", path_of(world, route))
        if response.streaming or not response.get("Content-Type", "").startswith("text/html"):
            continue
        reader = Reader()
        reader.feed(response.content.decode())
        found += [f"{route}: {text}" for text in reader.texts if not DATA.search(text) and is_english(text)]
    if found:
        pytest.fail("\n".join(found))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("You lead at €10", True), ("Sign in", True), ("Los 12", False), ("Sie führen mit 10 €", False), ("Chat", False)],
)
def test_what_is_english_is_known(text, expected):
    assert is_english(text) is expected
