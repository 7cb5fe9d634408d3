"""Which models fill the lists: as params.yaml names them, or as past weeks have chosen them.

`serve.warm: chosen` leaves the order to stage `choose`, whose answer is a file among the models. So
a version carries what it serves, and a params.yaml that names models overrules it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, NonNegativeInt

from hemline.errors import BadInput
from hemline.params import Section

Order = Annotated[tuple[str, ...], Field(min_length=1)]
"""Names of models; each fills what the ones before it left empty."""

CHOSEN: Final = "chosen"
"""In params.yaml: the order that stage `choose` found; and the folder of its answer."""
NEW_ARTICLES: Final = "new_articles"
"""The model that fills the place for a new article."""
_FILE: Final = "orders.json"
_STORED: Final = ("warm", "cold", "reasons")


@dataclass(frozen=True)
class ServedOrders:
    """Names of the models that serve customers with a history, and cold ones, in order.

    Attributes:
        warm: for customers with a history.
        cold: for the others.
        per_product: how many articles of one product a list may hold; 0 is any number.
        reasons: sentences that say why, of what past weeks have chosen.
        new_article_place: of customers with a history; 0 is none.
    """

    warm: tuple[str, ...]
    cold: tuple[str, ...]
    per_product: int
    reasons: tuple[str, ...] = ()
    new_article_place: int = 0

    @property
    def models(self) -> set[str]:
        """Names of all of them."""
        new = {NEW_ARTICLES} if self.new_article_place else set()
        return {*self.warm, *self.cold} | new

    @property
    def text(self) -> str:
        """What serves, in words."""
        return f"{', '.join(self.warm)}; cold customers: {', '.join(self.cold)}"


class ServeParams(Section):
    """Which models serve customers with a history, and cold ones, in order.

    0 articles of a product are any number; place 0 for a new article is none.
    """

    section: ClassVar[str] = "serve"
    warm: Literal["chosen"] | Order
    cold: Literal["chosen"] | Order
    per_product: NonNegativeInt = 1
    new_article_place: NonNegativeInt = 0

    @classmethod
    def of_version(cls, params: Path) -> Self:
        """Return the section of a version's params.yaml; earlier versions do neither."""
        return cls.load(params, unnamed={"per_product": 0, "new_article_place": 0})

    @property
    def chosen_kinds(self) -> tuple[bool, ...]:
        """Whose order past weeks choose: False for customers with a history, True for cold ones."""
        kinds = ((False, self.warm), (True, self.cold))
        return tuple(is_cold for is_cold, order in kinds if order == CHOSEN)

    def with_chosen(
        self, warm: tuple[str, ...], cold: tuple[str, ...], reasons: tuple[str, ...] = ()
    ) -> ServedOrders:
        """Return the orders, those left open as past weeks have chosen them."""
        return ServedOrders(
            warm if self.warm == CHOSEN else tuple(self.warm),
            cold if self.cold == CHOSEN else tuple(self.cold),
            self.per_product,
            reasons,
            self.new_article_place,
        )

    def orders(
        self, models: Path, *, check: Callable[[str], object] = lambda _name: None
    ) -> ServedOrders:
        """Return what a version serves.

        Args:
            models: the version's folder of models, which holds the choice.
            check: called with the name of the choice's folder before it is read.

        Raises:
            BadInput: an order is left to past weeks, and the folder holds no choice.
        """
        if not self.chosen_kinds:
            return self.with_chosen((), ())
        check(CHOSEN)
        return self.with_chosen(*_load(models / CHOSEN / _FILE))


def save_chosen(folder: Path, orders: ServedOrders) -> None:
    """Write what is served as json into the folder `chosen` among the models."""
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps({name: getattr(orders, name) for name in _STORED}, indent=1)
    (folder / _FILE).write_text(content + "\n", encoding="utf-8")


def _load(path: Path) -> list[tuple[str, ...]]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return [tuple(map(str, stored[name])) for name in _STORED]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            "where serve.warm or serve.cold is 'chosen', the models hold what past weeks chose "
            f"({CHOSEN}/{_FILE})",
            found=f"{path}: {type(error).__name__}",
            fix="run stage choose (dvc repro choose), or name the models in params.yaml",
        ) from error
