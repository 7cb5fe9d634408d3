"""Worlds of one signal whose answer is known: a season, a jump, a quiet shop, a first year."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from hemline.errors import BadInput
from monitoring.monitor_params import MonitorParams
from monitoring.verdicts import expected_band, judge_week

PARAMS = MonitorParams.load(Path("params.yaml")).model_copy(update={"alpha": 0.01})
LAST = date(2020, 9, 23)
N_WEEKS = 104
ENDS = [LAST - timedelta(weeks=back) for back in range(N_WEEKS - 1, -1, -1)]

Shares = Callable[[int], npt.NDArray[np.float64]]


def world(
    shares: Shares,
    *,
    column: str = "product_group_name",
    seed: int = 1,
    n_weeks: int = N_WEEKS,
    n_buyers: int = 1000,
) -> pd.DataFrame:
    """Return SUMMARIES of one column whose true shares are a function of the week (-103 to 0)."""
    rng = np.random.default_rng(seed)
    rows = []
    for back in range(1 - n_weeks, 1):
        bought = rng.multinomial(n_buyers, shares(back))
        again = rng.multinomial(n_buyers, bought / n_buyers, 60) / n_buyers
        rows += [
            {
                "week_end": ENDS[back - 1],
                "about": "transactions",
                "column": column,
                "segment": "all",
                "category": f"c{number}",
                "value": bought[number] / n_buyers,
                "n": n_buyers,
                "replicates": again[:, number].astype(np.float32),
            }
            for number in range(len(bought))
        ]
    return pd.DataFrame(rows)


def steady(_: int) -> npt.NDArray[np.float64]:
    return np.array([0.5, 0.3, 0.2])


def seasonal(back: int) -> npt.NDArray[np.float64]:
    """Knitwear: a tenth in summer, four tenths in winter, steepest in the weeks that are judged."""
    knit = 0.25 - 0.15 * np.cos(2 * np.pi * (back + 13) / 52)
    return np.array([knit, 0.6 * (1 - knit), 0.4 * (1 - knit)])


def jumped(back: int) -> npt.NDArray[np.float64]:
    return steady(back) if back < -1 else np.array([0.4, 0.3, 0.3])


def verdict(summaries: pd.DataFrame, week_end: date = LAST, params: MonitorParams = PARAMS) -> str:
    return str(judge_week(summaries, week_end, params)["verdict"].item())


def test_a_quiet_week_has_no_verdict() -> None:
    verdicts = [verdict(world(steady, seed=seed)) for seed in range(10)]
    assert verdicts.count("none") >= 9
    assert "drift" not in verdicts


def test_a_steep_season_is_seasonal_and_no_drift() -> None:
    verdicts = [verdict(world(seasonal, seed=seed, n_buyers=3000)) for seed in range(6)]
    assert verdicts == ["seasonal"] * 6


def test_a_jump_is_drift_in_its_first_week_and_in_its_second() -> None:
    summaries = world(jumped)
    assert verdict(summaries, ENDS[-3]) == "none"
    assert verdict(summaries, ENDS[-2]) == "drift"
    assert verdict(summaries, ENDS[-1]) == "drift"


def test_a_jump_on_top_of_a_season_is_drift() -> None:
    def both(back: int) -> npt.NDArray[np.float64]:
        shares = seasonal(back)
        return shares if back < 0 else shares + np.array([0.0, -0.15, 0.15])

    assert verdict(world(both)) == "drift"


def test_a_season_that_stays_away_is_a_level_change() -> None:
    def missed(back: int) -> npt.NDArray[np.float64]:
        return seasonal(back) if back < -8 else seasonal(-9)

    assert verdict(world(missed, n_buyers=10_000)) == "level change"


def test_a_first_year_can_only_say_that_something_is_new() -> None:
    summaries = world(jumped, n_weeks=40)
    assert verdict(summaries) == "new"
    assert judge_week(summaries, LAST, PARAMS)["effect_last_year"].isna().all()


def test_a_column_that_no_season_moves_can_drift_in_its_first_year() -> None:
    assert verdict(world(jumped, column="sales_channel_id", n_weeks=40)) == "drift"
    assert verdict(world(steady, column="sales_channel_id", n_weeks=40)) == "none"


def test_what_moved_is_written_as_people_read_it() -> None:
    of_channel = world(jumped, column="sales_channel_id", n_weeks=40).replace(
        {"category": {"c0": "1"}}
    )
    (moved,) = judge_week(of_channel, LAST, PARAMS)["moved"]
    assert "store: 49 % -> 41 %" in moved.split("; ")
    rows = world(jumped, column="price", n_weeks=40)
    of_price = rows[rows["category"] == "c2"].assign(category="")
    (moved,) = judge_week(of_price, LAST, PARAMS)["moved"]
    before, after = (float(part.removesuffix(" %")) for part in moved.split(" -> "))
    assert before == pytest.approx(100 * (np.exp(0.2) - 1), abs=2)
    assert after == pytest.approx(100 * (np.exp(0.3) - 1), abs=5)


def test_in_a_sale_that_last_year_did_not_have_nothing_is_drift() -> None:
    sale = {"Sale": ((LAST - timedelta(days=12), LAST - timedelta(days=2)),)}
    known = in_sale(sale)
    for n_weeks in (40, N_WEEKS):
        summaries = world(jumped, column="sales_channel_id", n_weeks=n_weeks)
        assert verdict(summaries) == "drift"
        assert verdict(summaries, params=known) == "new"


def test_after_a_sale_the_weeks_before_it_are_what_is_usual() -> None:
    def on_sale(back: int) -> npt.NDArray[np.float64]:
        return steady(back) if back in {-1, 0} or back < -6 else jumped(0)

    summaries = world(on_sale, column="sales_channel_id", n_weeks=40)
    assert verdict(summaries) == "drift"
    sale = {"Sale": ((LAST - timedelta(weeks=7), LAST - timedelta(weeks=2, days=1)),)}
    assert verdict(summaries, params=in_sale(sale)) == "none"


def test_what_is_not_steady_is_new_in_its_first_year() -> None:
    params = PARAMS.model_copy(update={"steady": ("price",)})
    summaries = world(jumped, column="sales_channel_id", n_weeks=40)
    assert verdict(summaries, params=params) == "new"


def test_the_weeks_that_moved_the_same_way_are_recorded() -> None:
    assert directions(world(jumped)) == [LAST - timedelta(weeks=1)]

    def back_again(back: int) -> npt.NDArray[np.float64]:
        return np.array([0.6, 0.3, 0.1]) if back == -1 else jumped(back)

    assert directions(world(back_again)) == []


def directions(summaries: pd.DataFrame) -> list[date]:
    found: list[date] = judge_week(summaries, LAST, PARAMS)["same_direction"].item()
    return [day for day in found if day == LAST - timedelta(weeks=1)]


def in_sale(sales: dict[str, tuple[tuple[date, date], ...]]) -> MonitorParams:
    calendar = PARAMS.calendar.model_copy(update={"sales": sales})
    return PARAMS.model_copy(update={"calendar": calendar})


def test_a_past_drift_does_not_deafen() -> None:
    def twice(back: int) -> npt.NDArray[np.float64]:
        return jumped(0) if -40 < back < -30 or back > -2 else steady(back)

    assert verdict(world(twice)) == "drift"


def test_an_overdispersed_signal_has_to_move_further() -> None:
    levels = np.random.default_rng(5).normal(0, 0.04, N_WEEKS)

    def overdispersed(back: int) -> npt.NDArray[np.float64]:
        return steady(back) + levels[back - 1] * np.array([1.0, -1.0, 0.0])

    quiet, wild = (
        judge_week(world(of), LAST, PARAMS)["threshold"].item() for of in (steady, overdispersed)
    )
    assert wild > 1.5 * quiet


def test_later_weeks_do_not_change_a_verdict() -> None:
    summaries = world(jumped)
    known_then = summaries[summaries["week_end"] <= ENDS[-2]]
    pd.testing.assert_frame_equal(
        judge_week(summaries, ENDS[-2], PARAMS), judge_week(known_then, ENDS[-2], PARAMS)
    )


def test_the_effect_passes_the_threshold_exactly_where_it_is_noticed() -> None:
    for summaries in (world(steady), world(jumped)):
        row = judge_week(summaries, LAST, PARAMS).iloc[0]
        assert (row["effect"] >= row["threshold"]) == (row["q_value"] <= PARAMS.alpha)


def test_what_moved_most_is_named_with_both_shares() -> None:
    moved = judge_week(world(jumped), LAST, PARAMS)["moved"].item()
    assert moved.split(";")[0].startswith(("c0: 50 % -> 4", "c0: 50 % -> 3", "c2: 20 % -> "))


@pytest.mark.parametrize(
    ("column", "size", "named"),
    [("volume", 308_512.0, "308,512 -> 308,512"), ("basket_size", 4.2, "4.2 -> 4.2")],
)
def test_what_a_size_moved_is_named_in_plain_digits(column: str, size: float, named: str) -> None:
    one = world(steady).query("category == 'c0'")
    drawn = [np.full(60, size, np.float32)] * N_WEEKS
    sizes = one.assign(about="shop", column=column, category="", value=size, replicates=drawn)
    assert judge_week(sizes, LAST, PARAMS)["moved"].item() == named


def test_a_number_that_never_varies_is_as_expected() -> None:
    summaries = world(steady)
    one = summaries[summaries["category"] == "c0"]
    constant = one.assign(
        about="shop", column="empty_share", category="", value=0.0, replicates=[np.zeros(60)] * 104
    )
    assert verdict(constant) == "none"


def test_a_signal_without_recent_weeks_has_no_row() -> None:
    summaries = world(steady)
    born = world(steady, column="new_column", n_weeks=2)
    judged = judge_week(pd.concat([summaries, born]), LAST, PARAMS)
    assert judged["column"].tolist() == ["product_group_name"]


def test_an_unknown_week_is_refused() -> None:
    with pytest.raises(BadInput, match="2021-01-06"):
        judge_week(world(steady, n_weeks=10), date(2021, 1, 6), PARAMS)


def test_the_band_holds_most_quiet_weeks_and_no_jump() -> None:
    band = expected_band(world(jumped), LAST, PARAMS)
    judged = band[band["low"].notna()]
    inside = judged["value"].between(judged["low"], judged["high"])
    quiet = judged["week_end"] < ENDS[-2]
    assert inside[quiet].mean() > 0.9
    assert not inside[(judged["week_end"] == LAST) & (judged["category"] == "c0")].any()


def test_the_expected_shares_of_a_week_add_up_to_one() -> None:
    band = expected_band(world(seasonal), LAST, PARAMS)
    week = band[band["week_end"] == LAST]
    assert week["category"].tolist() == ["c0", "c1", "c2"]
    assert week["expected"].sum() == pytest.approx(1)
    assert week["expected"].to_numpy() == pytest.approx(seasonal(0), abs=0.05)
    assert week["last_year"].to_numpy() == pytest.approx(seasonal(-52), abs=0.05)
