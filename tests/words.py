"""Bring the catalogues in `locale/` up to date with the sources, and compile them.

python -m tests.words           # what `make words` runs: new msgids come in empty, those that are gone go
python -m tests.words --check   # change nothing; say what is missing, empty, unclear or stale

Needs no GNU gettext: Babel reads Python and JavaScript, and Django itself turns its templates into what Babel reads.
A catalogue is sorted by msgid and names no line, so that a branch changes only the lines of its own words.
"""

import io
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import django
from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from django.apps import apps
from django.utils.translation import templatize

ROOT: Final = Path(__file__).resolve().parent.parent
LOCALE: Final = ROOT / "locale"
APPS: Final = ("accounts", "auction_site", "auctions", "bidding")
SCRIPT_WORDS: Final = ROOT / "static/js/strings.js"
"""The one file of scripts that has words."""
DOMAINS: Final = ("django", "djangojs")
_KEYWORDS: Final[dict[str, Any]] = {
    **DEFAULT_KEYWORDS,
    "_": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
_NO_DATE: Final = datetime(2000, 1, 1, tzinfo=UTC)
_PLACEHOLDERS: Final = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def sources() -> Iterator[tuple[str, str, bytes]]:
    """Return what has words: the domain they go to, Babel's reader, and the text."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if not {"tests", "migrations"} & set(path.parts):
                yield "django", "python", path.read_bytes()
    for path in templates():
        # Django blanks all that is no word; the indentation would confuse Python's tokens.
        blank = templatize(path.read_text(), origin=str(path))
        lines = (line.strip() for line in blank.splitlines())
        yield "django", "python", "\n".join(lines).encode()
    # It knows the models, which only a Django that was set up has.
    from accounts.languages import field_names

    names = sorted({name for app in APPS[:1] + APPS[2:] for name in field_names(apps.get_app_config(app))})
    yield "django", "python", "\n".join(f"_({name!r})" for name in names).encode()
    yield "djangojs", "javascript", SCRIPT_WORDS.read_bytes()


def templates() -> list[Path]:
    """Return the templates of the project."""
    return sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in {".html", ".txt"})


def extracted() -> dict[str, Catalog]:
    """Return the msgids of the sources, by domain."""
    found = {domain: Catalog() for domain in DOMAINS}
    for domain, reader, text in sources():
        for _line, words, _comments, context in extract(reader, io.BytesIO(text), keywords=_KEYWORDS):
            found[domain].add(words, context=context)
    return found


def paths(language: str, domain: str) -> tuple[Path, Path]:
    """Return where a catalogue is: to write, and as Django reads it."""
    base = LOCALE / language / "LC_MESSAGES" / domain
    return base.with_suffix(".po"), base.with_suffix(".mo")


def read(path: Path, language: str) -> Catalog:
    """Read a catalogue; one that does not exist yet is empty."""
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return pofile.read_po(file, locale=language)


def compiled(catalogue: Catalog) -> bytes:
    """Return a catalogue as Django reads it. It names no date, so that the same words make the same file."""
    catalogue.creation_date = catalogue.revision_date = _NO_DATE
    out = io.BytesIO()
    mofile.write_mo(out, catalogue)
    return out.getvalue()


def written(catalogue: Catalog) -> bytes:
    """Return a catalogue as it is kept: sorted, one line for each text, and no more in its head than is needed."""
    out = io.BytesIO()
    pofile.write_po(out, catalogue, width=0, sort_output=True, no_location=True, omit_header=True, ignore_obsolete=True)
    head = (
        'msgid ""\n'
        'msgstr ""\n'
        f'"Language: {catalogue.locale_identifier}\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {catalogue.plural_forms}\\n"\n\n'
    )
    return head.encode() + out.getvalue()


def update(language: str) -> None:
    """Bring the catalogues of a language up to date; what is new comes in empty."""
    for domain, wanted in extracted().items():
        po, mo = paths(language, domain)
        catalogue = read(po, language)
        catalogue.update(wanted, no_fuzzy_matching=True, update_creation_date=False)
        po.parent.mkdir(parents=True, exist_ok=True)
        po.write_bytes(written(catalogue))
        # Read back, so that what is compiled depends on what is kept alone.
        mo.write_bytes(compiled(read(po, language)))


def problems(language: str, wanted: dict[str, Catalog]) -> Iterator[str]:
    """Say what is wrong with the catalogues of a language."""
    for domain in DOMAINS:
        po, mo = paths(language, domain)
        name = f"{language}/{domain}"
        catalogue = read(po, language)
        kept = {(message.id, message.context): message for message in catalogue if message.id}
        needed = {(message.id, message.context) for message in wanted[domain] if message.id}
        yield from (f"{name}: {words[0]!r} is missing" for words in sorted(needed - kept.keys(), key=str))
        yield from (f"{name}: {words[0]!r} is said nowhere" for words in sorted(kept.keys() - needed, key=str))
        for message in kept.values():
            yield from (f"{name}: {message.id!r} {problem}" for problem in _problems_of(message, catalogue.num_plurals))
        if written(catalogue) != po.read_bytes():
            yield f"{name}: the .po is not as `make words` writes it"
        if not mo.exists() or mo.read_bytes() != compiled(catalogue):
            yield f"{name}: the .mo is out of date"


def _problems_of(message: Message, forms: int) -> Iterator[str]:
    sources = [str(text) for text in (message.id if isinstance(message.id, (list, tuple)) else [message.id])]
    kept = message.string if isinstance(message.string, (list, tuple)) else [message.string]
    translations = [text or "" for text in kept]
    if message.fuzzy:
        yield "is fuzzy"
    if not all(translations) or len(translations) != (forms if len(sources) > 1 else 1):
        yield "is not translated"
        return
    for index, text in enumerate(translations):
        needed = set(_PLACEHOLDERS.findall(sources[min(index, len(sources) - 1)]))
        named = set(_PLACEHOLDERS.findall(text))
        if named != needed:
            yield f"has other placeholders: {' '.join(sorted(named ^ needed))}"
        if (text[:1].isspace(), text[-1:].isspace()) != (sources[0][:1].isspace(), sources[0][-1:].isspace()):
            yield "has other space around it"
        if message.context and message.context.startswith("an amount") and not {"$", "#"} <= set(text):
            yield "lacks the sign or the digits"


def languages() -> list[str]:
    """Return the languages that the site has besides English."""
    return sorted(path.name for path in LOCALE.iterdir() if path.is_dir())


def main() -> int:
    """Do what was asked, and return the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auction_site.settings")
    django.setup()
    if "--check" not in sys.argv:
        for language in languages():
            update(language)
    wanted = extracted()
    found = [problem for language in languages() for problem in problems(language, wanted)]
    print("\n".join(found) or f"{sum(len(each) for each in wanted.values())} texts in {1 + len(languages())} languages")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
