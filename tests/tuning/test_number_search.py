"""A bounded search on any table: what it may see, what it reports, what it refuses."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from hemline import columns
from hemline.cli import app
from hemline.errors import BadInput
from hemline.models.item_knn import ItemKnnParams
from hemline.tuning.folds import Folds, split_table
from hemline.tuning.interaction_table import TableColumns, from_table, read_interactions
from hemline.tuning.number_search import SearchBounds, Tuned, tune
from hemline.tuning.search_spaces import TUNED, space_of
from hemline.tuning.tuning_report import as_page

FIRST = date(2021, 3, 1)
NAMED = TableColumns("who", "what")
WITH_DAYS = TableColumns("who", "what", "units", "day")
N_CUSTOMERS, N_GROUPS, GROUP = 120, 6, 10


def table_of_tastes() -> pd.DataFrame:
    """Each customer buys eight of the ten articles of one group, in eight weeks."""
    rng = np.random.default_rng(5)
    rows = [
        (f"c{customer:03}", f"a{customer % N_GROUPS * GROUP + article:02}", week)
        for customer in range(N_CUSTOMERS)
        for week, article in enumerate(rng.permutation(GROUP)[:8])
    ]
    bought = pd.DataFrame(rows, columns=["who", "what", "week"])
    days = [FIRST + timedelta(weeks=week) for week in bought["week"]]
    return bought.assign(day=pd.to_datetime(pd.Series(days)), units=2).drop(columns="week")


def without_days(max_customers: int = 1000) -> Folds:
    table = from_table(table_of_tastes(), NAMED)
    return split_table(table, days=7, seed=1, max_customers=max_customers)


def with_days() -> Folds:
    table = from_table(table_of_tastes(), WITH_DAYS)
    return split_table(table, days=7, seed=1, max_customers=1000)


def test_a_table_without_days_is_held_out_within_each_customer() -> None:
    validation, test = without_days()
    assert validation.known.n_customers == test.known.n_customers == N_CUSTOMERS
    assert not validation.lists_known
    known, held_out = validation.fit.units.toarray() > 0, validation.held_out.toarray() > 0
    later, tested = test.fit.units.toarray() > 0, test.held_out.toarray() > 0
    assert not (known & held_out).any()
    assert not (later & tested).any()
    assert not (held_out & tested).any()
    np.testing.assert_array_equal(later, known | held_out)
    assert known.sum() + held_out.sum() + tested.sum() == 8 * N_CUSTOMERS


def test_a_table_with_days_is_held_out_by_its_last_days() -> None:
    validation, test = with_days()
    assert test.lists_known
    assert test.fit.units.sum() == 2 * 7 * N_CUSTOMERS  # the eighth week is held out
    assert validation.fit.units.sum() == 2 * 6 * N_CUSTOMERS
    assert set(test.held_out.data) == set(test.known.counts) == {2.0}
    assert test.known.days.min() == 1  # everybody buys on the day before each fold
    assert validation.held_out.nnz == test.held_out.nnz == N_CUSTOMERS


def test_of_many_customers_some_are_scored_and_all_are_fitted_on() -> None:
    validation, _ = without_days(max_customers=60)
    assert validation.known.n_customers == 60
    assert validation.fit.n_customers == N_CUSTOMERS


def test_the_search_mends_a_bad_start_and_says_so_on_a_fold_it_never_saw() -> None:
    start = ItemKnnParams(neighbours=1, shrinkage=0)
    bounds = SearchBounds(trials=4, metric="recall@12")
    (found,) = tune(
        without_days(), ["item_knn"], bounds, has_days=False, starts={"item_knn": start}
    )
    assert found.start["neighbours"] == 1
    assert set(found.changed) == {"neighbours", "shrinkage"}
    assert found.on_test[1] > found.on_test[0] + 0.2
    assert found.gain[0] == pytest.approx(found.on_test[1] - found.on_test[0])
    assert found.gain[1] > 0
    assert found.p_value < 0.001
    assert (found.n_trials, found.n_wanted, found.n_customers) == (4, 4, N_CUSTOMERS)
    page = as_page([found], "recall@12", "A table.")
    assert "`item_knn`: shown to be better on the test fold." in page
    assert "```yaml\nitem_knn:\n  neighbours: " in page


def test_a_good_start_stays_and_the_clock_bounds_the_trials() -> None:
    bounds = SearchBounds(trials=50, seconds=0)
    (found,) = tune(without_days(), ["ease"], bounds, has_days=False)
    assert (found.n_trials, found.n_wanted) == (1, 50)
    assert found.changed == {}
    assert (found.gain, found.p_value) == ((0.0, 0.0, 0.0), 1.0)
    assert "no trial was better" in as_page([found], "map@12", "A table.")


def test_numbers_about_days_are_searched_only_where_there_are_days() -> None:
    of_days = {"input_half_life_days", "shift", "on_sale_days"}
    for model in set(TUNED) - {"popularity"}:
        assert not of_days & space_of(model, has_days=False).keys()
        assert of_days <= space_of(model, has_days=True).keys()
    (found,) = tune(without_days(), ["popularity"], SearchBounds(trials=3), has_days=False)
    assert (found.n_trials, found.n_wanted) == (1, 1)


def test_the_same_seed_finds_the_same() -> None:
    def once() -> list[Tuned]:
        return tune(with_days(), ["rp3beta", "als"], SearchBounds(trials=3), has_days=True)

    assert once() == once()


WRONG: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "no customer": (lambda t: t.assign(who=t["who"].where(t.index != 3)), "who(.|\n)*row 4"),
    "a negative number": (lambda t: t.assign(units=-1), "units has a positive(.|\n)*row 1: -1"),
    "a text for a number": (lambda t: t.assign(units="two"), "units(.|\n)*'two'"),
    "an infinite number": (lambda t: t.assign(units=np.inf), "units(.|\n)*inf"),
    "a stored zero": (lambda t: t.assign(units=0), "units(.|\n)*row 1: 0"),
    "no day": (lambda t: t.assign(day="soon"), "day has a day as 2020-09-22(.|\n)*'soon'"),
    "a column that is not there": (lambda t: t.drop(columns="day"), "--day"),
    "no rows": (lambda t: t.iloc[:0], "0 rows"),
    "few customers": (lambda t: t[t["who"] < "c030"], "50 customers(.|\n)*30 in the validation"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_searched_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    change, pattern = WRONG[name]
    change(table_of_tastes()).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(BadInput, match=pattern):
        split_table(
            read_interactions(tmp_path / "table.csv", WITH_DAYS), days=7, seed=1, max_customers=99
        )


@pytest.mark.parametrize("model", ["rank", "cvae", ""])
def test_a_model_that_is_not_tuned_and_an_unknown_metric_are_refused(model: str) -> None:
    with pytest.raises(BadInput, match="models that can be tuned"):
        tune(without_days(), [model], has_days=False)
    with pytest.raises(BadInput, match="the metric is one of"):
        tune(without_days(), ["ease"], SearchBounds(metric="auc"), has_days=False)


def test_the_command_writes_a_page_and_numbers(tmp_path: Path) -> None:
    table_of_tastes().to_parquet(tmp_path / "table.parquet")
    options = ["--customer", "who", "--article", "what", "--day", "day", "--trials", "2"]
    chosen = ["--models", "popularity,ease", "--folder", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["tune", str(tmp_path / "table.parquet"), *options, *chosen])
    assert done.exit_code == 0, done.output
    assert "ease 1: map@12 0." in done.output
    content = json.loads((tmp_path / "out" / "tuning.json").read_text("utf-8"))
    assert [one["model"] for one in content["models"]] == ["popularity", "ease"]
    page = (tmp_path / "out" / "tuning.md").read_text("utf-8")
    assert "960 rows, 120 customers, 60 articles; held out: twice 7 days." in page


def test_the_columns_have_the_pipelines_names_unless_others_are_given() -> None:
    assert TableColumns().names == [columns.CUSTOMER_ID, columns.ARTICLE_ID]
