"""Every text of the pages is in every catalogue, and none stands in a template."""

import re
import string
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest

from hemline.serving.reasons import KINDS
from hemline.shop.page_texts import LANGUAGES, preferred_language, texts_in

SHOP: Final = Path("src/hemline/shop")
TEMPLATES: Final = sorted((SHOP / "pages").glob("*.j2"))
CODE: Final = [*TEMPLATES, *sorted(SHOP.glob("page_*.py"))]
SPOKEN: Final = ("aria-label", "alt", "title", "placeholder")
BRAND: Final = "Hemline"


class Spoken(HTMLParser):
    """Collects what a reader sees or hears."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.said += [value or "" for name, value in attrs if name in SPOKEN]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_all_languages_have_the_same_texts_with_the_same_values() -> None:
    assert set(LANGUAGES) == {"en", "sv"}
    english, swedish = (texts_in(language).by_key for language in ("en", "sv"))
    assert english.keys() == swedish.keys()
    differing = [key for key in english if placeholders(english[key]) != placeholders(swedish[key])]
    assert differing == []
    assert all(text.strip() for text in [*english.values(), *swedish.values()])


def test_hardly_a_text_is_the_same_in_both_languages() -> None:
    english, swedish = (texts_in(language).by_key for language in ("en", "sv"))
    same = {key for key in english if english[key] == swedish[key]}
    assert same <= {"badge_source", "badge_version", "badge_time"}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.stem))
def test_no_text_stands_in_a_template(template: Path) -> None:
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", template.read_text(), flags=re.DOTALL)
    reader = Spoken()
    reader.feed(text)
    said = " ".join(reader.said).replace(BRAND, "")
    assert re.findall(r"[^\W\d_]+", said) == []


def test_every_text_is_used() -> None:
    code = "\n".join(path.read_text() for path in CODE)
    made = ("reason_", "error_", "done_")
    unused = [
        key for key in texts_in("en").by_key if not key.startswith(made) and f'"{key}"' not in code
    ]
    assert unused == []


def test_every_kind_of_reason_has_its_words() -> None:
    keys = texts_in("en").by_key
    assert all(f"reason_{kind}" in keys for kind in KINDS)


def test_reasons_are_associations_and_say_no_cause() -> None:
    words = " ".join(v for k, v in texts_in("en").by_key.items() if k.startswith("reason_"))
    assert not re.search(
        r"\b(because|since you|due to|you are|you like|you will)\b", words, re.IGNORECASE
    )


def test_the_language_is_the_one_that_the_browser_likes_best() -> None:
    assert preferred_language("sv-SE,sv;q=0.9,en;q=0.8") == "sv"
    assert preferred_language("de, fr;q=0.5") == "en"
    assert preferred_language("en;q=0.2, sv;q=0.9") == "sv"
    assert preferred_language("sv;q=broken, en;q=0.1") == "en"
    assert preferred_language("") == "en"
