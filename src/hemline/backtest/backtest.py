"""The score table over several weeks, with every model fitted again at each cut.

One test week of a small shop has too few buyers to distinguish good models, and any week may be
unusual. A backtest moves the cut back a week at a time, fits every row's models on the purchases
before it, and pools the weeks; customers stay the unit, so one who bought in three weeks counts
once as evidence. As always, rows are reported here and never chosen here.
"""

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from hemline import tables
from hemline.backtest.weekly_lists import (
    Backtest,
    Reused,
    fingerprint,
    lists_at,
    lists_for,
    load_lists,
    save_lists,
)
from hemline.data.histories import Histories
from hemline.evaluation.beyond_accuracy import differing_attributes
from hemline.evaluation.held_out_week import (
    EVERYTHING,
    SCORED_LISTS,
    HeldOut,
    Lists,
    buyers_of,
    hold_out,
    score_all_lists,
    score_lists,
    slices,
    with_oracle,
)
from hemline.evaluation.leakage import find_leaks, refuse_leaks
from hemline.evaluation.protocol import AP, BASELINE, ORACLE, RULES, SERVED
from hemline.evaluation.score_report import (
    ScorePage,
    as_markdown,
    grid,
    label,
    p_text,
    significance_sentence,
)
from hemline.evaluation.score_rows import describe_rows
from hemline.evaluation.score_table import headline, ratios, resample, score_table
from hemline.models.catalogue import TIMELESS
from hemline.pages.escaping import escape_markdown
from hemline.plots import plot_weeks
from hemline.training.training_shop import Shop

_CHOSEN_ANEW: Final = (("chosen in the weeks before each week",),) * 2
_CAVEAT: Final = (
    "Every model was fitted again at each cut, on the purchases before it. The parameters were "
    "chosen once, on the days before data.cut, so scores of the week of these days are optimistic."
)


@dataclass(frozen=True)
class BacktestResult:
    """The result of a backtest.

    Attributes:
        table: lines of `score_table`, all weeks pooled.
        by_week: MAP@12, a line per first day of a week, a column per row of the table.
        n_buyers: of each of these weeks.
        ratios: by reference, every row's MAP@12 as a multiple of the reference's.
        significance: by reference, which rows differ significantly from it, in a sentence.
    """

    table: pd.DataFrame
    by_week: pd.DataFrame
    n_buyers: "pd.Series[int]"
    ratios: dict[str, pd.DataFrame]
    significance: dict[str, str]


def run_backtest(test: Backtest, n_weeks: int, *, fresh: bool = False) -> BacktestResult:
    """Fit and score every row at each cut, pool the weeks, and write the reports.

    Args:
        test: rows and files.
        n_weeks: how many weeks, the last one being the test week.
        fresh: ignore cached lists.
    """
    shop, reused, state = test.load_shop(n_weeks), Reused(), fingerprint(test)
    scored, of_lists = [], []
    for cut in tqdm(test.cuts(n_weeks), desc="backtest", unit="week"):
        week = _week_from(test, shop, cut)
        path = test.folder / "lists" / f"{cut}-{state}.npz"
        stored = None if fresh else load_lists(path)
        if stored is None:
            stored = lists_at(test, shop, cut, week.customers, reused)
            save_lists(stored, path)
        lists = with_oracle(stored, week)
        scored.append(score_lists(lists, week))
        of_lists.append(score_all_lists(lists, week))
    return _report(test, shop, pd.concat(scored[::-1], ignore_index=True), _mean(of_lists))


def summary(result: BacktestResult) -> pd.DataFrame:
    """Return the table for a terminal: every row's MAP@12 and its multiples, best first."""
    table = result.table
    maps = table[(table["slice"] == "all") & (table["metric"] == AP) & (table["model"] != ORACLE)]
    lines = maps.sort_values("value", ascending=False, kind="stable").reset_index(drop=True)
    ends = zip(lines["low"], lines["high"], strict=True)
    shown = pd.DataFrame(
        {
            "row": lines["model"],
            "MAP@12": lines["value"],
            "95 % interval": [f"{low:.4f} to {high:.4f}" for low, high in ends],
        }
    )
    for name, multiples in result.ratios.items():
        ratio = multiples.set_index("model")["ratio"]
        shown[f"/ {name}"] = [_ratio_alone(ratio[model]) for model in lines["model"]]
    return shown


def check_leaks(test: Backtest) -> None:
    """Check that no row's lists at the latest cut depend on what came after it.

    The fits run in two new processes, which costs the memory of two more copies of the purchases.

    Raises:
        BadInput: shuffling or deleting the test week's purchases changes a list, or a row's models
            are not fitted again.
    """
    shop, cut = test.load_shop(1), test.cuts(1)[0]
    week = _week_from(test, shop, cut)
    empty = replace(shop, purchases=shop.purchases.iloc[:0])
    leaks = find_leaks(
        partial(_recommend_at, test, empty, week.customers),
        shop.purchases,
        cut,
        rng=np.random.default_rng(test.evaluation.seed),
        refit_at=partial(_refit_at, test, empty, week.known),
        unfitted=_unfitted(test),
        fresh_processes=True,
    )
    refuse_leaks(leaks)


def _recommend_at(
    test: Backtest, shop: Shop, buyers: npt.NDArray[np.int64], purchases: pd.DataFrame, cut: date
) -> Lists:
    """Return the lists of the buyers from these purchases."""
    return lists_at(test, replace(shop, purchases=purchases), cut, buyers, Reused())


