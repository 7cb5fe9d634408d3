"""What a version would have drawn for the explored places, and what it would have earned there.

Each decision is put to the version as it was put to the shop: with what the visitor had done by
then, and nothing of later. Decisions of before the version's cut are left out, since it has learnt
from purchases after them; so are guests, whose age and taste are not in the log, and decisions of
which it lists no candidate at all.

Two policies are evaluated. One draws from the version's order of the candidates as the places are
drawn: it is what the shop would do with this version, and what version drew them is compared on
equal terms. The other always shows the best of them, as a list without exploration would; its
weights are large, so it often has too few effective decisions to be given.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.errors import BadInput
from hemline.experiments.off_policy import LEAST_EFFECTIVE, OffPolicyEstimate
from hemline.experiments.slot_values import SlotValue, mean_interval, slot_value
from hemline.segments.cold_customers import ColdCustomer
from hemline.serving.answers import Answers
from hemline.serving.answers_params import AnswersParams
from hemline.serving.layout import laid_out
from hemline.serving.list_rules import ListRules
from hemline.serving.visitor_history import SessionState
from hemline.shop.event_log import CUSTOMER, EventLog, LogUnavailable
from hemline.shop.registered_versions import (
    RegistryUnreadable,
    registry_file,
    version_with_number,
)
from hemline.shop.session_stores import log_exists, open_log
from hemline.shop.shop_clock import ShopClock
from hemline.shop.shop_params import ShopParams
from hemline.shop.slot_log import (
    SlotDecision,
    logged_decisions,
    read_slot_log,
    with_all_candidates,
)
from hemline.shop.visitor_state import state_of

Values = npt.NDArray[np.float64]

_DEPTH: Final = 200  # of the version's list in which candidates are looked for
_MOST_DECISIONS: Final = 20_000  # the latest: a list takes 6 ms
_SEED: Final = 7


@dataclass(frozen=True)
class SlotEvaluation:
    """What a version would have earned per explored place.

    Attributes:
        version: its number.
        shown: mean reward of what was drawn, and its 95 % interval; None without decisions.
        as_drawn: of the version, drawn as the places are; None without decisions.
        best: of the version's best candidate alone; None likewise.
        n_decisions: that were evaluated.
        left_out: how many were not, by why.
    """

    version: int
    shown: tuple[float, float, float] | None
    as_drawn: SlotValue | None
    best: SlotValue | None
    n_decisions: int
    left_out: dict[str, int]

    @property
    def sentence(self) -> str:
        """What it says, in words."""
        begins = f"Explored places, version {self.version}: "
        if self.as_drawn is None or self.shown is None:
            why = ", ".join(f"{n} {name}" for name, n in self.left_out.items() if n)
            return f"{begins}no estimate, the log has no decision for it ({why or 'it is empty'})."
        if self.as_drawn.refusal is not None:
            return f"{begins}no estimate. {self.as_drawn.refusal}"
        value, gain = self.as_drawn.by_model, self.as_drawn.gain_by_model
        return (
            f"{begins}drawn from its ranking they would have sold {_interval(value)} per place, "
            f"against {self.shown[0]:.4f} as they were drawn: {_interval(gain, '+')} "
            f"({self.n_decisions} decisions, worth {value.effective_sample:.0f}; DR). It informs, "
            "and does not decide."
        )


def exploration_line(root: Path, number: int, now: datetime) -> str:
    """Return what a training says of its version's earnings in explored places.

    Args:
        root: the project folder.
        number: of the version.
        now: the present moment, in UTC.

    Returns:
        A sentence, which says why there is no estimate where there is none; empty where the shop
        explores no place.
    """
    params = ShopParams.with_environment(root / "params.yaml")
    if not params.exploration.places or not log_exists(params.events, root):
        return ""
    begins = f"Explored places, version {number}: no estimate, "
    try:
        log = open_log(params.events, root)
    except BadInput as error:
        return f"{begins}the events cannot be read ({error.found})."
    try:
        clock = ShopClock.of(log, params.first_day)
        return evaluate_version(root, log, clock, number, now).sentence
    except (BadInput, LogUnavailable, RegistryUnreadable) as error:
        return f"{begins}{' '.join(str(error).split())}"
    finally:
        log.close()


def evaluate_version(
    root: Path, log: EventLog, clock: ShopClock, number: int, now: datetime
) -> SlotEvaluation:
    """Return what a version would have earned in the explored places of the project's shop.

    Args:
        root: the project folder.
        log: the shop's events.
        clock: of the shop.
        number: of the version.
        now: the present moment, in UTC.

    Raises:
        BadInput: the registry has no such version, or its files are damaged.
        LogUnavailable: the events cannot be read.
        RegistryUnreadable: the registry cannot be read now.
    """
    params = ShopParams.load(root / "params.yaml")
    found = read_slot_log(log, now, params.exploration.reward_days).decisions
    answers = open_version(root, number)
    latest = found[-_MOST_DECISIONS:]
    evaluation = evaluate_decisions(latest, answers, log, clock, session_hours=params.session_hours)
    return replace(
        evaluation,
        left_out={**evaluation.left_out, "of longer ago": len(found) - len(latest)},
    )


def evaluate_decisions(
    decisions: Sequence[SlotDecision],
    answers: Answers,
    log: EventLog,
    clock: ShopClock,
    *,
    session_hours: int,
) -> SlotEvaluation:
    """Return the same for decisions that were read and a version that was opened."""
    whole = with_all_candidates(decisions)
    later = [each for each in whole if clock.day_of(each.at) >= answers.cut]
    mine = [each for each in later if each.shown_to.startswith(CUSTOMER)]
    ranks = ranks_of(mine, answers, log, clock, session_hours=session_hours)
    listed = [each for each in mine if ranks[each.sequence]]
    left_out = {
        "with fewer candidates than the others": len(decisions) - len(whole),
        "before its cut": len(whole) - len(later),
        "of guests": len(later) - len(mine),
        "of which it lists no candidate": len(mine) - len(listed),
    }
    if not listed:
        return SlotEvaluation(answers.version, None, None, None, 0, left_out)
    logged = logged_decisions(listed)
    policies = [_policy(each, ranks[each.sequence]) for each in listed]
    drawn, best = (np.array(each) for each in zip(*policies, strict=True))
    rng = np.random.default_rng(_SEED)
    return SlotEvaluation(
        answers.version,
        mean_interval(logged.reward, logged.customer, rng),
        slot_value(logged, drawn, rng),
        slot_value(logged, best, rng),
        len(listed),
        left_out,
    )


def ranks_of(
    decisions: Sequence[SlotDecision],
    answers: Answers,
    log: EventLog,
    clock: ShopClock,
    *,
    session_hours: int,
) -> dict[int, dict[int, int]]:
    """Return where a version ranks the candidates of decisions, as of the moment of each.

    Returns:
        By sequence of the decision: ranks from 0 by index of the candidate, without those that the
        version does not list.
    """
    by_visitor: dict[str, list[SlotDecision]] = defaultdict(list)
    for each in decisions:
        by_visitor[each.shown_to].append(each)
    ranks = {}
    for name, theirs in by_visitor.items():
        events = log.of(name)
        places: dict[int, int] = {}
        known: SessionState | None = None
        for each in theirs:
            # What came later is in the log too, and must not be in the history.
            before = [one for one in events if one.sequence < each.sequence]
            since = each.at - timedelta(hours=session_hours)
            state = state_of(before, answers, since=since, day_of=clock.day_of)
            if state != known:
                places, known = _places(answers, name.removeprefix(CUSTOMER), state), state
            ranks[each.sequence] = _ranks(each.candidates, answers, places)
    return ranks


def _places(answers: Answers, customer_id: str, state: SessionState) -> dict[int, int]:
    """Return the place in a version's list by article."""
    customer, rules = answers.customer_with(customer_id), ListRules(k=_DEPTH)
    if customer is None:  # signed up since the cut
        answer = answers.for_guest(ColdCustomer(), state, rules)
    else:
        answer = answers.for_customer(customer, state, rules)
    return {one.article: place for place, one in enumerate(answer.listed)}


