"""The gate at work: a version is asked, held against the champion, and judged once.

What is judged is what would be served: the challenger's files are taken from the registry, as the
champion's are. Both answer every buyer of the week, which costs twice the time of one; coverage and
latency cannot be had from the score table.
"""

import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from hemline.evaluation.gate.guardrails import (
    Evidence,
    GateParams,
    Guardrail,
    check_alone,
    check_beside,
    widest_real_gap,
)
from hemline.evaluation.gate.verdict import (
    Verdict,
    has_seen_the_week,
    judge,
    judge_other_data,
    judge_unopposed,
    judge_unreadable_champion,
    refuse_comparison,
    refuse_rolled_back,
)
from hemline.evaluation.gate.version_comparison import Values, compare
from hemline.evaluation.protocol import BASELINE
from hemline.evaluation.version_lists import LIST_LENGTH, TargetWeek, WeekLists
from hemline.registry.champions import change_champion, settle
from hemline.registry.versions import (
    CHAMPION,
    GATE_MAP,
    GATE_PROMOTED,
    GATE_REASON,
    ROLLED_BACK,
    Version,
    describe_version,
    load_version,
    tag_version,
    version_by_alias,
)
from hemline.storefront import Storefront


def existing_verdict(version: Version, at: datetime) -> str | None:
    """Return the reason of a version that was judged already, or None.

    A gate that was killed after it had moved the alias decided; what it left undone is done here.
    """
    if GATE_REASON in version.tags:
        return version.tags[GATE_REASON]
    log = settle(at)
    if not log or log[-1].version != version.number or log[-1].how != "gate":
        return None
    _conclude(version, log[-1].reason)
    return log[-1].reason


def judge_challenger(
    challenger: Version,
    week: TargetWeek,
    gaps: Path,
    params: GateParams,
    *,
    n_samples: int,
    rng: np.random.Generator,
) -> Verdict:
    """Return the gate's verdict on a version that was not judged yet.

    Args:
        challenger: the version to judge.
        week: its test week.
        gaps: table of its fairness audit (gaps.csv).
        params: what it may cost.
        n_samples: bootstrap resamples.
        rng: draws them.
    """
    if ROLLED_BACK in challenger.tags:
        return refuse_rolled_back(challenger.tags[ROLLED_BACK])
    found = pd.read_csv(gaps)
    evidence = _gather(load_version(challenger), week, found, params.latency_answers)
    verdict = _judge(challenger, evidence, week, params, n_samples, rng)
    return replace(verdict, map_at_12=float(evidence.lists.average_precision.mean()))


def record_verdict(version: Version, verdict: Verdict, at: datetime) -> None:
    """Tag the version with the gate's numbers and, if it won, make it the champion, unless it is.

    `gate.reason` comes last: a version without it, its judging cut short, is judged again, unless
    the log has it as champion already (`existing_verdict`).
    """
    previous = version_by_alias(CHAMPION)
    tags = {
        GATE_PROMOTED: str(verdict.promotes).lower(),
        "gate.previous_champion": previous.number if previous else "none",
        **_numbers(verdict),
    }
    tag_version(version.number, tags)
    is_champion = previous is not None and previous.number == version.number
    if verdict.promotes and not is_champion:
        change_champion(version.number, how="gate", reason=verdict.reason, at=at)
    _conclude(version, verdict.reason)


def _conclude(version: Version, reason: str) -> None:
    describe_version(version.number, reason)
    tag_version(version.number, {GATE_REASON: reason})


def _gather(storefront: Storefront, week: TargetWeek, gaps: pd.DataFrame, n_timed: int) -> Evidence:
    lists = storefront.lists_for_week(week)
    popularity = storefront.lists_for_week(week, models=(BASELINE,))
    timed = _time_answers(storefront, lists, n_timed)
    return Evidence(lists, popularity.average_precision, widest_real_gap(gaps), timed)


def _time_answers(storefront: Storefront, lists: WeekLists, n: int) -> Values:
    """Return how many milliseconds single answers took, models loaded before."""
    asked = lists.customers[np.linspace(0, len(lists.customers) - 1, n).astype(int)]
    storefront.for_key(int(asked[0]), LIST_LENGTH)
    took = []
    for customer in asked:
        start = time.perf_counter()
        storefront.for_key(int(customer), LIST_LENGTH)
        took.append(1000 * (time.perf_counter() - start))
    return np.array(took)


def _judge(
    challenger: Version,
    evidence: Evidence,
    week: TargetWeek,
    params: GateParams,
    n_samples: int,
    rng: np.random.Generator,
) -> Verdict:
    champion = version_by_alias(CHAMPION)
    alone = check_alone(evidence, params, n_samples=n_samples, rng=rng)
    if champion is None:
        return judge_unopposed(alone)
    if champion.number == challenger.number:
        return _judge_crowned(alone)
    if champion.tags["source"] != challenger.tags["source"]:
        return judge_other_data(champion.tags["source"], challenger.tags["source"], alone)
    if champion.format_version != challenger.format_version:
        return judge_unreadable_champion(alone)
    if has_seen_the_week(champion.cut, challenger.cut):
        return refuse_comparison(champion.cut, challenger.cut)
    theirs, ours = load_version(champion).lists_for_week(week), evidence.lists
    beside = check_beside(theirs, ours, params, n_samples=n_samples, rng=rng)
    seen = compare(theirs.average_precision, ours.average_precision, n_samples=n_samples, rng=rng)
    return judge(seen, (*alone, *beside), max_relative_loss=params.max_relative_loss)


def _judge_crowned(guardrails: tuple[Guardrail, ...]) -> Verdict:
    """Return the verdict on a version that was made champion before the gate had judged it."""
    broken = [
        f"; broken guardrail: {one.name}: {one.sentence}" for one in guardrails if not one.passes
    ]
    reason = "it was champion before the gate judged it" + "".join(broken)
    return Verdict(promotes=True, reason=reason, guardrails=guardrails)


def _numbers(verdict: Verdict) -> dict[str, str]:
    """Return the verdict's numbers as tags."""
    tags: dict[str, str] = {}
    if verdict.map_at_12 is not None:
        tags[GATE_MAP] = f"{verdict.map_at_12:.6f}"
    for one in verdict.guardrails:
        if one.value is not None:
            tags[f"gate.{one.name}"] = f"{one.value:.6f}"
        tags[f"gate.{one.name}.limit"] = f"{one.limit:g}"
        tags[f"gate.{one.name}.verdict"] = f"{'passes' if one.passes else 'fails'}: {one.sentence}"
    if verdict.comparison is not None:
        seen = verdict.comparison
        tags |= {
            "gate.champion_map_at_12": f"{seen.champion:.6f}",
            "gate.challenger_map_at_12": f"{seen.challenger:.6f}",
            "gate.difference": f"{seen.difference:+.6f}",
            "gate.interval": f"[{seen.low:+.6f}, {seen.high:+.6f}]",
            "gate.customers": str(seen.n_customers),
        }
    return tags
