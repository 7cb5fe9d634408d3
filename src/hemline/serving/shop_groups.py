"""What the shop's rules (section answers of params.yaml) say of each article of a version."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from hemline.serving.answers_params import AnswersParams
from hemline.serving.group_codes import GroupCodes
from hemline.serving.season import out_of_season


@dataclass(frozen=True)
class ShopGroups:
    """What the shop's rules say of each article.

    Attributes:
        product_group: int32 of shape (articles,), equal where the product group is equal.
        is_discreet: bool of the same shape: never shown first nor named in a reason.
        is_on_request: bool: what the shop shows on request.
        is_demoted: bool: further down for a visitor of whom no purchase is known, because the shop
            shows it on request or it is out of season.
        in_stock: bool of shape (articles,); None where everything is.
    """

    product_group: npt.NDArray[np.int32]
    is_discreet: npt.NDArray[np.bool_]
    is_on_request: npt.NDArray[np.bool_]
    is_demoted: npt.NDArray[np.bool_]
    in_stock: npt.NDArray[np.bool_] | None

    @classmethod
    def of(
        cls,
        groups: GroupCodes,
        sales: npt.NDArray[np.float64],
        params: AnswersParams,
        in_stock: npt.NDArray[np.bool_] | None = None,
    ) -> Self:
        """Return what the rules say.

        Args:
            groups: of the articles.
            sales: of the product groups by day (season.daily_sales).
            params: the rules.
            in_stock: by article; None where everything is in stock.
        """
        is_off_season = out_of_season(sales, params.season_window_days, params.out_of_season_share)
        is_on_request = groups.in_any(params.on_request)
        return cls(
            groups.product_group,
            groups.in_any(params.discreet),
            is_on_request,
            is_on_request | is_off_season[groups.product_group],
            in_stock,
        )
