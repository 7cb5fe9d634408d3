"""The backtest on the generated tiny shop: several cuts, cached lists, the command."""

import json
import re
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from hemline import tables
from hemline.backtest.backtest import run_backtest
from hemline.backtest.weekly_lists import Backtest, fingerprint, load_lists, save_lists
from hemline.cli import app
from hemline.errors import BadInput
from hemline.evaluation.held_out_week import EVERYTHING, SCORED_LISTS
from hemline.training.training_shop import Shop
from tests.tiny_project import change_params
from tests.tiny_shop import write_tiny_shop

WEEKS = [date(2020, 9, 9), date(2020, 9, 16)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny shop of the module's own, with a backtest of the cheap rows run in it."""
    root = write_tiny_shop(tmp_path_factory.mktemp("shop"))
    run_backtest(cheap(root), 2)
    return root


def cheap(root: Path) -> Backtest:
    return Backtest.of(
        root / "params.yaml",
        root / "data/tables",
        root / "data/segments/segments.parquet",
        root / "reports/backtest",
        only=["segment_popularity"],
    )


def scored(root: Path) -> pd.DataFrame:
    return tables.read_table(root / "reports/backtest/per_customer.parquet", SCORED_LISTS)


def test_a_backtest_has_the_requested_rows_and_the_two_baselines(shop: Path) -> None:
    rows = {"popularity", "repurchase", "segment_popularity"}
    assert set(cheap(shop).evaluation.rows) == rows
    assert set(scored(shop)["model"]) == rows | {"oracle"}


def test_without_a_choice_every_row_is_there_and_what_is_served(shop: Path) -> None:
    every = Backtest.of(shop / "params.yaml", shop, shop, shop)
    assert "cvae" in every.models
    assert every.serve is not None


def test_a_row_that_does_not_exist_is_refused(shop: Path) -> None:
    with pytest.raises(BadInput, match="nonsense"):
        Backtest.of(shop / "params.yaml", shop, shop, shop, only=["nonsense"])


def test_every_buyer_of_every_week_is_scored_once_a_row(shop: Path) -> None:
    lists = scored(shop)
    everything = lists[lists["truth"] == EVERYTHING]
    transactions = pd.read_parquet(shop / "data/tables/transactions.parquet")
    for cut in WEEKS:
        days = pd.to_datetime(transactions["t_dat"])
        end = pd.Timestamp(cut) + pd.Timedelta(7, "D")
        bought = transactions[(days >= pd.Timestamp(cut)) & (days < end)]
        for _, of_row in everything[everything["cut"] == cut].groupby("model"):
            assert sorted(of_row["customer"]) == sorted(set(bought["customer"]))


def test_the_pooled_score_is_the_mean_over_all_lists(shop: Path) -> None:
    lists = scored(shop)
    everything = lists[lists["truth"] == EVERYTHING]
    scores = json.loads((shop / "reports/backtest/scores.json").read_text("utf-8"))
    of_row = everything[everything["model"] == "segment_popularity"]["map@12"]
    assert scores["segment_popularity"]["map@12"] == pytest.approx(of_row.mean(), abs=1e-6)
    assert 0 < of_row.mean() < 1


def test_the_report_names_each_week_and_each_multiple(shop: Path) -> None:
    text = (shop / "reports/backtest/scores.md").read_text("utf-8")
    assert re.search(r"\| MAP@12 \| week from 2020-09-09 \(\d+ buyers\) \| week from 2020", text)
    assert "| MAP@12 as a multiple of | popularity [95 %] | p | repurchase [95 %] | p |" in text
    assert "| popularity | 1.00 |  |" in text
    assert "Weeks of fewer than 50 buyers: 2020-09-09, 2020-09-16." in text
    assert (shop / "reports/backtest/map_at_12_by_week.png").stat().st_size > 0


def test_a_finished_week_is_not_fitted_again(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in reports(shop)}

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("fitted again")

    with monkeypatch.context() as patch:
        patch.setattr("hemline.backtest.weekly_lists.fit_models", refuse)
        run_backtest(cheap(shop), 2)
        with pytest.raises(AssertionError, match="fitted again"):
            run_backtest(cheap(shop), 2, fresh=True)
    assert {path: path.read_bytes() for path in reports(shop)} == before


def test_the_same_backtest_from_scratch_writes_the_same_bytes(shop: Path) -> None:
    before = {path: path.read_bytes() for path in reports(shop)}
    run_backtest(cheap(shop), 2, fresh=True)
    assert {path: path.read_bytes() for path in reports(shop)} == before


def reports(shop: Path) -> list[Path]:
    return sorted(path for path in (shop / "reports").rglob("*") if path.is_file())


def test_cached_lists_go_by_what_could_change_them_and_by_nothing_else(tmp_path: Path) -> None:
    root = write_tiny_shop(tmp_path / "shop")
    first = fingerprint(cheap(root))
    without_effect = {
        ("data", "cut"): "2020-09-09",
        ("evaluate", "bootstrap_samples"): 7,
        ("monitor", "threshold"): 0.2,
    }
    change_params(root, without_effect)
    assert fingerprint(cheap(root)) == first
    change_params(root, {("popularity", "window_days"): 21})
    second = fingerprint(cheap(root))
    assert second != first
    (root / "data/tables/articles.parquet").write_bytes(b"others")
    assert fingerprint(cheap(root)) not in {first, second}


def test_an_earlier_cut_knows_less(shop: Path) -> None:
    loaded: Shop = cheap(shop).load_shop(2)
    early, late = (loaded.known_at(cut).units.sum() for cut in WEEKS)
    assert late - early == loaded.bought_in(*WEEKS).units.sum() > 0


@pytest.mark.slow
def test_the_command_prints_the_rows_best_first(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    command = ["backtest", "--weeks", "2", "--rows", "segment_popularity", "--check-leaks"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0
    assert "No list changes when what came after the cut is shuffled or deleted" in result.stdout
    assert "reports/backtest/scores.md" in result.stdout
    assert "segment_popularity" in result.stdout
    assert "ignificant" in result.stdout or "too few for a significant difference" in result.stdout


def test_elsewhere_than_in_a_project_folder_the_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(app, ["backtest"])
    assert refused.exit_code == 1
    assert "dvc.yaml" in refused.stderr


def test_tables_that_are_not_there_are_refused_before_anything_is_fitted(
    shop: Path, tmp_path: Path
) -> None:
    nothing = Backtest.of(shop / "params.yaml", tmp_path, tmp_path / "segments", tmp_path)
    with pytest.raises(BadInput, match="run the pipeline first"):
        run_backtest(nothing, 1)


def test_cached_lists_that_were_damaged_are_made_again(tmp_path: Path) -> None:
    path, lists = (
        tmp_path / "week.npz",
        {"popularity": np.arange(24, dtype=np.int32).reshape(2, 12)},
    )
    assert load_lists(path) is None
    save_lists(lists, path)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        stored = load_lists(path)
        if stored is not None:  # the damage lies where nothing is read, such as a date
            assert stored["popularity"].tolist() == lists["popularity"].tolist()
    for part in (whole[:-1], whole[:100], b""):
        path.write_bytes(part)
        assert load_lists(path) is None
