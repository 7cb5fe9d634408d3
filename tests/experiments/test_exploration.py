from collections.abc import Sequence

import numpy as np
import pytest

from hemline.errors import BadInput
from hemline.experiments.exploration_slots import Explored, explore, slot_probabilities
from hemline.experiments.off_policy import (
    LEAST_EFFECTIVE,
    EstimatorParams,
    LoggedDecisions,
    doubly_robust,
    snips,
)

RANKING = list(range(100, 120))


def explored(
    slots: Sequence[int],
    n_candidates: int,
    temperature: float,
    rng: np.random.Generator,
    ranking: Sequence[int] = RANKING,
) -> Explored:
    return explore(
        ranking,
        slots=slots,
        n_candidates=n_candidates,
        temperature=temperature,
        draw=lambda _slot: rng.random(),
    )


def test_only_the_slots_are_drawn_and_from_the_next_candidates() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        found = explored((3, 5), 4, 2.0, rng)
        assert [found.articles[place] for place in (0, 1, 2, 4)] == [100, 101, 102, 103]
        assert found.drawn[0].candidates == (104, 105, 106, 107)
        assert found.articles[3] == found.drawn[0].candidates[found.drawn[0].chosen]
        assert found.articles[3] not in found.drawn[1].candidates
        assert sorted(found.articles) == RANKING
        others = [each for each in RANKING[4:] if each not in found.articles[:6]]
        assert list(found.articles[6:]) == others
        assert sum(found.drawn[1].propensities) == pytest.approx(1.0)


def test_candidates_are_drawn_as_often_as_the_log_says() -> None:
    rng = np.random.default_rng(0)
    lists = [explored((2,), 3, 1.5, rng) for _ in range(6000)]
    drawn = np.bincount([each.drawn[0].chosen for each in lists]) / len(lists)
    assert drawn == pytest.approx(slot_probabilities(3, 1.5), abs=0.02)
    weights = np.exp([0, -1 / 1.5, -2 / 1.5])
    assert lists[0].drawn[0].propensities == pytest.approx(weights / weights.sum())


def test_a_short_ranking_is_listed_whole() -> None:
    found = explored((1, 3), 5, 1.0, np.random.default_rng(0), ranking=[5, 6])
    assert sorted(found.articles) == [5, 6]
    found = explored((3,), 5, 1.0, np.random.default_rng(0), ranking=[5, 6, 7, 8])
    assert (found.articles, found.drawn) == ((5, 6, 7, 8), ())


def test_what_was_drawn_before_stands_again_and_nothing_else_is_drawn() -> None:
    def never(_slot: int) -> float:
        raise AssertionError

    draw = {"slots": (2,), "n_candidates": 3, "temperature": 1.0, "draw": never}
    again = explore(RANKING, earlier={2: 108}, **draw)  # type: ignore[arg-type]
    assert again.articles[:5] == (100, 101, 108, 102, 103)
    gone = explore(RANKING, earlier={2: 7}, **draw)  # type: ignore[arg-type]
    assert gone.articles == tuple(RANKING)
    assert again.drawn == gone.drawn == ()


def test_slots_that_are_no_places_are_refused() -> None:
    for slots in ((-1,), (2, 2)):
        with pytest.raises(BadInput, match="different places of a list"):
            explored(slots, 2, 1.0, np.random.default_rng(0))


def logged(n: int = 4000, seed: int = 0) -> tuple[LoggedDecisions, np.ndarray]:
    """Two candidates that sell with 0.1 and 0.3, the first of which is shown in 3 of 4."""
    rng = np.random.default_rng(seed)
    propensities = np.tile([0.75, 0.25], (n, 1))
    chosen = (rng.random(n) < 0.25).astype(np.int64)
    reward = (rng.random(n) < np.array([0.1, 0.3])[chosen]).astype(np.float64)
    return LoggedDecisions(np.arange(n) // 2, chosen, propensities, reward), np.tile(
        [0.0, 1.0], (n, 1)
    )


def test_estimates_are_those_of_the_other_policy() -> None:
    log, policy = logged()
    by_weights = snips(log, policy, np.random.default_rng(1))
    of_second = log.reward[log.chosen == 1].mean()
    assert by_weights.value == pytest.approx(of_second)
    assert by_weights.low is not None
    assert by_weights.high is not None
    assert by_weights.low < 0.3 < by_weights.high
    predicted = np.tile([0.1, 0.3], (len(log), 1))
    by_model = doubly_robust(log, policy, predicted, np.random.default_rng(1))
    assert by_model.value == pytest.approx(
        0.3 + ((log.reward - 0.3) * (log.chosen == 1)).sum() * 4 / len(log)
    )


def test_a_wrong_model_is_corrected_by_the_log() -> None:
    log, policy = logged()
    wrong = doubly_robust(log, policy, np.full((len(log), 2), 0.9), np.random.default_rng(1))
    assert wrong.value == pytest.approx(0.3, abs=0.06)


def test_a_log_that_says_too_little_gives_no_number() -> None:
    log, policy = logged(n=600)
    found = snips(log, policy, np.random.default_rng(1))
    assert found.value is None
    assert found.effective_sample < LEAST_EFFECTIVE
    assert found.effective_sample == pytest.approx((log.chosen == 1).sum())
    assert found.refusal is not None
    assert "200 are needed" in found.refusal


def test_large_weights_are_clipped_and_counted() -> None:
    log, policy = logged()
    found = snips(log, policy, np.random.default_rng(1), EstimatorParams(largest_weight=3.0))
    assert found.clipped_share == pytest.approx((log.chosen == 1).mean())


def test_propensities_that_are_none_are_refused() -> None:
    with pytest.raises(BadInput, match="above 0 and add up to 1"):
        LoggedDecisions(
            np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([[1.0, 0.0]]), np.ones(1)
        )
    log, _ = logged(8)
    with pytest.raises(BadInput, match="every candidate of every decision"):
        snips(log, np.ones((8, 3)), np.random.default_rng(0))
