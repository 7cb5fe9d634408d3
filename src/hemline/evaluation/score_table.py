"""From scored lists to the score table: means, intervals, paired gains, corrected p-values.

The customer is the unit of everything: where several weeks are pooled, a customer's weeks are added
up first, and resampled or flipped together. One week is the case of one list per customer.

One metric was chosen in advance, MAP@12, and only it is tested. In each slice, Holm's correction
covers the rows compared with the same reference. The other metrics have intervals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline import columns
from hemline.evaluation.held_out_week import EVERYTHING, SCORES
from hemline.evaluation.protocol import AP, ORACLE
from hemline.evaluation.significance import Draws, bootstrap_means, holm, interval, sign_flip_p

Values = npt.NDArray[np.float64]

_AP: Final = SCORES.index(AP)


@dataclass(frozen=True)
class Resampled:
    """Scores of the same customers in every row, and of resamples of the customers.

    Attributes:
        models: the rows of the table.
        sums: of shape (customers, models, scores); a customer's scores summed over the weeks.
        n_lists: how many lists were scored; a customer has one per week.
        means: of shape (models, scores); over lists.
        draws: of shape (samples, models, scores); the same under random weights of the customers.
        most: of shape (scores,); the largest value a list can have; the smallest is 0.
    """

    models: tuple[str, ...]
    sums: Values
    n_lists: int
    means: Values
    draws: Draws
    most: Values


def score_table(
    scored: pd.DataFrame,
    parts: Mapping[str, npt.NDArray[np.intp]],
    references: Sequence[str],
    *,
    n_samples: int,
    n_flips: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return one line per row of the table, slice and metric.

    Columns: model, slice, metric, value, low, high (95 % interval over customers), n_customers,
    n_lists; and for each reference over_<it>, its _low and _high (paired difference, same draws)
    and _p (sign flips, Holm's correction over the rows; of MAP@12 only).

    Args:
        scored: held_out_week.SCORED_LISTS.
        parts: rows of each slice, among the lists of one model and all articles.
        references: rows of the table that the others are compared with.
        n_samples: bootstrap resamples of the customers.
        n_flips: random sign vectors of the paired tests.
        rng: draws both.
    """
    lines = []
    for part, lists in _slices_of(scored, parts):
        drawn = resample(lists, n_samples=n_samples, rng=rng)
        line = _with_intervals(drawn)
        for reference in references:
            line = line.assign(**_against(reference, drawn, n_flips, rng))
        n_customers = len(drawn.sums)
        lines.append(line.assign(slice=part, n_customers=n_customers, n_lists=drawn.n_lists))
    table = pd.concat(lines, ignore_index=True)
    first = ["model", "slice", "metric"]
    return table[[*first, *(name for name in table.columns if name not in first)]]


def resample(scored: pd.DataFrame, *, n_samples: int, rng: np.random.Generator) -> Resampled:
    """Return means of the scored lists, also under random weights of their customers.

    All of a customer's lists have the same weight (cluster bootstrap). Scores are shares, in 0 to
    1; those that are not (novelty, in bits) can go as far as they went in any row.
    """
    models = tuple(map(str, scored["model"].unique()))
    of_model = [lists for _, lists in scored.groupby("model", sort=False)]
    customers, code = np.unique(of_model[0][columns.CUSTOMER], return_inverse=True)
    values = np.stack([lists[list(SCORES)].to_numpy(np.float64) for lists in of_model], axis=1)
    sums = np.zeros((len(customers), *values.shape[1:]))
    np.add.at(sums, code, values)
    n_lists = np.bincount(code).astype(np.float64)
    columned = np.column_stack([sums.reshape(len(sums), -1), n_lists])
    drawn = bootstrap_means(columned, n_samples=n_samples, rng=rng)
    means = drawn.means[:, :-1] / drawn.means[:, -1:]
    draws = Draws(means.reshape(n_samples, *values.shape[1:]), drawn.unseen)
    most = np.maximum(values.max(axis=(0, 1)), 1.0)
    return Resampled(models, sums, len(values), values.mean(axis=0), draws, most)


def ratios(drawn: Resampled, reference: str) -> pd.DataFrame:
    """Return MAP@12 of every row as a multiple of the reference's, with its 95 % interval.

    Columns: model, ratio, low, high; NaN where the reference has no hit. The customer nobody has
    seen has the best list in the reference and none in the row for the lower end, and the other way
    round for the upper end. The reference itself has no interval.
    """
    base = drawn.models.index(reference)
    maps, unseen = drawn.means[:, _AP], drawn.draws.unseen[:, None]
    seen = (1 - unseen) * drawn.draws.means[:, :, _AP]
    lowest = _divide(seen, seen[:, [base]] + unseen)
    highest = _divide(seen + unseen, seen[:, [base]])
    ratio = _divide(maps, maps[[base]])
    ends = {"low": np.quantile(lowest, 0.025, axis=0), "high": np.quantile(highest, 0.975, axis=0)}
    table = pd.DataFrame({"model": drawn.models, "ratio": ratio, **ends})
    table.loc[[base], ["low", "high"]] = np.nan
    return table


def headline(
    table: pd.DataFrame, of_lists: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Return the point values over all customers, by row and metric, for `dvc metrics`."""
    everyone = table[table["slice"] == "all"]
    scores = {
        str(model): dict(zip(lines["metric"], lines["value"].round(6), strict=True))
        for model, lines in everyone.groupby("model", sort=False)
    }
    for model, values in of_lists.items():
        scores[model] |= {name: round(value, 6) for name, value in values.items()}
    return scores


def _divide(values: Values, by: Values) -> Values:
    return np.divide(values, by, out=np.full_like(values, np.nan), where=by > 0)


def _slices_of(
    scored: pd.DataFrame, parts: Mapping[str, npt.NDArray[np.intp]]
) -> list[tuple[str, pd.DataFrame]]:
    """Return the slices of customers, then those of articles, each with its scored lists."""
    by_truth = dict(iter(scored.groupby("truth", sort=False)))
    everything = by_truth.pop(EVERYTHING)
    place = everything.groupby("model", sort=False).cumcount().to_numpy()
    customer_slices = [(part, everything[np.isin(place, rows)]) for part, rows in parts.items()]
    return [*customer_slices, *((str(truth), lists) for truth, lists in by_truth.items())]


def _with_intervals(drawn: Resampled) -> pd.DataFrame:
    low, high = interval(drawn.draws, most=drawn.most)
    return pd.DataFrame(
        {
            "model": np.repeat(drawn.models, len(SCORES)),
            "metric": np.tile(SCORES, len(drawn.models)),
            "value": drawn.means.ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
        }
    )


def _against(
    reference: str, drawn: Resampled, n_flips: int, rng: np.random.Generator
) -> dict[str, Values]:
    base = drawn.models.index(reference)
    means = drawn.draws.means
    differences = Draws(means - means[:, [base]], drawn.draws.unseen)
    low, high = interval(differences, least=-drawn.most, most=drawn.most)
    gains = drawn.means - drawn.means[[base]]
    of_customers = drawn.sums[:, :, _AP] - drawn.sums[:, [base], _AP]
    p_values = sign_flip_p(of_customers, n_flips=n_flips, rng=rng)
    p_values[np.isin(drawn.models, (reference, ORACLE))] = np.nan
    p_column = np.full(gains.shape, np.nan)
    p_column[:, _AP] = holm(p_values)
    ends = {"": gains, "_low": low, "_high": high, "_p": p_column}
    return {f"over_{reference}{end}": values.ravel() for end, values in ends.items()}
