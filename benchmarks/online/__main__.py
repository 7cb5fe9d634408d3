"""`python -m benchmarks.online`: does what is better on past weeks sell more?

Needs a living shop (`make live`), whose customers' tastes are known. On one of its mornings begin
as many futures as there are policies; they differ in nothing but the lists.
"""

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import numpy.typing as npt
import typer

from benchmarks.online.foretold import LENGTH, explored, interleaved, slot_estimate
from benchmarks.online.futures import (
    CUSTOMERS,
    MEASURES,
    Future,
    bought_in,
    correlation_interval,
    live_under,
    offline_measures,
    rank_correlation,
)
from benchmarks.online.learnt import judge_learnt
from benchmarks.online.policies import ListFor, ListPolicy, bestsellers, by_value, lists_of
from benchmarks.record import Row, publish
from hemline.errors import BadInput
from hemline.serving.answers import Answers
from hemline.shop.registered_lists import RegisteredLists, open_version
from hemline.simulation.living_params import LivingParams
from hemline.simulation.relived_shop import RelivedShop, relive
from hemline.simulation.simulation_params import SimulationParams
from hemline.simulation.visit_journal import VisitJournal
from hemline.stages.command import run

Values = npt.NDArray[np.float64]
Measured = dict[str, Values]

ROOT: Final = Path(__file__).parents[2]
MODELS: Final[tuple[str, ...]] = (
    *("popularity", "segment_popularity", "copurchase", "tfidf", "item_knn", "ease", "als"),
    *("cvae", "rank"),
)
SERVED: Final = "served"
AGED: Final = "served, aged"
BY_VALUE: Final = "served, by value"
BEST: Final = "bestsellers of the day"
OUTCOMES: Final = {
    "added": "what foretells the order of what lists add",
    "spent": "what foretells the order of revenue",
}
_LONG: Final = 60
_LOGGED: Final = 3  # times the length of a future, that slots are logged
_SAMPLES: Final = 1000
_SEED: Final = 7


def main(
    shop: Annotated[Path, typer.Option(help="Folder of the living shop.")] = ROOT
    / ".hemline"
    / "living-shop",
    week: Annotated[int, typer.Option(min=1, help="After so many of its weeks.")] = 12,
    weeks: Annotated[int, typer.Option(min=1, help="How long the futures last.")] = 4,
) -> None:
    """Compare policies by what they sell, and by what was measured of them before."""
    live = LivingParams.model_validate_json((shop / ".hemline/live/shop.json").read_text("utf-8"))
    behaviour = SimulationParams.load(shop / "params.yaml")
    morning = relive(live, behaviour, VisitJournal(shop / ".hemline/live/journal"), 7 * week)
    versions, policies = _policies(shop, week)
    n_days = 7 * weeks
    futures = {
        name: live_under(morning, ListPolicy(list_for), n_days, name)
        for name, list_for in policies.items()
    }
    bought = bought_in(morning, ListPolicy(policies[SERVED]), 7)
    offline = {
        name: offline_measures(morning, list_for, bought) for name, list_for in policies.items()
    }
    rows = _value_rows(futures, offline)
    rows += _foretold_rows(morning, policies, futures, offline, n_days)
    rows += _slot_rows(morning, _policies(shop, week, _LONG)[1], futures, n_days)
    publish("online", rows, notes=_notes(live.first_day, week, weeks, versions, morning))


def _policies(
    shop: Path, week: int, length: int = LENGTH
) -> tuple[dict[str, Answers], dict[str, ListFor]]:
    """Return the versions that are compared, and the policies, by name.

    The policies are the models of the version in force, what it serves, the same in the order of
    expected revenue, the first version, and what sold best in the four weeks before each day.
    """
    record = json.loads((shop / ".hemline/live/record/record.json").read_text("utf-8"))
    number = record["weeks"][week - 1]["champions"][-1]
    latest, first = open_version(shop, number), open_version(shop, 1)
    known = set(latest.model_names())
    lists = {name: RegisteredLists(latest, name, length) for name in MODELS if name in known}
    lists[SERVED] = RegisteredLists(latest, length=length)
    versions = {SERVED: latest}
    if first.version != latest.version:
        lists[AGED] = RegisteredLists(first, length=length)
        versions[AGED] = first
    policies = {name: lists_of(each) for name, each in lists.items()}
    policies[BY_VALUE] = by_value(lists_of(RegisteredLists(latest, length=_LONG)), length)
    return versions, policies | {BEST: bestsellers}


def _value_rows(futures: dict[str, Future], offline: dict[str, Measured]) -> list[Row]:
    case, rows = "online, by policy", []
    reference = futures["popularity"]
    for name, future in futures.items():
        values = {
            "added by lists": future.added * CUSTOMERS,
            "more than by popularity": (future.added - reference.added) * CUSTOMERS,
            "revenue": future.spent * CUSTOMERS,
            "more than popularity": (future.spent - reference.spent) * CUSTOMERS,
            "visits": future.visits * CUSTOMERS,
        }
        rows += [
            Row(case, name, metric, each.mean(), _error(each)) for metric, each in values.items()
        ]
        for measure, each in offline[name].items():
            known = each[~np.isnan(each)]
            rows.append(Row(case, name, measure, known.mean(), _error(known)))
        rows += [
            Row(case, name, "got", future.got, None),
            Row(case, name, "unliked", future.unliked, None),
        ]
    return rows


