"""The gate: a version is measured, compared with the champion, and judged once.

The gate judges what would be served: both versions are loaded from the registry. Both recommend to
every buyer of the week, which takes twice the time of one version; coverage and latency cannot be
read from the score table.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from hemline.evaluation.gate.gate_verdict import (
    NO_CHAMPION,
    ONLY_POPULARITY,
    UNREADABLE,
    GateVerdict,
    confirm_champion,
    has_seen_the_week,
    judge,
    judge_other_data,
    judge_unopposed,
    refuse_comparison,
    refuse_rolled_back,
)
from hemline.evaluation.gate.guardrails import (
    Evidence,
    GateParams,
    check_against_champion,
    check_challenger,
    has_tested_gaps,
    widest_real_gap,
)
from hemline.evaluation.gate.version_comparison import Values, compare
from hemline.evaluation.protocol import BASELINE
from hemline.evaluation.version_lists import LIST_LENGTH, TargetWeek, WeekLists
from hemline.registry.champion_log import number_of
from hemline.registry.champions import ChampionMoved, change_champion, settle
from hemline.registry.versions import (
    CANARY,
    CHAMPION,
    GATE_FALLBACK,
    GATE_MAP,
    GATE_PROMOTED,
    GATE_REASON,
    ROLLED_BACK,
    Version,
    describe_version,
    load_version,
    remove_tags,
    tag_version,
    version_by_alias,
)
from hemline.storefront import Storefront

_GATE: Final = "gate."


def existing_verdict(version: Version, at: datetime) -> str | None:
    """Return the reason of a version that was judged before, or None.

    A gate that was killed after it had moved the alias had decided; its last steps are done here,
    also where the version has been rolled back since.
    """
    log = settle(at)
    if GATE_REASON in version.tags:
        return version.tags[GATE_REASON]
    number = version.number
    decided = next((one for one in log if one.how == "gate" and one.version == number), None)
    if decided is None:
        return None
    _write_reason(version, decided.reason)
    return decided.reason


def judge_challenger(
    challenger: Version,
    week: TargetWeek,
    gaps: Path,
    params: GateParams,
    *,
    n_samples: int,
    rng: np.random.Generator,
) -> GateVerdict:
    """Return the gate's verdict on a version that has none yet.

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
    evidence = _measure(load_version(challenger), week, gaps, params.latency_answers)
    champion = version_by_alias(CHAMPION)
    verdict = _judge(challenger, champion, evidence, week, params, n_samples, rng)
    return replace(
        verdict,
        map_at_12=float(evidence.lists.average_precision.mean()),
        champion=number_of(champion),
    )


def record_verdict(
    version: Version, verdict: GateVerdict, at: datetime, *, as_canary: bool = False
) -> bool:
    """Tag the version with the gate's numbers and, if it is promoted, make it the champion.

    A canary is not made champion: it waits until it may meet visitors (`hemline.rollout`).

    `gate.reason` is written last: a version without it was not judged to the end and is judged
    again, unless the log has it as promoted already (`existing_verdict`). Numbers of a judgement
    that was interrupted are replaced.

    Returns:
        False where the champion has changed since the version was judged: a person was faster, and
        the version has to be judged again. It has no verdict then.
    """
    settle(at)
    previous = number_of(version_by_alias(CHAMPION))
    if verdict.champion not in {None, previous}:
        return False
    tags = {
        GATE_PROMOTED: "canary" if as_canary else str(verdict.promotes).lower(),
        "gate.previous_champion": previous,
        **({GATE_FALLBACK: BASELINE} if verdict.fallback else {}),
        **_numbers(verdict),
    }
    remove_tags(version, [name for name in version.tags if _is_outdated(name, tags)])
    remove_tags(version, {CANARY} & version.tags.keys())
    tag_version(version.number, tags)
    if as_canary:
        tag_version(version.number, {CANARY: "waits"})
    if as_canary or not verdict.promotes or previous == version.number:
        _write_reason(version, verdict.reason)
        return True
    try:
        change_champion(version.number, how="gate", reason=verdict.reason, at=at, expected=previous)
    except ChampionMoved:
        return False
    return True


def _is_outdated(name: str, tags: Mapping[str, str]) -> bool:
    return name.startswith(_GATE) and name not in tags


def _write_reason(version: Version, reason: str) -> None:
    describe_version(version.number, reason)
    tag_version(version.number, {GATE_REASON: reason})


def _measure(storefront: Storefront, week: TargetWeek, gaps: Path, n_timed: int) -> Evidence:
    lists = storefront.lists_for_week(week)
    popularity = storefront.lists_for_week(week, models=(BASELINE,))
    latency_ms = _time_lists(storefront, lists, n_timed)
    audited = pd.read_csv(gaps)
    gap = widest_real_gap(audited)
    return Evidence(
        lists,
        popularity.average_precision,
        gap,
        latency_ms,
        are_gaps_tested=has_tested_gaps(audited),
    )


def _time_lists(storefront: Storefront, lists: WeekLists, n: int) -> Values:
    """Return how many milliseconds single lists took, with the models loaded before."""
    customers = lists.customers[np.linspace(0, len(lists.customers) - 1, n).astype(int)]
    storefront.for_key(int(customers[0]), LIST_LENGTH)
    latency_ms = []
    for customer in customers:
        start = time.perf_counter()
        storefront.for_key(int(customer), LIST_LENGTH)
        latency_ms.append(1000 * (time.perf_counter() - start))
    return np.array(latency_ms)


def _judge(
    challenger: Version,
    champion: Version | None,
    evidence: Evidence,
    week: TargetWeek,
    params: GateParams,
    n_samples: int,
    rng: np.random.Generator,
) -> GateVerdict:
    guardrails = check_challenger(evidence, params, n_samples=n_samples, rng=rng)
    margin = params.max_first_loss
    if champion is None:
        return judge_unopposed(NO_CHAMPION, guardrails, max_first_loss=margin)
    if champion.number == challenger.number:
        return confirm_champion(guardrails)
    if champion.tags["source"] != challenger.tags["source"]:
        sources = champion.tags["source"], challenger.tags["source"]
        return judge_other_data(*sources, guardrails, max_first_loss=margin)
    if not champion.is_readable or champion.is_popularity_alone:
        why = ONLY_POPULARITY if champion.is_readable else UNREADABLE
        return judge_unopposed(why, guardrails, max_first_loss=margin)
    if has_seen_the_week(champion.cut, challenger.cut):
        return refuse_comparison(champion.cut, challenger.cut)
    theirs, ours = load_version(champion).lists_for_week(week), evidence.lists
    guardrails += check_against_champion(theirs, ours, params, n_samples=n_samples, rng=rng)
    comparison = compare(
        theirs.average_precision,
        ours.average_precision,
        min_customers=params.min_customers,
        n_samples=n_samples,
        rng=rng,
    )
    return judge(comparison, guardrails, max_relative_loss=params.max_relative_loss)


def _numbers(verdict: GateVerdict) -> dict[str, str]:
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
        comparison = verdict.comparison
        tags |= {
            "gate.champion_map_at_12": f"{comparison.champion:.6f}",
            "gate.challenger_map_at_12": f"{comparison.challenger:.6f}",
            "gate.difference": f"{comparison.difference:+.6f}",
            "gate.interval": f"[{comparison.low:+.6f}, {comparison.high:+.6f}]",
            "gate.customers": str(comparison.n_customers),
        }
    return tags
