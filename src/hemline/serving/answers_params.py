"""Section `answers` of params.yaml: the shop's rules for lists, which no model is fitted with.

They are read from the project's params.yaml when a version is opened, not from the one that the
version stores: what is discreet is decided by the shop and holds at once for every version, also
for those registered before the rule. The price: a list of last month cannot be made again from the
version alone.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Self

import yaml
from pydantic import Field, NonNegativeInt, PositiveInt

from hemline.params import Section


class AnswersParams(Section):
    """What is shown first, what is moved down, and how much evidence a reason needs."""

    section: ClassVar[str] = "answers"
    discreet: tuple[str, ...] = ("Underwear", "Underwear/nightwear")
    on_request: tuple[str, ...] = ("Baby Sizes 50-98",)
    season_window_days: Annotated[int, Field(ge=7, le=182)] = 28
    out_of_season_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    places_down: NonNegativeInt = 24
    min_support: PositiveInt = 3
    named_purchases: NonNegativeInt = 50

    @classmethod
    def of_version(cls, params: Path) -> Self:
        """Return the section in a version's params.yaml, for where there is no project beside it.

        Versions registered before there was such a section have the defaults.
        """
        if cls.section not in yaml.safe_load(params.read_text(encoding="utf-8")):
            return cls()
        return cls.load(params)
