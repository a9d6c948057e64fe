"""The word filter of a chat: finds listed words also where they are written differently.

Pure. Whole words only, so that a harmless word which contains a listed one passes; a star at the end of a listed
word stands for any ending.
"""

import re
import unicodedata
from collections.abc import Iterator

_STRETCHED = re.compile(r"(.)\1{2,}")
_REPEATED = re.compile(r"(.)\1+")


class WordFilter:
    """A list of blocked words and phrases, one a line."""

    __slots__ = ("_found_as", "_squeezed")

    def __init__(self, words: str) -> None:
        self._found_as = frozenset(_needles(words))
        # What was drawn out ("baaad") is compared without any repetition, on both sides.
        self._squeezed = frozenset(map(_squeezed, self._found_as))

    def __bool__(self) -> bool:
        return bool(self._found_as)

    def blocks(self, text: str) -> bool:
        """Tell whether a text contains a listed word, however it is written."""
        if not self:
            return False
        words = folded(text)
        for form in (words, _letters_joined(words)):
            whole = f" {' '.join(form)} "
            if any(needle in whole for needle in self._found_as):
                return True
            if _STRETCHED.search(whole) and any(needle in _squeezed(whole) for needle in self._squeezed):
                return True
        return False


def folded(text: str) -> list[str]:
    """Return the words of a text without what can be written in several ways: case, width, accents, invisibles."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = (character for character in plain if unicodedata.category(character) not in ("Mn", "Me", "Cf"))
    return "".join(character if character.isalnum() else " " for character in kept).split()


def _needles(words: str) -> Iterator[str]:
    for line in words.splitlines():
        if phrase := " ".join(folded(line)):
            yield f" {phrase}" if line.rstrip().endswith("*") else f" {phrase} "


def _squeezed(text: str) -> str:
    return _REPEATED.sub(r"\1", text)


def _letters_joined(words: list[str]) -> list[str]:
    """Return the words with letters that stand alone put together: "b a d" is a word too."""
    joined: list[str] = []
    alone = False
    for word in words:
        if len(word) == 1 and alone:
            joined[-1] += word
        else:
            joined.append(word)
        alone = len(word) == 1
    return joined
