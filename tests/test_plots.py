from pathlib import Path

import pandas as pd

from hemline.plots import plot_scores, plot_weeks


def scores(*intervals: tuple[float, float, float]) -> pd.DataFrame:
    lines = pd.DataFrame(intervals, columns=["low", "value", "high"])
    names = [f"model {number}" for number in lines.index]
    return lines.assign(model=names, slice="all", n_customers=3)


def test_the_same_scores_give_the_same_picture(tmp_path: Path) -> None:
    lines = scores((0.1, 0.2, 0.3), (0.3, 0.4, 0.6))
    for name in ("one.png", "two.png"):
        plot_scores(lines, "map@12", tmp_path / name, min_customers=3)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_an_interval_of_no_width_is_drawn_although_its_ends_are_rounded(tmp_path: Path) -> None:
    flat = scores((0.1 + 1e-16, 0.1, 0.1 - 1e-16))
    plot_scores(flat, "map@12", tmp_path / "flat.png", min_customers=3)
    assert (tmp_path / "flat.png").stat().st_size > 0


def test_a_panel_of_few_customers_looks_different(tmp_path: Path) -> None:
    lines = scores((0.1, 0.2, 0.3), (0.3, 0.4, 0.6))
    for min_customers in (3, 4):
        plot_scores(lines, "map@12", tmp_path / f"{min_customers}.png", min_customers=min_customers)
    assert (tmp_path / "3.png").read_bytes() != (tmp_path / "4.png").read_bytes()


def test_weeks_are_drawn_the_same_way_every_time(tmp_path: Path) -> None:
    days = pd.to_datetime(["2020-09-09", "2020-09-16"])
    values = pd.DataFrame({"one": [0.1, 0.2], "other": [0.2, 0.1]}, index=days)
    n_buyers = pd.Series([60, 40], index=days)
    for name, min_customers in {"one.png": 50, "two.png": 50, "few.png": 70}.items():
        plot_weeks(values, n_buyers, "map@12", tmp_path / name, min_customers=min_customers)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.png").read_bytes() != (tmp_path / "few.png").read_bytes()