def _refit_at(
    test: Backtest, shop: Shop, known: Histories, purchases: pd.DataFrame, cut: date
) -> Lists:
    """Return the lists for these histories by models fitted on these purchases."""
    return lists_for(test, replace(shop, purchases=purchases), cut, known, Reused())


def _unfitted(test: Backtest) -> set[str]:
    """Return the rows with a model that no purchase enters, which may fill a list alone."""
    return {name for name, order in test.evaluation.rows.items() if {*TIMELESS, RULES} & set(order)}


def _week_from(test: Backtest, shop: Shop, cut: date) -> HeldOut:
    end = cut + timedelta(days=shop.data.test_days)
    return hold_out(
        cut, shop.known_at(cut), shop.bought_in(cut, end), shop.articles, test.evaluation
    )


def _mean(of_weeks: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    return {
        row: {name: float(np.mean([week[row][name] for week in of_weeks])) for name in values}
        for row, values in of_weeks[0].items()
    }


def _report(
    test: Backtest, shop: Shop, scored: pd.DataFrame, of_lists: dict[str, dict[str, float]]
) -> BacktestResult:
    evaluation, buyers = test.evaluation, buyers_of(scored)
    people = tables.read_described(test.table_folder / "customers.parquet", tables.CUSTOMERS)
    references = (BASELINE, RULES, *([SERVED] if test.serve else []))
    rng = np.random.default_rng(evaluation.seed)
    table = score_table(
        scored,
        slices(buyers, shop.segments, people),
        references,
        n_samples=evaluation.bootstrap_samples,
        n_flips=evaluation.sign_flips,
        rng=rng,
    )
    everything = scored[scored["truth"] == EVERYTHING]
    drawn = resample(everything, n_samples=evaluation.bootstrap_samples, rng=rng)
    by_week = everything.pivot_table(index="cut", columns="model", values=AP, sort=False)
    result = BacktestResult(
        table,
        by_week[list(drawn.models)].drop(columns=ORACLE),
        buyers.groupby("cut", sort=False).size(),
        {name: ratios(drawn, name) for name in references[:2]},
        {
            name: significance_sentence(table, name, min_customers=evaluation.min_customers)
            for name in references[:2]
        },
    )
    _write(test, scored, of_lists, result, len(differing_attributes(shop.articles)))
    return result


def _write(
    test: Backtest,
    scored: pd.DataFrame,
    of_lists: dict[str, dict[str, float]],
    result: BacktestResult,
    n_attributes: int,
) -> None:
    folder, table = test.folder, result.table
    tables.write_table(scored, folder / "per_customer.parquet", SCORED_LISTS)
    values = json.dumps(headline(table, of_lists), indent=1)
    (folder / "scores.json").write_text(values + "\n", encoding="utf-8")
    table.round(6).to_csv(folder / "scores.csv", index=False, lineterminator="\n")
    n_weeks, n_lists = len(result.by_week), int(table["n_lists"].iloc[0])
    when = f"{n_weeks} weeks, {n_lists:,} lists in all"
    served = None if test.serve is None else test.serve.with_chosen(*_CHOSEN_ANEW).text
    models = describe_rows(test.evaluation, served)
    n_enough = test.evaluation.min_customers
    page = as_markdown(ScorePage(table, of_lists, models, when, n_enough, n_attributes))
    parts = [_ratio_lines(result), _week_lines(result, test.evaluation.min_customers), [_CAVEAT]]
    text = "\n\n".join(["\n".join(part) for part in parts] + [page])
    (folder / "scores.md").write_text(text, encoding="utf-8")
    plot_weeks(
        result.by_week,
        result.n_buyers,
        AP,
        folder / "map_at_12_by_week.png",
        min_customers=test.evaluation.min_customers,
    )


def _ratio_lines(result: BacktestResult) -> list[str]:
    table = result.table
    maps = table[(table["slice"] == "all") & (table["metric"] == AP)].set_index("model")
    rows = [[label(str(model))] for model in result.by_week.columns]
    for name, multiples in result.ratios.items():
        p_values = maps[f"over_{name}_p"]
        texts = {line.model: _ratio_text(line) for line in multiples.itertuples()}
        for row, model in zip(rows, result.by_week.columns, strict=True):
            row += [texts[model], p_text(float(p_values[model]))]
    heads = [head for name in result.ratios for head in (f"{name} [95 %]", "p")]
    lines = grid(["MAP@12 as a multiple of", *heads], rows)
    return [*lines, "", escape_markdown(" ".join(result.significance.values()))]


def _ratio_alone(ratio: float) -> str:
    return "unknown" if np.isnan(ratio) else f"{ratio:.2f}"


def _ratio_text(line: Any) -> str:
    """Return the ratio with its interval; the reference itself and a ratio to 0 have none."""
    if np.isnan(line.ratio):
        return "unknown"
    if np.isnan(line.low):
        return f"{line.ratio:.2f}"
    return f"{line.ratio:.2f} [{line.low:.2f}, {line.high:.2f}]"


def _week_lines(result: BacktestResult, min_customers: int) -> list[str]:
    weeks = [
        f"week from {day:%Y-%m-%d} ({result.n_buyers[day]:,} buyers)"
        for day in result.by_week.index
    ]
    rows = [
        [label(str(model)), *(f"{value:.4f}" for value in values)]
        for model, values in result.by_week.items()
    ]
    few = [
        f"{day:%Y-%m-%d}" for day in result.by_week.index if result.n_buyers[day] < min_customers
    ]
    note = "No two rows are compared by one week: the sentence above is about all weeks together."
    if few:
        note += f" Weeks of fewer than {min_customers} buyers: {', '.join(few)}."
    return [*grid(["MAP@12", *weeks], rows), "", note]
