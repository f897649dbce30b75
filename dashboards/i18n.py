"""Language of the pages 语言: Babel catalogues, read straight from their .po files at start-up.

The message id is the English source text, so English needs no catalogue of its own to be complete;
zh-CN is the default language. Nothing is compiled: what a translator edits is what the next start shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from babel.messages.pofile import read_po

from dashboards.errors import CatalogueError

DEFAULT_LANGUAGE = "zh-CN"
LANGUAGES: Mapping[str, str] = {"zh-CN": "zh_CN", "en": "en"}
LANGUAGE_NAMES: Mapping[str, str] = {"zh-CN": "中文", "en": "English"}
LOCALE_FOLDER = Path(__file__).parent / "locale"


@dataclass(frozen=True, slots=True)
class Translations:
    """One language: (context, message id) to its text, plural forms in Babel's order."""

    language: str
    singular: Mapping[tuple[str | None, str], str]
    plural: Mapping[tuple[str | None, str], tuple[str, ...]]

    def gettext(self, message: str) -> str:
        """The text in this language."""
        return self.singular.get((None, message), message)

    def pgettext(self, context: str, message: str) -> str:
        """The text in this language, told apart by context."""
        return self.singular.get((context, message), message)

    def ngettext(self, one: str, many: str, count: int) -> str:
        """The form that fits the count."""
        forms = self.plural.get((None, one))
        if forms is None:
            return one if count == 1 else many
        return forms[0] if len(forms) == 1 or count == 1 else forms[1]

    def npgettext(self, context: str, one: str, many: str, count: int) -> str:
        """The form that fits the count, told apart by context."""
        forms = self.plural.get((context, one))
        if forms is None:
            return one if count == 1 else many
        return forms[0] if len(forms) == 1 or count == 1 else forms[1]


def read_translations(language: str, folder: Path = LOCALE_FOLDER) -> Translations:
    """Read one catalogue. A missing file or a text that is marked fuzzy is our fault, not the reader's.

    Raises
    ------
    CatalogueError
        If the language has no catalogue, or the catalogue cannot be parsed.
    """
    path = folder / LANGUAGES.get(language, language) / "LC_MESSAGES" / "teshe.po"
    try:
        with path.open("rb") as file:
            catalogue = read_po(file, locale=LANGUAGES.get(language, language), abort_invalid=True)
    except (OSError, ValueError) as error:
        raise CatalogueError(f"cannot read the catalogue {path.name} of {language}") from error
    singular: dict[tuple[str | None, str], str] = {}
    plural: dict[tuple[str | None, str], tuple[str, ...]] = {}
    for message in catalogue:
        if not message.id or message.fuzzy:
            continue
        if isinstance(message.id, (list, tuple)):
            forms = tuple(str(form) for form in message.string or ())
            if forms and all(forms):
                plural[message.context, str(message.id[0])] = forms
        elif message.string:
            singular[message.context, str(message.id)] = str(message.string)
    return Translations(language, singular, plural)


def read_all() -> dict[str, Translations]:
    """Every shipped language by its tag."""
    return {language: read_translations(language) for language in LANGUAGES}


def choose_language(*wishes: str | None) -> str:
    """The first wish we can serve (query, cookie, account), else zh-CN.

    >>> choose_language(None, "en")
    'en'
    >>> choose_language("fr")
    'zh-CN'
    """
    return next((wish for wish in wishes if wish is not None and wish in LANGUAGES), DEFAULT_LANGUAGE)


_SOURCE = Translations("en", {}, {})
_current: ContextVar[Translations] = ContextVar("teshe_translations", default=_SOURCE)


@contextmanager
def speaking(translations: Translations) -> Iterator[None]:
    """Speak this language inside the block, in this thread or task only."""
    token = _current.set(translations)
    try:
        yield
    finally:
        _current.reset(token)


def current_language() -> str:
    """The language of what is being rendered."""
    return _current.get().language


def gettext(message: str) -> str:
    """The text in this language."""
    return _current.get().gettext(message)


def pgettext(context: str, message: str) -> str:
    """The text in this language, told apart by context."""
    return _current.get().pgettext(context, message)


def ngettext(one: str, many: str, count: int) -> str:
    """The form that fits the count."""
    return _current.get().ngettext(one, many, count)


def npgettext(context: str, one: str, many: str, count: int) -> str:
    """The form that fits the count, told apart by context."""
    return _current.get().npgettext(context, one, many, count)
