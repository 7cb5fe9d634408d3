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
    Future,
    bought_in,
    correlation_interval,
    live_under,
    offline_precision,
    rank_correlation,
)
from benchmarks.online.learnt import judge_learnt
from benchmarks.online.policies import VersionPolicy, open_version
from benchmarks.record import Row, publish
from hemline.simulation.living_params import LivingParams
from hemline.simulation.relived_shop import RelivedShop, relive
from hemline.simulation.simulation_params import SimulationParams
from hemline.simulation.visit_journal import VisitJournal
from hemline.stages.command import run

Values = npt.NDArray[np.float64]

ROOT: Final = Path(__file__).parents[2]
MODELS: Final[tuple[str, ...]] = (
    *("popularity", "segment_popularity", "copurchase", "tfidf", "item_knn", "ease", "als"),
    *("cvae", "rank"),
)
SERVED: Final = "served"
AGED: Final = "served, aged"
_LONG: Final = 60
_LOGGED: Final = 2  # times the length of a future, that slots are logged
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
    policies = _policies(shop, week)
    served = policies[SERVED]
    n_days = 7 * weeks
    futures = {name: live_under(morning, each, n_days, name) for name, each in policies.items()}
    bought = bought_in(morning, served, 7)
    offline = {
        name: offline_precision(morning, each.list_for, bought) for name, each in policies.items()
    }
    rows = _value_rows(futures, offline)
    rows += _foretold_rows(morning, policies, futures, offline, n_days)
    publish("online", rows, notes=_notes(live.first_day, week, weeks, policies, morning))


def _policies(shop: Path, week: int) -> dict[str, VersionPolicy]:
    """Return the policies by name: models of the version in force, and the first version."""
    record = json.loads((shop / ".hemline/live/record/record.json").read_text("utf-8"))
    number = record["weeks"][week - 1]["champions"][-1]
    latest, first = open_version(shop, number), open_version(shop, 1)
    known = set(latest.model_names())
    policies = {name: VersionPolicy(latest, name) for name in MODELS if name in known}
    policies[SERVED] = VersionPolicy(latest)
    if first.version != latest.version:
        policies[AGED] = VersionPolicy(first)
    return policies


def _long(policy: VersionPolicy) -> VersionPolicy:
    return VersionPolicy(policy.answers, policy.model, _LONG)


def _value_rows(futures: dict[str, Future], offline: dict[str, Values]) -> list[Row]:
    case, rows = "online, by policy", []
    reference = futures["popularity"].spent
    for name, future in futures.items():
        precision = offline[name][~np.isnan(offline[name])]
        gain = future.spent - reference
        values = {
            "revenue": (future.spent.mean(), _error(future.spent)),
            "more than popularity": (gain.mean(), _error(gain)),
            "visits": (future.visits.mean(), _error(future.visits)),
            "MAP@12 offline": (precision.mean(), _error(precision)),
            "got": (future.got, None),
            "unliked": (future.unliked, None),
        }
        rows += [Row(case, name, metric, *value) for metric, value in values.items()]
    return rows


def _foretold_rows(
    morning: RelivedShop,
    policies: dict[str, VersionPolicy],
    futures: dict[str, Future],
    offline: dict[str, Values],
    n_days: int,
) -> list[Row]:
    rng = np.random.default_rng(_SEED)
    names = list(policies)
    online = np.array([futures[name].spent for name in names])
    precision = np.array([offline[name] for name in names])
    value, low, high = correlation_interval(precision, online, rng, _SAMPLES)
    case = "what foretells the order of revenue"
    rows = [
        Row(case, "MAP@12 offline", "rank correlation", value, None),
        Row(case, "MAP@12 offline", "from", low, None),
        Row(case, "MAP@12 offline", "to", high, None),
        Row(case, "MAP@12 offline", "policies", len(names), None),
    ]
    others = [name for name in names if name != SERVED]
    served = policies[SERVED]
    preferred = []
    for name in others:
        found = interleaved(morning, served.list_for, policies[name].list_for, n_days, name)
        preferred.append(found.preference)
        row = ("foretold, by policy", name)
        rows.append(Row(*row, "preferred to served", found.preference, found.standard_error))
        rows.append(Row(*row, "customers who preferred one", found.n_decided, None))
    by_name = {name: futures[name].spent.mean() for name in names}
    revenue = np.array([by_name[name] for name in others])
    value = rank_correlation(np.array(preferred), revenue)
    rows.append(Row(case, "interleaving", "rank correlation", value, None))
    rows.append(Row(case, "interleaving", "policies", len(others), None))
    return rows + _slot_rows(morning, policies, by_name, n_days, rng)


def _slot_rows(
    morning: RelivedShop,
    policies: dict[str, VersionPolicy],
    revenue: dict[str, float],
    n_days: int,
    rng: np.random.Generator,
) -> list[Row]:
    long = {name: _long(policy).list_for for name, policy in policies.items()}
    log, later = explored(morning, long[SERVED], long, _LOGGED * n_days)
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
    case = "what foretells the order of revenue"
    if len(known) > 2:  # noqa: PLR2004  (two always agree or disagree)
        value = rank_correlation(
            np.array(list(known.values())), np.array([revenue[name] for name in known])
        )
        rows.append(Row(case, "exploration slots", "rank correlation", value, None))
    rows.append(Row(case, "exploration slots", "policies", len(known), None))
    return rows + judge_learnt(log, later, long[SERVED], long, n_days)


def _error(values: Values) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _notes(
    first_day: date, week: int, weeks: int, policies: dict[str, VersionPolicy], morning: RelivedShop
) -> list[str]:
    served, size = policies[SERVED].answers, morning.world.size
    shop = (
        f"The living shop of make live: {size.n_customers:,} customers, {size.n_articles:,} "
        f"articles, open since {first_day}; {weeks} weeks after its week {week}, with the same "
        "luck for all policies."
    )
    version = f"served: version {served.version}, cut {served.cut}, whose models the others are."
    measures = (
        "revenue: net of returns, of a customer in these weeks, those who did not come included. "
        "Offline: lists of the first morning against what was bought in the first week while "
        "served showed the lists. Standard errors over customers in brackets."
    )
    foretold = (
        f"Interleaving: lists of {LENGTH} of the served version and the other, whoever preferred "
        "one counts once. Slots: two drawn places of the served lists, ten candidates, "
        f"for {_LOGGED * weeks} weeks. Learnt: from these slots, judged in the {weeks} weeks after."
    )
    notes = [shop, version, measures, foretold]
    if AGED in policies:
        aged = policies[AGED].answers
        notes.insert(2, f"{AGED}: version {aged.version}, cut {aged.cut}.")
    return notes


if __name__ == "__main__":
    run(main)
