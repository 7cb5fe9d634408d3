"""What the pages say: one catalogue of texts per language, chosen by the visitor or the browser."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).with_name("texts")
LANGUAGES: Final = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))
DEFAULT: Final = "en"
_ARTICLE: Final = "{article}"


@dataclass(frozen=True)
class Texts:
    """The texts of one language.

    Attributes:
        language: its code.
        by_key: with {placeholders}.
    """

    language: str
    by_key: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its values."""
        return self.by_key[key].format(**values)

    def around_article(self, key: str, **values: object) -> tuple[str, str]:
        """Return what stands before and after the article's name, which the page makes a link."""
        before, _, after = self.by_key[key].partition(_ARTICLE)
        return before.format(**values), after.format(**values)

    @property
    def other(self) -> str:
        """The language that the switch offers."""
        return LANGUAGES[(LANGUAGES.index(self.language) + 1) % len(LANGUAGES)]


@cache
def texts_in(language: str) -> Texts:
    """Return the texts of a language; the default one's where it is not known."""
    known = language if language in LANGUAGES else DEFAULT
    return Texts(known, tomllib.loads((_FOLDER / f"{known}.toml").read_text(encoding="utf-8")))


def preferred_language(header: str) -> str:
    """Return the language of ours that an Accept-Language header likes best.

    >>> preferred_language("de;q=0.9, sv-SE;q=0.8, en;q=0.7"), preferred_language("fr")
    ('sv', 'en')
    """
    liked: list[tuple[float, int, str]] = []
    for part in header.split(",")[:20]:
        name, _, quality = part.strip().partition(";q=")
        language = name.partition("-")[0].lower()
        if language in LANGUAGES:
            liked.append((-_quality(quality), len(liked), language))
    return min(liked)[2] if liked else DEFAULT


def _quality(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0
