"""What lies in the baskets of a day.

Each place is one of three: an article bought before, likelier if it was recent or is a basic; a
sibling (another colour) of one; or a new article on sale, drawn around the intent of the place.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.data.synthetic import demand
from hemline.data.synthetic.articles import Catalogue
from hemline.data.synthetic.companions import ANY_LINE
from hemline.data.synthetic.intents import DayVisits
from hemline.data.synthetic.memory import Memory
from hemline.data.synthetic.offer import Intents, Offer
from hemline.data.synthetic.world import World

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_REPEAT_CHANCE: Final = 1.1
_LONG_AGO: Final = 0.4  # share of the recalls that may be of any article instead of a late one
_RECALL: Final = 0.5  # chance that a recall of a late one is of the latest
_FORGET_DAYS: Final = (4.0, 600.0)  # decay of the readiness to buy again, soon and later
_SOON: Final = 0.85  # share of the readiness that decays soon
_SIBLING_CHANCE: Final = 0.09
_ATTEMPTS: Final = (1, 6, 2)  # draws at a time to find an article of a product not bought yet


def fill_baskets(
    world: World,
    memory: Memory,
    offer: Offer,
    visits: DayVisits,
    intents: Intents,
    day: int,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """Return the articles bought today as pairs of visit and article.

    Args:
        world: everything that is constant.
        memory: what was bought before.
        offer: what is on sale.
        visits: of the day.
        intents: one per place in the baskets.
        day: today.
        rng: the randomness of the day.
    """
    visit = np.repeat(np.arange(len(visits.size)), visits.size)
    customer = visits.customer[visit]
    article = _draw_new(world, memory, offer, customer, visit, intents, rng)
    eagerness = 1 / visits.size[visit]  # single-article visits are often repeats
    article = _draw_repeats(world, memory, customer, article, eagerness=eagerness, day=day, rng=rng)
    return visit[article >= 0], article[article >= 0]


def _draw_new(
    world: World,
    memory: Memory,
    offer: Offer,
    customer: IntArray,
    visit: IntArray,
    intents: Intents,
    rng: np.random.Generator,
) -> IntArray:
    """Return a new article per place, drawn around its intent; -1 if none was drawn.

    Without several attempts, a small catalogue would sell its few favourites again and again.
    """
    product_of = world.catalogue.first_sibling
    article = np.full(len(customer), -1)
    for attempt, n_draws in enumerate(_ATTEMPTS):
        place = np.tile(np.flatnonzero(article < 0), n_draws)
        wanted, u = _relaxed(intents.of(place), attempt), rng.random((3, len(place)))
        drawn = offer.draw_articles(wanted, offer.draw_lines(wanted, u[0]), u[1:])
        is_new = ~memory.knows(customer[place], product_of[drawn])
        article[place[is_new]] = drawn[is_new]
        article[_is_in_basket_before(visit, article)] = -1
    return article


def _relaxed(intents: Intents, attempt: int) -> Intents:
    """Return what is left of the intents at an attempt: the last one is about any line."""
    if attempt < len(_ATTEMPTS) - 1:
        return intents
    return intents._replace(line=np.full(len(intents.line), ANY_LINE))


def _is_in_basket_before(visit: IntArray, article: IntArray) -> npt.NDArray[np.bool_]:
    """Return whether the article of a place lies in an earlier place of the same basket."""
    order = np.lexsort((article, visit))
    again = np.zeros(len(article), np.bool_)
    same = (visit[order[1:]] == visit[order[:-1]]) & (article[order[1:]] == article[order[:-1]])
    again[order[1:]] = same & (article[order[1:]] >= 0)
    return again


def _draw_repeats(
    world: World,
    memory: Memory,
    customer: IntArray,
    article: IntArray,
    *,
    eagerness: FloatArray,
    day: int,
    rng: np.random.Generator,
) -> IntArray:
    """Replace some places by an article bought before or a sibling of one."""
    u = rng.random((5, len(customer)))
    late = memory.recall_latest(customer, rng.geometric(_RECALL, len(customer)) - 1)
    early, is_early = memory.recall_any(customer, u[4]), u[3] < _LONG_AGO
    known = np.where(is_early, early[0], late[0])
    bought_on = np.where(is_early, early[1], late[1])
    gap = day - bought_on.astype(np.float64)
    soon, later = (np.exp(-gap / days) for days in _FORGET_DAYS)
    readiness = _SOON * soon + (1 - _SOON) * later
    exists = known >= 0
    readiness *= world.catalogue.repeats[known] * eagerness
    again = exists & (u[0] < _REPEAT_CHANCE * readiness)
    again &= demand.is_on_sale(world.catalogue, known, day)
    other = _sibling(world.catalogue, known, u[2])
    varies = exists & (other != known) & (u[1] < _SIBLING_CHANCE)
    varies &= demand.is_on_sale(world.catalogue, other, day)
    return np.where(again, known, np.where(varies, other, article))


def _sibling(catalogue: Catalogue, article: npt.NDArray[np.integer], u: FloatArray) -> IntArray:
    step = np.floor(u * catalogue.n_siblings[article]).astype(np.int64)
    return np.asarray(catalogue.first_sibling[article] + step, np.int64)
