"""What a customer is after: an intent, which lasts for several places of a basket and several days.

An intent is a style, a line of clothes, a price level and a tone. The articles of one intent are
drawn around its line (companions.line_lifts) and near its price and tone (offer.py). A
large basket may have several intents. The last one of a visit may be resumed by the next visit,
the less likely the longer that takes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.data.synthetic.companions import ANY_LINE
from hemline.data.synthetic.offer import Intents, Offer
from hemline.data.synthetic.planted_events import Event, strength_on
from hemline.data.synthetic.preferences import Preferences, draw_price_levels, draw_tones
from hemline.data.synthetic.tastes import shifted

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

STYLE_SHARES: Final = np.array([0.7, 0.18, 0.08, 0.04])
"""Of the intents: favourite style, second, third, any style."""
_STYLE_STEPS: Final = np.cumsum(STYLE_SHARES)[:-1]
HABITUAL: Final = 0.3  # share of the new intents that are about a line of the preferences
_RESUMED: Final = 0.7  # share of the intents that are resumed on the next day
_FADES_IN_DAYS: Final = 14.0  # until a share of 1 / e of that is left
_CHANGES_MIND: Final = 0.07  # chance from place to place in a basket that another intent begins


class IntentMemory:
    """The latest intent of every customer."""

    def __init__(self, n_customers: int) -> None:
        self._parts = np.full((n_customers, len(Intents._fields)), -1, np.int16)
        self._day = np.zeros(n_customers, np.int16)

    def recall(self, customer: IntArray) -> tuple[Intents, npt.NDArray[np.int16]]:
        """Return the latest intents and their days; a style of -1 where there is none."""
        return Intents(*self._parts[customer].T.astype(np.int64)), self._day[customer]

    def remember(self, customer: IntArray, intents: Intents, day: int) -> None:
        """Store one intent per customer."""
        self._parts[customer] = np.stack(intents, axis=1)
        self._day[customer] = day


class DayVisits(NamedTuple):
    """The visits of a day, one element each, int64.

    Attributes:
        customer: row of the customer, distinct.
        channel: STORE or ONLINE.
        size: places in the basket, at least 1.
    """

    customer: IntArray
    channel: IntArray
    size: IntArray


@dataclass(frozen=True)
class Minds:
    """Everything that intents are drawn from but the offer of the day.

    Attributes:
        styles: int8 of shape (customers, styles), favourite first.
        preferences: the lasting ones.
        mobility: float64 per customer; a taste shift moves those below its strength.
        events: the planted events.
    """

    styles: npt.NDArray[np.int8]
    preferences: Preferences
    mobility: FloatArray
    events: Sequence[Event]

    def moved(self, customer: IntArray, today: date) -> npt.NDArray[np.bool_]:
        """Return whether a taste shift has changed each customer's styles today."""
        return np.asarray(
            self.mobility[customer] < strength_on(self.events, "taste_shift", today), np.bool_
        )


def begin_intents(
    minds: Minds,
    offer: Offer,
    customer: IntArray,
    channel: IntArray,
    *,
    today: date,
    rng: np.random.Generator,
) -> Intents:
    """Return a new intent per element of customer and channel."""
    u = rng.random((4, len(customer)))
    preferences, moved = minds.preferences, minds.moved(customer, today)
    style = minds.styles[customer, np.searchsorted(_STYLE_STEPS, u[0], side="right")]
    style = np.where(moved, shifted(style.astype(np.int64)), style)
    n_lines = preferences.lines.shape[1]
    habit = preferences.lines[
        customer, np.floor(u[1] / HABITUAL * n_lines).astype(np.int64) % n_lines
    ]
    is_habit = (u[1] < HABITUAL) & ~moved  # a taste shift ends the habits
    noise = rng.standard_normal(len(customer))
    started = Intents(
        style=style,
        line=np.full(len(customer), ANY_LINE),
        price_level=draw_price_levels(preferences.price[customer], noise),
        tone=draw_tones(u[3], preferences.tone[customer]),
        channel=channel,
    )
    return started._replace(line=np.where(is_habit, habit, offer.draw_lines(started, u[2])))


def draw_intents(
    minds: Minds,
    memory: IntentMemory,
    offer: Offer,
    visits: DayVisits,
    *,
    day: int,
    today: date,
    rng: np.random.Generator,
) -> tuple[Intents, IntArray]:
    """Return all intents of the day and, per place in the baskets, the row of its intent.

    A visit opens with the intent that the customer's last visit ended with, or with a new one. The
    last intent of each visit is stored.
    """
    visit = np.repeat(np.arange(len(visits.customer)), visits.size)
    opens = np.ones(len(visit), np.bool_)
    opens[1:] = visit[1:] != visit[:-1]
    begins = opens | (rng.random(len(visit)) < _CHANGES_MIND)
    row, of_visit = np.cumsum(begins) - 1, visit[begins]
    begun = begin_intents(
        minds, offer, visits.customer[of_visit], visits.channel[of_visit], today=today, rng=rng
    )
    opening = row[opens]
    resumed, resumes = _resume(minds, memory, visits, day=day, today=today, rng=rng)
    for part, old in zip(begun, resumed, strict=True):
        part[opening[resumes]] = old[resumes]
    memory.remember(visits.customer, begun.of(row[np.cumsum(visits.size) - 1]), day)
    return begun, row


def _resume(
    minds: Minds,
    memory: IntentMemory,
    visits: DayVisits,
    *,
    day: int,
    today: date,
    rng: np.random.Generator,
) -> tuple[Intents, npt.NDArray[np.bool_]]:
    """Return the intent that each visit may go on with, and whether it does."""
    latest, since = memory.recall(visits.customer)
    chance = _RESUMED * np.exp(-(day - since.astype(np.float64)) / _FADES_IN_DAYS)
    resumes = (latest.style >= 0) & (rng.random(len(chance)) < chance)
    # After a taste shift, an intent from before it is over.
    resumes &= ~minds.moved(visits.customer, today) | (latest.style == shifted(latest.style))
    return latest._replace(channel=visits.channel), resumes
