"""What genuine and generated samples are compared by, and the distance of each.

Three kinds of distance: `tv`, the total variation of two distributions over the same categories
(0 to 1); `log`, the mean absolute logarithm of the ratios of positive numbers (.69 is a factor of
2); `diff`, the mean absolute difference of shares and correlations.
"""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import numpy as np

from benchmarks.synthetic import figures, popularity_figures
from benchmarks.synthetic.figures import Figure
from benchmarks.synthetic.samples import TRAITS, Sample
from benchmarks.synthetic.togetherness import GAPS

Measure = Literal["tv", "log", "diff"]


class Statistic(NamedTuple):
    """A statistic: what it is called, how two of it are compared, and how it is computed."""

    name: str
    measure: Measure
    compute: Callable[[Sample], Figure]


def distance(measure: Measure, genuine: Figure, other: Figure) -> float:
    """Return the distance of two figures; labels that one does not have count as 0.

    >>> round(distance("log", {"a": 1.0}, {"a": 2.0}), 2)
    0.69
    >>> round(distance("tv", {"a": 0.5, "b": 0.5}, {"a": 0.2, "b": 0.8}), 2)
    0.3
    """
    labels = list(dict.fromkeys([*genuine, *other]))
    one, two = (np.array([each.get(name, 0.0) for name in labels]) for each in (genuine, other))
    if measure == "tv":
        return float(np.abs(one - two).sum() / 2)
    if measure == "diff":
        return float(np.abs(one - two).mean())
    floor = 1e-4
    return float(np.abs(np.log(np.maximum(two, floor) / np.maximum(one, floor))).mean())


HISTORIES: Final = (
    Statistic("distinct articles a customer", "log", figures.articles_a_customer),
    Statistic("articles and rows a customer, mean", "log", figures.mean_articles),
    Statistic("visits a customer", "log", figures.visits_a_customer),
    Statistic("days between visits", "tv", figures.days_between_visits),
    Statistic("articles a basket", "tv", figures.articles_a_basket),
    Statistic("articles a basket in a store and online", "log", figures.baskets_by_channel),
    Statistic("pairs that were bought before", "log", figures.bought_before),
    Statistic("days to the next purchase of the same", "tv", figures.days_to_rebuy),
    Statistic("chance to buy again in a buying week", "log", figures.rebuy_chances),
    Statistic("sibling on the same day, earlier", "log", figures.siblings),
    *(Statistic(f"lift in a basket: {name}", "log", figures.basket_lift(name)) for name in TRAITS),
    Statistic("department lift up to 28 days later", "log", figures.department_lifts(GAPS[:4])),
    Statistic("department lift up to a year later", "log", figures.department_lifts(GAPS[4:])),
    Statistic("correlation of log price", "diff", figures.price_correlations),
    Statistic("price", "log", figures.prices),
    Statistic("online", "diff", figures.online_share),
    Statistic("online by garment group, s.d.", "log", figures.online_by_garment),
    Statistic("online after an online and a store visit", "diff", figures.channel_persistence),
    Statistic("weekdays", "tv", figures.weekdays),
    Statistic("months", "tv", figures.months),
    Statistic("sales by season", "log", figures.season_shares),
    Statistic("sales by garment group", "tv", figures.shares_of("garment_group_name")),
    Statistic("sales by product group", "tv", figures.shares_of("product_group_name")),
    Statistic("sales by index", "tv", figures.shares_of("index_name")),
    Statistic("sales by colour", "tv", figures.shares_of("perceived_colour_master_name")),
    Statistic("sales by pattern", "tv", figures.shares_of("graphical_appearance_name")),
    Statistic("share of a customer's first index", "diff", figures.first_index),
    Statistic("popularity kept", "log", popularity_figures.kept_popularity),
    Statistic("age", "log", figures.ages),
    Statistic("club membership", "tv", figures.customers_by("club_member_status")),
    Statistic("fashion news", "tv", figures.customers_by("fashion_news_frequency")),
)
"""Statistics of whole histories."""

ONE_WEEK: Final = (
    Statistic("week: articles a basket", "tv", figures.articles_a_basket),
    Statistic("week: best seller and 12th, of buyers", "log", popularity_figures.reach),
    Statistic("week: share of the top articles", "diff", popularity_figures.concentration),
    Statistic("week: effective articles", "log", popularity_figures.effective_articles),
    Statistic("week: lift of department", "log", figures.basket_lift("department_no")),
    Statistic("week: lift of section", "log", figures.basket_lift("section_no")),
    Statistic("week: lift of type", "log", figures.basket_lift("product_type_no")),
    Statistic("week: lift of colour", "log", figures.basket_lift("colour_group_code")),
    Statistic("week: sales by garment group", "tv", figures.shares_of("garment_group_name")),
    Statistic("week: sales by index", "tv", figures.shares_of("index_name")),
)
"""Statistics of the buyers of one week, on samples of equally many."""