def open_version(root: Path, number: int) -> Answers:
    """Return the answers of a registered version.

    Raises:
        BadInput: the registry has no such version, or its files are damaged.
        RegistryUnreadable: it cannot be read now.
    """
    version = version_with_number(registry_file(root), number)
    if version is None:
        raise BadInput(
            f"the registry has version {number}",
            found="no such version",
            fix="see which there are: hemline history",
        )
    layout = laid_out(version.files(), version.hashes, root / ".hemline" / "serving")
    return Answers.open(layout, AnswersParams.load(root / "params.yaml"))


def _ranks(candidates: Sequence[str], answers: Answers, places: dict[int, int]) -> dict[int, int]:
    found = {}
    for index, article_id in enumerate(candidates):
        try:
            place = places.get(answers.find_article(article_id))
        except BadInput:  # an article that this version does not know
            continue
        if place is not None:
            found[index] = place
    order = sorted(found, key=found.__getitem__)
    return {index: rank for rank, index in enumerate(order)}


def _policy(decision: SlotDecision, ranks: dict[int, int]) -> tuple[Values, Values]:
    """Return the probabilities of the candidates as the place is drawn, and of the best alone.

    Candidates that the version does not list come after the others, each as likely as another.
    """
    n = len(decision.candidates)
    by_rank = np.array(decision.propensities) / sum(decision.propensities)
    drawn = np.full(n, by_rank[len(ranks) :].sum() / max(n - len(ranks), 1))
    best = np.zeros(n)
    for index, rank in ranks.items():
        drawn[index] = by_rank[rank]
        best[index] = float(rank == 0)
    return drawn, best


def _interval(estimate: OffPolicyEstimate, sign: str = "") -> str:
    if estimate.value is None:
        return f"not known (fewer than {LEAST_EFFECTIVE:.0f} effective decisions)"
    return f"{estimate.value:{sign}.4f} [{estimate.low:{sign}.4f}, {estimate.high:{sign}.4f}]"
