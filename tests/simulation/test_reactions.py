"""What a customer does with one list."""

import numpy as np
import pytest

from hemline.simulation.reactions import Reaction, chances_by_list, react
from hemline.simulation.simulation_params import SimulationParams

N_ARTICLES = 20
IN_MIND = np.array([3, 7])
LISTED = np.array([7, 0, 1, 2])
PARAMS = SimulationParams()


def reacts(
    listed: np.ndarray = LISTED, suits: np.ndarray | None = None, seed: int = 0, **changes: float
) -> Reaction:
    params = SimulationParams(**{**PARAMS.model_dump(), **changes})
    chances = np.zeros(N_ARTICLES) if suits is None else suits
    return react(IN_MIND, chances, listed, params, np.random.default_rng(seed))


def test_what_is_listed_and_was_come_for_is_bought_and_the_rest_is_searched() -> None:
    reaction = reacts(looks_on=1, finds=1)
    assert (reaction.picked, reaction.searched, reaction.missed) == ((7,), (3,), ())
    assert reacts(looks_on=1, finds=0).missed == (3,)


def test_without_a_list_everything_is_searched() -> None:
    reaction = reacts(np.empty(0, np.int64), finds=1)
    assert (reaction.n_seen, reaction.picked, reaction.searched) == (0, (), (3, 7))


def test_only_places_that_are_looked_at_count() -> None:
    reaction = reacts(LISTED[::-1], looks_on=0, finds=0, suits=np.ones(N_ARTICLES), discovers=1)
    assert reaction.n_seen == 1
    assert reaction.picked == ()
    assert reaction.missed == (3, 7)
    assert set(reaction.discovered) <= {2}


def test_a_customer_looks_on_with_the_same_chance_at_each_place() -> None:
    seen = [reacts(np.arange(8, 20), seed=seed).n_seen for seed in range(4000)]
    share = np.mean(np.array(seen) >= 2)
    assert share == pytest.approx(PARAMS.looks_on, abs=0.02)
    assert np.mean(np.array(seen) >= 3) / share == pytest.approx(PARAMS.looks_on, abs=0.02)


def test_what_suits_is_discovered_more_often() -> None:
    suits = np.zeros(N_ARTICLES)
    suits[0], suits[1] = 1.0, PARAMS.half_suits
    found = [reacts(looks_on=1, suits=suits, seed=seed).discovered for seed in range(8000)]
    chances = [np.mean([article in one for one in found]) for article in (0, 1, 2)]
    full = PARAMS.discovers / (1 + PARAMS.half_suits)
    assert chances == pytest.approx([full, PARAMS.discovers / 2, 0], abs=0.012)


def test_only_what_suits_nothing_is_disliked() -> None:
    suits = np.zeros(N_ARTICLES)
    suits[1] = 2 * PARAMS.unsuitable
    assert reacts(looks_on=1, unlikes=1, suits=suits, discovers=0).unliked == (0, 2)
    assert reacts(looks_on=1, unlikes=0, suits=suits).unliked == ()


def test_the_luck_of_an_article_does_not_depend_on_its_place() -> None:
    suits = np.full(N_ARTICLES, 1.0)
    for seed in range(50):
        there = reacts(looks_on=1, suits=suits, seed=seed)
        back = reacts(LISTED[::-1], looks_on=1, suits=suits, seed=seed)
        assert set(there.discovered) == set(back.discovered)
        assert there.searched == back.searched


def test_what_a_list_adds_is_what_is_bought_with_it_and_not_without() -> None:
    suits = np.zeros(N_ARTICLES)
    suits[[0, 2, 9]] = 1.0, 0.4, 0.7
    listed = np.array([0, 3, 2, 9, 7])
    n_visits, added = 6_000, np.zeros(N_ARTICLES)
    for seed in range(n_visits):
        shown, alone = reacts(listed, suits, seed), reacts(np.empty(0, np.int64), suits, seed)
        added[list(shown.bought)] += 1
        added[list(alone.bought)] -= 1
    chances = chances_by_list(IN_MIND, suits, listed, PARAMS)
    assert added[listed] / n_visits == pytest.approx(chances, abs=0.012)
    assert chances[1] == pytest.approx(PARAMS.looks_on * (1 - PARAMS.finds))
    assert chances_by_list(IN_MIND, suits, np.empty(0, np.int64), PARAMS).shape == (0,)
