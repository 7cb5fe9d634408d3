"""What a simulator may ask of a generated shop: offers, choices, returns."""

from datetime import date

import numpy as np
import pytest

from hemline.data.synthetic import utility
from hemline.data.synthetic.companions import ANY_LINE, N_LINES, line_lifts
from hemline.data.synthetic.demand import next_trend
from hemline.data.synthetic.intents import begin_intents
from hemline.data.synthetic.offer import ONLINE, STORE, Intents, Offer
from hemline.data.synthetic.planted_events import Event
from hemline.data.synthetic.shop import SyntheticParams, generate_shop, world_of
from hemline.data.synthetic.vocabulary import LINES
from hemline.data.synthetic.world import ShopSize, World

SIZE = ShopSize(
    n_customers=300, n_articles=400, first_day=date(2020, 3, 1), last_day=date(2020, 6, 30)
)
DAY = 60
N_DRAWS = 200_000


@pytest.fixture(scope="module")
def world() -> World:
    return world_of(SyntheticParams(size=SIZE, seed=7, events=()))


@pytest.fixture(scope="module")
def offer(world: World) -> Offer:
    return utility.offer_on(world, DAY)


def shares(article: np.ndarray) -> np.ndarray:
    return np.bincount(article, minlength=SIZE.n_articles) / len(article)


def drawn(offer: Offer, intents: Intents) -> np.ndarray:
    u = np.random.default_rng(0).random((3, len(intents.style)))
    return offer.draw_articles(intents, offer.draw_lines(intents, u[0]), u[1:])


def total_variation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).sum() / 2)


def test_choices_are_the_chances_that_the_generator_draws_by(world: World, offer: Offer) -> None:
    for intent in (
        utility.CustomerIntent(style=3, line=5, price_level=2, tone=0, channel=STORE),
        utility.CustomerIntent(style=40, line=ANY_LINE, price_level=0, tone=3, channel=ONLINE),
    ):
        chances = utility.choice_chances(world, offer, 0, DAY, intent=intent)
        assert chances.sum() == pytest.approx(1)
        places = Intents(*(np.full(N_DRAWS, each) for each in intent))
        assert total_variation(shares(drawn(offer, places)), chances) < 0.02


def test_lasting_preferences_are_those_of_the_intents_that_begin(
    world: World, offer: Offer
) -> None:
    for customer in (0, 1):
        rng = np.random.default_rng(1)
        in_store = rng.random(N_DRAWS) < world.crowd.store_share[customer]
        begun = begin_intents(
            world.minds,
            offer,
            np.full(N_DRAWS, customer),
            np.where(in_store, STORE, ONLINE),
            today=world.date_of(DAY),
            rng=rng,
        )
        chances = utility.choice_chances(world, offer, customer, DAY)
        assert chances.sum() == pytest.approx(1)
        assert total_variation(shares(drawn(offer, begun)), chances) < 0.02


def test_customers_prefer_different_articles_and_only_those_on_sale(
    world: World, offer: Offer
) -> None:
    one, other = (utility.choice_chances(world, offer, each, DAY) for each in (0, 1))
    assert total_variation(one, other) > 0.2
    catalogue = world.catalogue
    on_sale = (catalogue.launch <= DAY) & (catalogue.last >= DAY)
    assert np.array_equal(np.flatnonzero(one), np.flatnonzero(on_sale))


def test_an_intent_makes_its_line_and_what_completes_it_likelier(
    world: World, offer: Offer
) -> None:
    line = int(np.bincount(world.catalogue.line[offer.articles], minlength=N_LINES).argmax())
    intents = [utility.CustomerIntent(0, each, 1, 0, ONLINE) for each in (ANY_LINE, line)]
    alone, about = (
        utility.choice_chances(world, offer, 0, DAY, intent=each)[world.catalogue.line == line]
        for each in intents
    )
    assert about.sum() > 2 * alone.sum()
    names = LINES["department"].tolist()
    lifts = line_lifts()
    blouse, trouser = names.index("Blouse"), names.index("Trouser")
    assert lifts[blouse, trouser] == lifts[trouser, blouse]
    assert lifts[blouse, blouse] > lifts[blouse, trouser] > lifts[blouse, names.index("Newborn")]
    assert lifts[blouse, trouser] > lifts[blouse, names.index("Jersey Fancy")]


def test_a_taste_shift_changes_preferences_from_its_day_on(world: World) -> None:
    event = Event(kind="taste_shift", date=date(2020, 4, 1), until=None, size="large")
    shifted = world_of(SyntheticParams(size=SIZE, seed=7, events=(event,)))
    customer = int(np.flatnonzero(world.minds.mobility < 0.7)[0])
    before, after = (date(2020, 3, 31) - SIZE.first_day).days, DAY
    for day, differs in ((before, False), (after, True)):
        usual, moved = (
            utility.choice_chances(each, utility.offer_on(each, day), customer, day)
            for each in (world, shifted)
        )
        assert np.array_equal(usual, moved) != differs


def test_the_offer_of_a_day_is_the_one_the_shop_sold_from(world: World, offer: Offer) -> None:
    log_trend = world.opening_trend
    for day in range(DAY + 1):
        log_trend = next_trend(log_trend, world.stream(day))
    again = world.offer_on(DAY, log_trend)
    assert np.array_equal(again.articles, offer.articles)
    sold = generate_shop(SyntheticParams(size=SIZE, seed=7, events=())).transactions
    of_day = sold.loc[sold["t_dat"] == str(world.date_of(DAY)), "article"]
    assert len(of_day) > 0
    assert np.isin(of_day, offer.articles).all()


def test_a_day_without_a_shop_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="day is 0 to 121"):
        utility.offer_on(world, 122)


def test_returns_depend_on_customer_and_garment_and_are_in_the_truth(world: World) -> None:
    truth = generate_shop(SyntheticParams(size=SIZE, seed=7, events=())).truth
    customer, article = np.arange(300), np.full(300, 7)
    chances = utility.return_chances(world, customer, article)
    assert 0 < chances.min() < chances.max() < 1
    base = truth.articles["return_chance"][7]
    odds = base / (1 - base) * np.exp(truth.customers["return_log_odds"].to_numpy())
    assert np.allclose(chances, odds / (1 + odds))
    garment = world.catalogue.articles["garment_group_name"]
    by_garment = truth.articles["return_chance"].groupby(garment).first()
    assert by_garment["Dresses Ladies"] > by_garment["Accessories"]
