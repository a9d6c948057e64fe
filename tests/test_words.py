"""Nothing is said that no translator sees, and every language says all of it."""

import re

import pytest
from babel.messages.catalog import Catalog, Message

from auctions.presenting import DATE_PATTERNS
from tests import marking, words


@pytest.mark.parametrize(
    "unmarked", [marking.unmarked_in_templates, marking.unmarked_in_python, marking.unmarked_in_scripts]
)
def test_every_word_that_people_read_is_marked_for_translation(unmarked):
    assert list(unmarked()) == []


def test_every_language_says_everything_and_is_compiled():
    wanted = words.extracted()
    assert words.languages() == ["de"]
    assert [problem for language in words.languages() for problem in words.problems(language, wanted)] == []


def test_every_pattern_of_a_date_is_one_that_translators_see():
    used = set()
    for path in words.templates():
        text = path.read_text()
        used |= set(re.findall(r'\|dated:"([^"]+)"', text)) | set(re.findall(r'show_time \S+ \S+ "([^"]+)"', text))
        assert not re.search(r'\|(date|time):"(?!e")', text), f"{path.name}: write dates by `dated` or `show_time`"
    # Each is as it is written, in English.
    assert used <= {str(pattern) for pattern in DATE_PATTERNS}


# --- The checks themselves -----------------------------------------------------------------------------


def problems_of(tmp_path, monkeypatch, change):
    """Return what is said of a small catalogue after something was done to it."""
    monkeypatch.setattr(words, "LOCALE", tmp_path)
    wanted = {domain: Catalog() for domain in words.DOMAINS}
    for domain in words.DOMAINS:
        for text in (" Bid %(amount)s", ("%(count)s lot", "%(count)s lots")):
            wanted[domain].add(text)
        catalogue = Catalog(locale="de")
        catalogue.add(" Bid %(amount)s", " %(amount)s bieten")
        catalogue.add(("%(count)s lot", "%(count)s lots"), ("%(count)s Los", "%(count)s Lose"))
        if domain == "django":
            change(catalogue)
        po, mo = words.paths("de", domain)
        po.parent.mkdir(parents=True, exist_ok=True)
        po.write_bytes(words.written(catalogue))
        mo.write_bytes(words.compiled(words.read(po, "de")))
    if change is stale:
        words.paths("de", "django")[1].write_bytes(b"old")
    return list(words.problems("de", wanted))


def nothing(_catalogue):
    pass


def stale(_catalogue):
    pass


def bid(catalogue) -> Message:
    message = catalogue.get(" Bid %(amount)s")
    assert message is not None
    return message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (nothing, []),
        (lambda catalogue: catalogue.delete(" Bid %(amount)s"), ["' Bid %(amount)s' is missing"]),
        (lambda catalogue: catalogue.add("Gone", "Weg"), ["'Gone' is said nowhere"]),
        (lambda catalogue: setattr(bid(catalogue), "string", ""), ["' Bid %(amount)s' is not translated"]),
        (lambda catalogue: bid(catalogue).flags.add("fuzzy"), ["' Bid %(amount)s' is fuzzy"]),
        (
            lambda catalogue: setattr(bid(catalogue), "string", " %(summe)s bieten"),
            ["' Bid %(amount)s' has other placeholders: %(amount)s %(summe)s"],
        ),
        (
            lambda catalogue: setattr(bid(catalogue), "string", "%(amount)s bieten"),
            ["' Bid %(amount)s' has other space around it"],
        ),
        (stale, ["the .mo is out of date"]),
    ],
)
def test_what_is_wrong_with_a_catalogue_is_said(tmp_path, monkeypatch, change, said):
    assert problems_of(tmp_path, monkeypatch, change) == [f"de/django: {problem}" for problem in said]


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("<p>Hello you</p>", ["Hello you"]),
        ('<p>{% translate "Hello" %} {{ name }} · 12 %</p>', []),
        ("<p>{% blocktranslate %}Hello {{ name }}{% endblocktranslate %}</p>", []),
        ('<input placeholder="Your name" name="plain">', ["Your name"]),
        ('<a title="{% translate \'Home\' %}" class="words here">{# a word #}</a>', []),
        ("<code>word</code><script>let word;</script>{% comment %}word{% endcomment %}", []),
    ],
)
def test_what_is_not_marked_in_a_template_is_found(tmp_path, monkeypatch, template, found):
    (tmp_path / "a.html").write_text(template)
    monkeypatch.setattr(marking, "ROOT", tmp_path)
    monkeypatch.setattr(marking, "templates", lambda: [tmp_path / "a.html"])
    assert list(marking.unmarked_in_templates()) == [f"a.html:1: {text}" for text in found]


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ('raise Refused("late", "Too late.")', True),
        ('raise Refused("late", _("Too late."))', False),
        ('raise Refused("late", f"Too late by {ms} ms.")', True),
        ('raise Refused("late", "Too late." if late else _("No."))', True),
        ('raise Refused("late", "Too late by {} ms.".format(ms))', True),
        ('forms.CharField(label="Name")', True),
        ('forms.CharField(label=_("Name"))', False),
        ('messages.error(request, "Wrong %s" % name)', True),
        ('@admin.display(description="Name")\ndef name(): ...', True),
        ('class Kind(models.TextChoices):\n    A = "a", "Word"', True),
        ('class Kind(models.TextChoices):\n    A = "a", _("Word")', False),
        ('class Kind(models.TextChoices):\n    A = "a"', True),
        ('logger.info("Too late.")', False),
    ],
)
def test_what_is_not_marked_in_python_is_found(tmp_path, monkeypatch, source, is_found):
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts/a.py").write_text(source)
    monkeypatch.setattr(marking, "ROOT", tmp_path)
    assert bool(list(marking.unmarked_in_python())) is is_found


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ('box.textContent = "Too late";', True),
        ("box.textContent = words.tooLate(1);", False),
        ('setText(box, "Too late");', True),
        ('box.setAttribute("aria-label", `Lot ${number}`);', True),
        ('make("p", "who", "Nobody")', True),
        ('make("p", "who", words.nobody())', False),
    ],
)
def test_what_is_not_in_the_words_of_the_scripts_is_found(tmp_path, monkeypatch, source, is_found):
    (tmp_path / "static/js").mkdir(parents=True)
    (tmp_path / "static/js/a.js").write_text(source)
    monkeypatch.setattr(marking, "ROOT", tmp_path)
    assert bool(list(marking.unmarked_in_scripts())) is is_found
