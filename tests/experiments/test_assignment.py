from collections import Counter
from dataclasses import replace

import pytest

from hemline.errors import BadInput
from hemline.experiments.assignment import Allocation, arm_of, free_start, place_of

UNITS = [f"customer:{number}" for number in range(20_000)]
HALF = Allocation("ranker-b", "page", 0.0, 0.5, (("control", 1.0), ("treatment", 1.0)))


def arms(allocation: Allocation, share: float) -> dict[str, str]:
    found = {unit: arm_of(unit, allocation, share) for unit in UNITS}
    return {unit: arm for unit, arm in found.items() if arm is not None}


def test_a_unit_is_always_in_the_same_arm() -> None:
    assert place_of("customer:1", "page") == 0.7175662881533064
    assert arm_of("customer:1", HALF, 0.5) == arm_of("customer:1", HALF, 0.5)


def test_arms_have_their_shares() -> None:
    found = Counter(arms(HALF, 0.5).values())
    assert found.total() == pytest.approx(10_000, abs=300)
    assert found["treatment"] == pytest.approx(found.total() / 2, abs=300)
    uneven = replace(HALF, arms=(("treatment", 1.0), ("control", 9.0)))
    found = Counter(arms(uneven, 0.5).values())
    assert found["treatment"] == pytest.approx(found.total() / 10, abs=150)


def test_who_was_in_stays_in_the_same_arm_when_it_ramps_up() -> None:
    canary, half = arms(HALF, 0.01), arms(HALF, 0.5)
    assert 120 < len(canary) < 280
    assert canary.items() <= half.items()
    assert arms(HALF, 0.9) == half  # no more than it was given


def test_experiments_of_a_layer_share_no_unit_and_layers_cross_evenly() -> None:
    other = replace(HALF, experiment="ranker-c", start=0.5)
    assert not arms(HALF, 0.5).keys() & arms(other, 0.5).keys()
    assert not HALF.overlaps(other)
    assert HALF.overlaps(replace(other, start=0.4))
    crossing = replace(HALF, experiment="shelf", layer="shelves")
    of_page, of_shelves = arms(HALF, 0.5), arms(crossing, 0.5)
    both = of_page.keys() & of_shelves.keys()
    assert len(both) == pytest.approx(5_000, abs=250)
    treated = [unit for unit in both if of_page[unit] == "treatment"]
    assert len(treated) == pytest.approx(len(both) / 2, abs=200)


def test_a_new_experiment_goes_where_a_layer_is_free() -> None:
    third = replace(HALF, start=0.7, share=0.3)
    assert free_start("page", 0.2, [HALF, third]) == pytest.approx(0.5)
    assert free_start("shelves", 1.0, [HALF, third]) == 0.0
    with pytest.raises(BadInput, match="has 40% of the traffic free"):
        free_start("page", 0.4, [HALF, third])
