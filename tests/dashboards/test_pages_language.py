"""The Chinese pages are wholly Chinese: every text that a page can show is translated, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from dashboards import i18n, words
from dashboards.errors import CatalogueError

ROOT = Path(i18n.__file__).parent
OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true", "extensions": "jinja2.ext.do,jinja2.ext.i18n"}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "N_": None}
PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")


def shown_texts() -> set[tuple[str | None, str]]:
    """Every marked text of the package's Python and templates, by context and message id."""
    found = extract_from_dir(
        str(ROOT),
        method_map=[("**.py", "python"), ("templates/**.html", "jinja2")],
        options_map={"templates/**.html": OPTIONS},
        keywords=KEYWORDS,
    )
    return {(context, message if isinstance(message, str) else message[0]) for _, _, message, _, context in found}


def catalogue_texts(language: str) -> dict[tuple[str | None, str], str]:
    with (i18n.LOCALE_FOLDER / i18n.LANGUAGES[language] / "LC_MESSAGES" / "teshe.po").open("rb") as file:
        catalogue = read_po(file)
    return {
        (m.context, m.id if isinstance(m.id, str) else m.id[0]): m.string
        if isinstance(m.string, str)
        else (m.string or [""])[0]
        for m in catalogue
        if m.id
    }


def test_every_shown_text_is_in_chinese() -> None:
    chinese = catalogue_texts("zh-CN")
    assert {text for text in shown_texts() if not chinese.get(text)} == set()


def test_the_catalogues_hold_no_text_that_nothing_shows() -> None:
    shown = shown_texts()
    for language in i18n.LANGUAGES:
        assert set(catalogue_texts(language)) - shown == set()


def test_a_translation_keeps_every_placeholder() -> None:
    for (_, english), chinese in catalogue_texts("zh-CN").items():
        wanted, got = set(PLACEHOLDER.findall(english)), set(PLACEHOLDER.findall(chinese))
        assert got == wanted - ({"num"} if "num" not in got else set()), english


def test_every_word_of_a_code_is_a_chinese_word() -> None:
    chinese = i18n.read_translations("zh-CN")
    for family in words.WORDS.values():
        for text in family.values():
            assert re.search(r"[一-鿿]", chinese.gettext(text)), text


def test_alarm_priorities_have_the_four_words_of_the_screens() -> None:
    chinese = i18n.read_translations("zh-CN")
    assert [chinese.gettext(word) for word in words.WORDS["severity"].values()] == ["紧急", "重要", "次要", "提示"]


@pytest.mark.parametrize(("wishes", "language"), [((None, None), "zh-CN"), (("fr",), "zh-CN"), (("en", "zh-CN"), "en")])
def test_chinese_is_spoken_unless_another_language_we_have_is_wished(
    wishes: tuple[str | None, ...], language: str
) -> None:
    assert i18n.choose_language(*wishes) == language


def test_a_missing_catalogue_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError):
        i18n.read_translations("zh-CN", tmp_path)


def test_the_account_never_speaks_of_allowed_deaths() -> None:
    assert not any("允许死亡" in text for text in catalogue_texts("zh-CN").values())
