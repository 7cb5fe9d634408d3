"""Choosing which models serve: the best of those shown to beat popularity in past weeks.

Popularity alone is the null, so a shop whose data hold nothing to learn from serves popularity. An
order of models is shown to be better where the paired one-sided sign-flip test, corrected for the
number of orders (Holm), says so; of these the one with the largest gain serves. A customer who
bought in several weeks counts once, with the mean of them.

Orders may have been scored in different weeks, since the ranker needs weeks before the one that it
serves. Each is compared with popularity on its own buyers, so an easy week favours none.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline import columns
from hemline.evaluation.protocol import AP
from hemline.evaluation.served_candidates import SIMPLEST, ChooseParams, order_text
from hemline.evaluation.significance import bootstrap_means, holm, interval, sign_flip_p
from hemline.models.served_orders import ServedOrders, ServeParams

_WHO: Final = {False: "Customers with a history", True: "Cold customers"}
_MEASURED: Final = (AP, "popularity", "gain", "low", "high", "p")
COMPARED_ORDERS: Final = (
    "customers",
    "order",
    "n_weeks",
    "n_customers",
    *_MEASURED,
    "is_chosen",
)
"""Columns of the comparison, one line per kind of customers and order: `popularity` is MAP@12 for
the same buyers, `gain` the difference with its 95 % interval, `p` the corrected one-sided one."""


def choose_served(
    scores: pd.DataFrame, serve: ServeParams, params: ChooseParams
) -> tuple[ServedOrders, pd.DataFrame]:
    """Return what serves, with the reasons, and COMPARED_ORDERS, on which it rests.

    Args:
        scores: PAST_SCORES.
        serve: section `serve`: the kinds of customers whose order is chosen.
        params: section `choose`.
    """
    orders, reasons, parts = dict.fromkeys((False, True), SIMPLEST), [], []
    for is_cold in serve.chosen_kinds:
        candidates = [one for one in params.orders(is_cold=is_cold) if one != SIMPLEST]
        lines = _compare(scores[scores["is_cold"] == is_cold], candidates, params)
        chosen = np.flatnonzero(lines["is_chosen"])
        orders[is_cold] = candidates[chosen[0]] if len(chosen) else SIMPLEST
        reasons.append(f"{_WHO[is_cold]} are served {order_text(orders[is_cold])}{_why(lines)}.")
        parts.append(lines.assign(customers=_WHO[is_cold]))
    table = pd.concat(parts) if parts else pd.DataFrame(columns=COMPARED_ORDERS)
    chosen_orders = serve.with_chosen(orders[False], orders[True], tuple(reasons))
    return chosen_orders, table[list(COMPARED_ORDERS)]


def _why(lines: pd.DataFrame) -> str:
    scored = lines[lines["n_customers"] > 0].sort_values("gain", ascending=False, kind="stable")
    if scored.empty:
        return ": no other order of models was scored in a past week"
    if scored["is_chosen"].any():
        return f": {_evidence(scored[scored['is_chosen']].iloc[0])}"
    best = scored.iloc[0]
    return (
        f": no other order of models was shown to be better; the nearest, {best['order']}, has "
        f"{_evidence(best)}"
    )


def _evidence(line: "pd.Series[float]") -> str:
    weeks = "1 week" if line["n_weeks"] == 1 else f"{line['n_weeks']} weeks"
    return (
        f"MAP@12 {line[AP]:.4f} against {line['popularity']:.4f} of popularity, "
        f"{line['gain']:+.4f} [{line['low']:+.4f}, {line['high']:+.4f}], corrected p "
        f"{line['p']:.4f}, over {line['n_customers']:,} customers in {weeks} before the cut"
    )


def _compare(
    scores: pd.DataFrame, candidates: Sequence[tuple[str, ...]], params: ChooseParams
) -> pd.DataFrame:
    simplest, lines = _by_buyer(scores, SIMPLEST), []
    for order in candidates:
        own = _by_buyer(scores, order)
        both = pd.concat([own, simplest], axis=1, keys=["own", "simplest"], join="inner")
        people = both.groupby(level=columns.CUSTOMER, sort=True).mean()
        n_weeks = both.index.get_level_values("week").nunique()
        about = {"order": order_text(order), "n_weeks": n_weeks, "n_customers": len(people)}
        lines.append(about | _measure(people.to_numpy(np.float64), params))
    table = pd.DataFrame(lines, columns=["order", "n_weeks", "n_customers", *_MEASURED])
    table["p"] = holm(table["p"].to_numpy(np.float64))
    is_enough = table["n_customers"] >= params.min_customers
    is_better = is_enough & (table["p"] <= params.level) & (table["gain"] > 0)
    best = [table.loc[is_better, "gain"].idxmax()] if is_better.any() else []
    table["is_chosen"] = table.index.isin(best)
    return table


def _by_buyer(scores: pd.DataFrame, order: tuple[str, ...]) -> "pd.Series[float]":
    own = scores[scores["order"] == order_text(order)]
    return own.set_index(["week", columns.CUSTOMER])[AP]


def _measure(people: npt.NDArray[np.float64], params: ChooseParams) -> dict[str, float]:
    """Return means, gain, its interval and the one-sided p.

    Args:
        people: float64 of shape (customers, 2): AP@12 of the order and of popularity.
        params: section `choose`.
    """
    if not len(people):
        return dict.fromkeys(_MEASURED, float("nan"))
    differences = people[:, :1] - people[:, 1:]
    rng = np.random.default_rng(params.seed)
    draws = bootstrap_means(differences, n_samples=params.bootstrap_samples, rng=rng)
    low, high = interval(draws, least=-1.0, most=1.0)
    either = float(sign_flip_p(differences, n_flips=params.sign_flips, rng=rng)[0])
    own, simplest = people.mean(axis=0).tolist()
    gain = own - simplest
    p_value = either / 2 if gain > 0 else 1 - either / 2
    values = (own, simplest, gain, float(low[0]), float(high[0]), p_value)
    return dict(zip(_MEASURED, values, strict=True))
