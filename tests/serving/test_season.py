"""What is out of season is read from last year's sales around the same date."""

import numpy as np

from hemline.serving.season import DAYS_KEPT, daily_sales, out_of_season


def sales(by_days_ago: dict[tuple[int, int], int], n_groups: int = 2) -> np.ndarray:
    groups = np.concatenate([np.full(n, group) for (group, _), n in by_days_ago.items()])
    days = np.concatenate([np.full(n, day) for (_, day), n in by_days_ago.items()])
    return daily_sales(groups.astype(np.int32), days.astype(np.float32), n_groups)


def test_sales_are_counted_by_group_and_day() -> None:
    counted = sales({(0, 1): 3, (1, 1): 2, (1, 749): 1, (0, 750): 9})
    assert counted.shape == (2, DAYS_KEPT)
    assert (counted[0, 1], counted[1, 1], counted[1, 749]) == (3, 2, 1)
    assert counted.sum() == 6


def test_a_group_that_sold_little_around_this_date_last_year_is_out_of_season() -> None:
    everyday = {(0, day): 9 for day in range(1, 731)}
    summer = {(1, day): 40 for day in range(150, 210)}
    autumn = {(1, day): 40 for day in range(340, 390)}
    assert out_of_season(sales(everyday | summer), 28, 0.5).tolist() == [False, True]
    assert out_of_season(sales(everyday | autumn), 28, 0.5).tolist() == [False, False]


def test_last_year_and_the_last_weeks_together_may_say_that_a_group_is_out_of_season() -> None:
    # 10 units a day are usual. Last year's weeks had 7, which alone is no reason.
    usual = {(0, day): 100 for day in range(1, 379)} | {(1, day): 10 for day in range(29, 351)}
    usual |= {(1, day): 7 for day in range(351, 379)}
    few = usual | {(1, day): 1 for day in range(1, 29)}  # 7 + 1 of 10 + 10
    enough = usual | {(1, day): 7 for day in range(1, 29)}
    assert out_of_season(sales(few), 28, 0.5).tolist() == [False, True]
    assert out_of_season(sales(enough), 28, 0.5).tolist() == [False, False]


def test_what_is_usual_is_the_average_of_whole_years() -> None:
    # In 510 days one summer, of 40 units a day. The last 365 days had 60 * 40 + 290 * 3 + 15 * 4
    # units, 255 in 28 days, of which last year's weeks had 28 * 4; of all 510 days it is 207.
    everyday = {(0, day): 100 for day in range(1, 511)}
    winter = {(1, day): 3 for day in [*range(1, 150), *range(210, 351), *range(379, 511)]}
    rest = {(1, day): 40 for day in range(150, 210)} | {(1, day): 4 for day in range(351, 379)}
    assert out_of_season(sales(everyday | winter | rest), 28, 0.5).tolist() == [False, True]


def test_without_last_year_nothing_is_out_of_season() -> None:
    this_year = {(0, day): 9 for day in range(1, 300)} | {(1, day): 4 for day in range(150, 210)}
    assert not out_of_season(sales(this_year), 28, 0.5).any()


def test_a_group_that_seldom_sells_is_never_out_of_season() -> None:
    # Of 9 * 28 units around the date it should have sold 2.
    seldom = {(0, day): 9 for day in range(1, 731)} | {(1, 200): 60}
    assert not out_of_season(sales(seldom), 28, 0.5).any()
