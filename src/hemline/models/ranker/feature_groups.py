"""Features of a pair beside the usual ones, by group: each group can be switched off.

A saved ranker names the groups that its trees know, so one saved before a group existed is computed
as before. Which of them are worth their time is measured in docs/decisions.md.

- `scores`: what each model that can score any pair says of the pair, whether it proposed it or not.
- `intent`: by attribute, how long ago the customer bought anything of the article's department,
  section, type ..., and its share of what they bought lately and in a year.
- `basket`: the same of the latest basket alone, and its price against the article's.
- `product`: how the product sells in all its colours, and the customer's other colours of it.
- `interval`: on how many days the customer bought, how far apart, and how long ago in such gaps.
"""

from collections.abc import Collection, Iterable
from typing import Final, Literal, get_args

from hemline.models.ranker.article_features import PRODUCT_NAMES

Group = Literal["scores", "intent", "basket", "product", "interval"]
GROUPS: Final[tuple[Group, ...]] = get_args(Group)

SCORING: Final = ("item_knn", "rp3beta", "ease", "als", "cvae")
"""Models that score any pair (recommender.ScoresPairs), by name, as trees know their columns."""

SHORT_DAYS: Final = 7.0
LONG_DAYS: Final = 365.0
"""Half-lives of a purchase in the two shares of `intent`."""

_OWN_NAMES: Final = ("other_colours", "days_since_other_colour")
_BASKET_NAMES: Final = ("basket_price_gap", "basket_size")
_INTERVAL_NAMES: Final = ("n_days_bought", "mean_gap_days", "gaps_since_last")


def scoring_sources(sources: Iterable[str]) -> tuple[str, ...]:
    """Return those of the sources that score any pair, in their order."""
    return tuple(name for name in sources if name in SCORING)


def group_names(
    groups: Collection[str], sources: Iterable[str], attributes: Iterable[str]
) -> tuple[str, ...]:
    """Return the names of the groups' columns, in the order of GROUPS.

    >>> group_names({"scores", "interval"}, ["popularity", "als"], ["index_name"])
    ('any_score_als', 'n_days_bought', 'mean_gap_days', 'gaps_since_last')

    Args:
        groups: of GROUPS.
        sources: the models that propose.
        attributes: of the articles, without the product.
    """
    kinds, names = list(attributes), list[str]()
    if "scores" in groups:
        names += [f"any_score_{name}" for name in scoring_sources(sources)]
    if "intent" in groups:
        for stem in ("days_since", "short_share", "long_share"):
            names += [f"{stem}_{name}" for name in kinds]
    if "basket" in groups:
        names += [*(f"basket_share_{name}" for name in kinds), *_BASKET_NAMES]
    if "product" in groups:
        names += [*PRODUCT_NAMES, *_OWN_NAMES]
    if "interval" in groups:
        names += _INTERVAL_NAMES
    return tuple(names)
