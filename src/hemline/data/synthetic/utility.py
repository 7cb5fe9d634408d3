"""What a customer would choose on a day, and send back: the generator's chances, for simulators.

A simulator shows articles to a customer and needs to know how they react. `choice_chances` is the
exact distribution that the generator draws a place of a basket from, before it takes out what the
customer already has; its logarithm is a utility, up to a constant. So among a list that is shown,
chances are in these proportions, and whether anything is bought is the simulator's to decide.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.data.synthetic import demand
from hemline.data.synthetic.articles import N_PRICE_LEVELS, TONES
from hemline.data.synthetic.companions import ANY_LINE
from hemline.data.synthetic.intents import HABITUAL, STYLE_SHARES
from hemline.data.synthetic.offer import ONLINE, STORE, Offer
from hemline.data.synthetic.preferences import return_log_odds, wanted_shares
from hemline.data.synthetic.tastes import shifted
from hemline.data.synthetic.world import World

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class CustomerIntent(NamedTuple):
    """What a customer is after; see offer.Intents for the fields."""

    style: int
    line: int
    price_level: int
    tone: int
    channel: int


def offer_on(world: World, day: int) -> Offer:
    """Return what is on sale on a day of the world, as the generator sees it.

    The trend of a day follows from those before it, so a later day takes longer: half a second for
    two years of the demo. Keep the offer of a day instead of computing it again.

    Raises:
        ValueError: the shop is not open on the day.
    """
    if not 0 <= day < world.size.n_days:
        raise ValueError(f"day is 0 to {world.size.n_days - 1}, not {day}")
    log_trend = world.opening_trend
    for number in range(day + 1):
        log_trend = demand.next_trend(log_trend, world.stream(number))
    return world.offer_on(day, log_trend)


def choice_chances(
    world: World, offer: Offer, customer: int, day: int, *, intent: CustomerIntent | None = None
) -> FloatArray:
    """Return the chance of every article to take the next place in the customer's basket.

    Args:
        world: the shop.
        offer: of the day.
        customer: row of the customer.
        day: counted from the shop's first.
        intent: what the customer is after; their lasting preferences if omitted, that is the mean
            over the first articles of all intents that they may begin.

    Returns:
        Float64 of shape (articles,); 0 for what is not on sale, the sum is 1.
    """
    chances = np.zeros(world.size.n_articles)
    if intent is not None:
        line = np.zeros((N_PRICE_LEVELS, ANY_LINE + 1))
        line[:, intent.line] = 1
        wanted = np.zeros((N_PRICE_LEVELS, len(TONES)))
        wanted[intent.price_level, intent.tone] = 1
        chances[offer.articles] = offer.chances(intent.style, intent.channel, line, wanted)
        return chances
    preferences, who = world.minds.preferences, np.array([customer])
    is_moved = bool(world.minds.moved(who, world.date_of(day))[0])
    wanted = wanted_shares(float(preferences.price[customer]), int(preferences.tone[customer]))
    habits = preferences.lines[customer].astype(np.int64)
    in_store = float(world.crowd.store_share[customer])
    styles = world.minds.styles[customer].astype(np.int64)
    for style, share in zip(shifted(styles) if is_moved else styles, STYLE_SHARES, strict=True):
        for channel, weight in ((STORE, in_store), (ONLINE, 1 - in_store)):
            line = offer.lines_begun(int(style), channel)
            if not is_moved:
                line = (1 - HABITUAL) * line
                for habit in habits:
                    line[:, habit] += HABITUAL / len(habits)
            chances[offer.articles] += (
                share * weight * offer.chances(int(style), channel, line, wanted)
            )
    return chances


def return_chances(world: World, customer: IntArray, article: IntArray) -> FloatArray:
    """Return the chance that each customer sends back the article beside it.

    The tables of Kaggle have no returns, so nothing of this shows in the transactions.
    """
    of_article = return_log_odds()[world.catalogue.garment_group[article]]
    log_odds = of_article + world.minds.preferences.return_log_odds[customer]
    return np.asarray(1 / (1 + np.exp(-log_odds)), np.float64)
