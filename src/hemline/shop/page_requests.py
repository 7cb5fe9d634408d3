"""What a form of the page sends, read and checked before anything happens."""

import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

from starlette.requests import Request

from hemline.errors import BadInput

_MOST_FIELDS: Final = 12
_ADDRESS: Final = re.compile(r"/(?!/)[A-Za-z0-9_/.%~-]*(\?[A-Za-z0-9_=&%.+-]*)?")
_PLACE: Final = re.compile(r"[a-z]+-\d{1,3}")
_PAGE: Final = re.compile(r"[0-9a-f]{1,64}")
_LONGEST: Final = 200


@dataclass(frozen=True)
class SentForm:
    """The fields of a form by name; one that was not sent is empty."""

    fields: dict[str, str]

    @classmethod
    async def of(cls, request: Request) -> Self:
        """Return what was sent.

        Raises:
            BadInput: it is no form of ours.
        """
        body = await request.body()
        try:
            parsed = parse_qs(body.decode("utf-8"), max_num_fields=_MOST_FIELDS, errors="strict")
        except ValueError:
            raise _not_a_form(f"{len(body)} bytes that are no form") from None
        return cls({name: values[0][:_LONGEST] for name, values in parsed.items()})

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    @property
    def page(self) -> str:
        """The id of the page view that the form was on: the same form sent twice counts once."""
        return self._matching("page", _PAGE)

    def action(self) -> tuple[str, str, str]:
        """Return what a button does: the kind of event, the article's id and the place.

        Raises:
            BadInput: no button sends this.
        """
        kind, _, rest = self["do"].partition(" ")
        article_id, _, place = rest.rpartition(" ")
        if not _PLACE.fullmatch(place):
            article_id, place = rest, ""
        if not article_id:
            raise _not_a_form(self["do"])
        return kind, article_id, place

    def back(self, done: str, article_id: str = "", place: str = "") -> str:
        """Return the address of the page that the form was on, with a notice of what was done."""
        parts = urlsplit(self._matching("back", _ADDRESS) if self["back"] else "/")
        kept = [(name, text) for name, text in parse_qsl(parts.query) if name not in _NOTICE]
        query = urlencode([*kept, *zip(_NOTICE, (done, article_id), strict=True)] if done else kept)
        return parts.path + (f"?{query}" if query else "") + (f"#{place}" if place else "")

    def _matching(self, name: str, pattern: re.Pattern[str]) -> str:
        if not pattern.fullmatch(self[name]):
            raise _not_a_form(self[name])
        return self[name]


_NOTICE: Final = ("done", "article")


def address_of(request: Request) -> str:
    """Return the address of a page as its forms send it back, without the notice."""
    kept = [(name, text) for name, text in request.query_params.items() if name not in _NOTICE]
    address = quote(request.url.path) + (f"?{urlencode(kept)}" if kept else "")
    return address if _ADDRESS.fullmatch(address) and len(address) < _LONGEST else "/"


def _not_a_form(found: str) -> BadInput:
    return BadInput(
        "the shop's pages send what their forms have",
        found=repr(found[:_LONGEST]),
        fix="go back, load the page again, and press the button there",
    )