def _foretold_rows(
    morning: RelivedShop,
    policies: dict[str, ListFor],
    futures: dict[str, Future],
    offline: dict[str, Measured],
    n_days: int,
) -> list[Row]:
    rng = np.random.default_rng(_SEED)
    names = list(policies)
    rows = []
    for outcome, case in OUTCOMES.items():
        online = np.array([getattr(futures[name], outcome) for name in names])
        for measure in MEASURES:
            scores = np.array([offline[name][measure] for name in names])
            value, low, high = correlation_interval(scores, online, rng, _SAMPLES)
            rows += [
                Row(case, measure, "rank correlation", value, None),
                Row(case, measure, "from", low, None),
                Row(case, measure, "to", high, None),
                Row(case, measure, "policies", len(names), None),
            ]
    others = [name for name in names if name != SERVED]
    preferred = {}
    for name in others:
        found = interleaved(morning, policies[SERVED], policies[name], n_days, name)
        preferred[name] = found.preference
        row = ("foretold, by policy", name)
        rows.append(Row(*row, "preferred to served", found.preference, found.standard_error))
        rows.append(Row(*row, "customers who preferred one", found.n_decided, None))
    return rows + _order_rows("interleaving", preferred, futures)


def _slot_rows(
    morning: RelivedShop, policies: dict[str, ListFor], futures: dict[str, Future], n_days: int
) -> list[Row]:
    """Return what slots foretell; the policies' lists are long here."""
    rng = np.random.default_rng(_SEED)
    log, later = explored(morning, policies[SERVED], policies, _LOGGED * n_days)
    rows, known = [], {}
    for name in policies:
        estimate = slot_estimate(log, name, rng)
        row = ("foretold, by policy", name)
        rows.append(Row(*row, "effective decisions", estimate.effective_sample, None))
        if estimate.value is None or estimate.low is None or estimate.high is None:
            continue
        known[name] = estimate.value
        rows.append(
            Row(*row, "bought in a slot", estimate.value, (estimate.high - estimate.low) / 3.92)
        )
    rows += _order_rows("exploration slots", known, futures)
    try:
        return rows + judge_learnt(log, later, policies[SERVED], policies, n_days)
    except BadInput as refusal:  # the rest of the table stands
        return [*rows, Row("learnt from reward", "learnt", f"not learnt: {refusal.found}", 0, None)]


def _order_rows(name: str, foretold: dict[str, float], futures: dict[str, Future]) -> list[Row]:
    """Return how well a number of each policy orders what came of them."""
    rows = []
    for outcome, case in OUTCOMES.items():
        online = np.array([getattr(futures[each], outcome).mean() for each in foretold])
        if len(foretold) > 2:  # noqa: PLR2004  (two always agree or disagree)
            value = rank_correlation(np.array(list(foretold.values())), online)
            rows.append(Row(case, name, "rank correlation", value, None))
        rows.append(Row(case, name, "policies", len(foretold), None))
    return rows


def _error(values: Values) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _notes(
    first_day: date, week: int, weeks: int, versions: dict[str, Answers], morning: RelivedShop
) -> list[str]:
    served, size = versions[SERVED], morning.world.size
    shop = (
        f"The living shop of make live: {size.n_customers:,} customers, {size.n_articles:,} "
        f"articles, open since {first_day}; {weeks} weeks after its week {week}, with the same "
        "luck for all policies."
    )
    version = f"served: version {served.version}, cut {served.cut}, whose models the others are."
    measures = (
        f"revenue: net of returns, of {CUSTOMERS:,} customers in these weeks, those who did not "
        "come included. "
        "Added by lists: expected revenue of what would not have been bought without the list, "
        "known to the simulation only, in the unit of revenue. Offline: lists of the first morning "
        "against what was bought in the first week while served showed the lists. Standard errors "
        "over customers in brackets; differences are paired."
    )
    value = (
        f"{BY_VALUE}: the first {_LONG} of served in the order of price divided by place plus two."
    )
    best = f"{BEST}: of the four weeks before each day, the same for everybody; trained by nobody."
    foretold = (
        f"Interleaving: lists of {LENGTH} of the served version and the other, whoever preferred "
        "one counts once. Slots: two drawn places of the served lists, ten candidates, "
        f"for {_LOGGED * weeks} weeks. Learnt: from these slots, judged in the {weeks} weeks after."
    )
    notes = [shop, version, value, best, measures, foretold]
    if AGED in versions:
        aged = versions[AGED]
        notes.insert(2, f"{AGED}: version {aged.version}, cut {aged.cut}.")
    return notes


if __name__ == "__main__":
    run(main)
