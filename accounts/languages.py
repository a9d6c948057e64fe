"""In which language somebody is spoken to: the one that they chose, else this browser's choice, else what it asks for.

Owns that order and where a choice is kept. The words are in `locale/`.
"""

import gettext
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from accounts.models import User

_PERIOD: Final = 100
"""After how many numbers the plural forms of every language repeat, once the first so many are past."""


class LanguageMiddleware(LocaleMiddleware):
    """Speaks to who is signed in in the language that they chose, and to others as their browser wants."""

    def process_request(self, request: HttpRequest) -> None:
        """Choose the language of an answer."""
        super().process_request(request)
        # Who has no session is not asked who they are: what is public stays the same for all, and cacheable.
        if request.session.session_key and isinstance(user := request.user, User) and is_spoken(user.language):
            translation.activate(user.language)
            request.LANGUAGE_CODE = translation.get_language()


def is_spoken(code: str) -> bool:
    """Say whether the site has this language."""
    return code in dict(settings.LANGUAGES)


def speaking_to(user: User) -> AbstractContextManager[Any]:
    """Return a context in which words are in somebody's own language: for mail that others cause."""
    return translation.override(user.language if is_spoken(user.language) else settings.LANGUAGE_CODE)


def language_set(*, user: User, language: str) -> User:
    """Keep somebody's choice of a language; "" is none."""
    if language == "" or is_spoken(language):
        user.language = language
        user.save(update_fields=["language"])
    return user


def language_keep(*, user: User, **_: Any) -> None:
    """Let mail to a new account be in the language in which it was made."""
    language_set(user=user, language=translation.get_language() or "")


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Take a choice from the switch on each page: for this browser, and for the account where there is one."""
    if isinstance(user := request.user, User):
        language_set(user=User.objects.get(pk=user.pk), language=request.POST.get("language", ""))
    return set_language(request)


def fields_translate(app: AppConfig) -> None:
    """Let translators name also the fields of an app that are called by their names alone, as the admin shows them.

    `make words` finds them by `field_names`; the migrations know nothing of it.
    """
    for model in app.get_models():
        for field in model._meta.fields:
            if field._verbose_name is None:  # type: ignore[attr-defined]
                field.verbose_name = gettext_lazy(field.name.replace("_", " "))


def field_names(app: AppConfig) -> set[str]:
    """Return the names by which an app's fields are called."""
    fields = (field for model in app.get_models() for field in model._meta.fields)
    return {field.name.replace("_", " ") for field in fields if field._verbose_name is None}  # type: ignore[attr-defined]


@cache
def script_words(language: str) -> dict[str, str | list[str]]:
    """Return what a page's scripts say in a language, by what they say in English; nothing where they need nothing.

    Under "" is which form goes with a number, one digit for each of the first 200.
    """
    folders = [str(path) for path in settings.LOCALE_PATHS]
    found = gettext.translation("djangojs", folders[0], [translation.to_locale(language)], fallback=True)
    # Only the attribute tells all that there is; Django's own catalogue for scripts reads it too.
    catalogue: dict[Any, str] = getattr(found, "_catalog", {})
    plural = getattr(found, "plural", None)
    words: dict[str, str | list[str]] = {}
    for key, text in sorted(catalogue.items(), key=str):
        if isinstance(key, tuple):
            forms = words.setdefault(key[0], [])
            assert isinstance(forms, list)
            forms.append(text)
        elif key:
            words[key] = text
    if words and plural:
        words[""] = "".join(str(plural(number)) for number in range(2 * _PERIOD))
    return words
