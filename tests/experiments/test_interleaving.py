import numpy as np
import pytest

from hemline.experiments.interleaving import interleave, preference


def test_teams_take_turns_and_list_each_article_once() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        found = interleave([1, 2, 3, 4], [3, 1, 5, 6], 4, rng)
        assert len(set(found.articles)) == 4
        assert found.teams.count("control") == 2
        assert found.articles[0] in {1, 3}


def test_equal_rankings_give_that_ranking_and_no_advantage() -> None:
    rng = np.random.default_rng(0)
    lists = [interleave([7, 8, 9, 10], [7, 8, 9, 10], 4, rng) for _ in range(2000)]
    assert {each.articles for each in lists} == {(7, 8, 9, 10)}
    assert np.mean([each.credit([7]) for each in lists]) == pytest.approx(0.0, abs=0.08)


def test_a_ranking_that_ends_leaves_the_rest_to_the_other() -> None:
    found = interleave([1], [2, 3, 4], 4, np.random.default_rng(0))
    assert sorted(found.articles) == [1, 2, 3, 4]
    assert interleave([], [], 4, np.random.default_rng(0)).articles == ()


def test_a_customer_counts_once_for_the_team_that_sold_more() -> None:
    found = interleave([1, 2], [3, 4], 4, np.random.default_rng(0))
    assert found.credit([3, 4, 1]) == 1.0
    assert found.credit([1, 3]) == 0.0
    assert found.credit([99]) == 0.0


def test_the_preference_is_that_of_those_who_have_one() -> None:
    found = preference(np.array([1.0, 1.0, 2.0, -1.0, 0.0]))
    assert (found.preference, found.n_decided, found.n_tied) == (0.5, 4, 1)
    assert found.z == 1.0
    assert found.standard_error == pytest.approx(np.sqrt(0.75 / 4))
    assert preference(np.zeros(3)).preference == 0.0
