"""Find words that people would read and no translator would see."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final

from tests.words import APPS, ROOT, templates

_SHOWN: Final = frozenset({"title", "aria-label", "aria-roledescription", "placeholder", "alt", "label"})
"""Attributes that people read or hear."""
_SILENT: Final = frozenset({"script", "style", "code", "kbd", "samp"})
_NAMES: Final = frozenset({"OBS", "WebM", "MP4", "RTMP", "QR", "Deutsch", "English", "API", "OpenAPI", "AsyncAPI"})
"""Words that are the same in every language."""
_FOR_PROGRAMMERS: Final = ("bidding/sockets.html", "parts/socket_message.html")
_OF_PROGRAMS: Final = ("api", "serializers", "cognito/apps")
"""What describes the interfaces for programs, which is English as they are."""
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_MARKED: Final = re.compile(
    r"{%\s*(?:blocktranslate|blocktrans)\b.*?%}.*?{%\s*end(?:blocktranslate|blocktrans)\s*%}"
    r"|{%\s*block width\s*%}\w+"
    r"|{%\s*comment\b.*?%}.*?{%\s*endcomment\s*%}|{#.*?#}|{%.*?%}|{{.*?}}",
    re.DOTALL,
)


def unmarked_in_templates() -> Iterator[str]:
    """Return literal words of the templates, with the file they are in."""
    for path in templates():
        if path.as_posix().endswith(_FOR_PROGRAMMERS):
            continue
        text = _MARKED.sub(lambda found: "\n" * found[0].count("\n"), path.read_text())
        reader = _Reader()
        reader.feed(text)
        reader.close()
        yield from (f"{path.relative_to(ROOT)}:{line}: {words}" for line, words in reader.found)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        for name, value in attrs:
            if name in _SHOWN:
                self._note(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._silent -= tag in _SILENT

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._note(data)

    def _note(self, text: str) -> None:
        if set(_WORD.findall(text)) - _NAMES:
            self.found.append((self.getpos()[0], " ".join(text.split())))


# --- Python --------------------------------------------------------------------------------------------

_SAID: Final = frozenset(
    {
        "empty_label",
        "help_text",
        "label",
        "short_description",
        "verbose_name",
        "verbose_name_plural",
        "violation_error_message",
    }
)
"""Keywords whose value people read."""
_SAYS: Final = {"Preset": 1, "Refused": 1, "ValidationError": 0, "_bad_increments": 0}
"""What is called with words, and at which place they are; the methods of `messages` are called so too."""
_DECORATORS: Final = frozenset({"display", "action"})


def unmarked_in_python() -> Iterator[str]:
    """Return literal words of the sources at places whose words people read."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            name = path.relative_to(ROOT / app).with_suffix("").as_posix()
            is_silent = {"tests", "migrations", "management", "demo"} & set(path.parts)
            if not is_silent and not name.startswith(_OF_PROGRAMS):
                for line, words in _literals(ast.parse(path.read_text())):
                    yield f"{path.relative_to(ROOT)}:{line}: {words}"


def _literals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for value in _words_of(node):
                yield from _plain(value)
        elif isinstance(node, ast.ClassDef) and any("Choices" in ast.unparse(base) for base in node.bases):
            for member in node.body:
                if isinstance(member, ast.Assign) and isinstance(member.value, ast.Tuple):
                    yield from _plain(member.value.elts[-1])
                elif isinstance(member, ast.Assign) and isinstance(member.value, ast.Constant):
                    yield node.lineno, f"{node.name}.{ast.unparse(member)}"
        elif isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id in _SAID for target in node.targets
        ):
            yield from _plain(node.value)


def _words_of(call: ast.Call) -> Iterator[ast.expr]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    yield from (keyword.value for keyword in call.keywords if keyword.arg in _SAID)
    if name in _DECORATORS:
        yield from (keyword.value for keyword in call.keywords if keyword.arg == "description")
    owner = call.func.value.id if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) else ""
    place = 1 if owner == "messages" else _SAYS.get(name)
    if place is not None:
        yield from call.args[place : place + 1]
        yield from (keyword.value for keyword in call.keywords if keyword.arg in {"message", "subject", "text"})


def _plain(value: ast.expr) -> Iterator[tuple[int, str]]:
    """Return a text that is written out where it is used."""
    if isinstance(value, ast.IfExp):
        yield from _plain(value.body)
        yield from _plain(value.orelse)
    elif isinstance(value, ast.BinOp):
        yield from _plain(value.left)
    elif isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "format":
        yield from _plain(value.func.value)
    elif isinstance(value, ast.JoinedStr):
        if any(isinstance(part, ast.Constant) and _WORD.search(str(part.value)) for part in value.values):
            yield value.lineno, ast.unparse(value)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str) and set(_WORD.findall(value.value)) - _NAMES:
        yield value.lineno, repr(value.value)


# --- Scripts -------------------------------------------------------------------------------------------

_TEXT: Final = re.compile(
    r"""(?:textContent|innerText|title|placeholder|ariaLabel)\s*=\s*["'`]([^"'`]*)|"""
    r"""setText\([^,]+,\s*["'`]([^"'`]*)|setAttribute\("(?:aria-label|title|alt|placeholder)",\s*["'`]([^"'`]*)|"""
    r"""(?:confirm|alert)\(["'`]([^"'`]*)|make\("[\w-]+",\s*"[^"]*",\s*(?:[\w.]+,\s*)*["'`]([^"'`]*)"""
)


def unmarked_in_scripts() -> Iterator[str]:
    """Return literal words that a script of a page writes into it; all of them belong into `strings.js`."""
    for path in sorted((ROOT / "static/js").rglob("*.js")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for found in _TEXT.finditer(line):
                words = next((group for group in found.groups() if group), "")
                if set(_WORD.findall(re.sub(r"\$\{.*?\}", "", words))) - _NAMES:
                    yield f"{path.relative_to(ROOT)}:{number}: {words}"
