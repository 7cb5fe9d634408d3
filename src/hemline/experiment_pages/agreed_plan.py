"""The plan of an experiment in words: what decides, agreed on before anybody saw a result."""

from collections.abc import Mapping
from typing import Final

from hemline.experiments.experiment_files import PlannedExperiment
from hemline.experiments.rate_guardrails import LEAST_ANSWERS, judged_limits

_METRIC: Final = (
    "Net revenue of a customer from the first exposure on: purchases, up to {cap:.4g} each, less "
    "returns. What the customer spent in the {weeks} weeks before is adjusted for (CUPED)."
)
_FEWER: Final = ("orders", "coverage")  # of which a treatment must not have fewer


def agreed_plan(plan: PlannedExperiment) -> Mapping[str, str]:
    """Return what was agreed on, by a few words each."""
    if plan.kind == "interleaving":
        return _of_interleaving(plan) | {"Guardrails": _guardrails(plan)} | _traffic(plan)
    if plan.is_bandit:
        return _of_bandit(plan) | {"Guardrails": _guardrails(plan)} | _traffic(plan)
    what = {"What decides": _METRIC.format(cap=plan.cap, weeks=plan.covariate_weeks)}
    asked = _of_canary(plan) if plan.canary_days is not None else _of_looks(plan)
    return what | asked | {"Guardrails": _guardrails(plan)} | _traffic(plan)


def _of_looks(plan: PlannedExperiment) -> dict[str, str]:
    days = ", ".join(f"{each:g}" for each in plan.look_days)
    return {
        "Looked for": f"a lift of {plan.lift:.1%}, found with a chance of {plan.power:.0%} among "
        f"about {plan.n_units:,} customers",
        "Looks": f"after {days} days with all of its traffic. All together call a difference that "
        f"is none with a chance of {plan.alpha:.0%}.",
    }


def _of_canary(plan: PlannedExperiment) -> dict[str, str]:
    return {
        "Asked": f"whether version {plan.treatment} does harm. No look is planned: each step lasts "
        f"{plan.canary_days:g} days at least, and it ends as soon as a guardrail is broken or "
        "revenue is lower for certain.",
    }


def _of_interleaving(plan: PlannedExperiment) -> dict[str, str]:
    return {
        "What counts": f"a purchase within {plan.reward_days} days for the version that added the "
        "article to the list, unless it is sent back or unliked. Each customer counts once.",
        "What it decides": "which ranking customers prefer; it says nothing of revenue.",
    }


def _of_bandit(plan: PlannedExperiment) -> dict[str, str]:
    arm, shown = "version", {}
    if plan.kind == "shelves":
        arm = "shelf"
        shown = {
            "What is shown": "which shelf stands first below the favourites: "
            f"{' or '.join(plan.arms_in_words)}. The champion answers everybody. A page that lacks "
            "one of the shelves has the usual order and exposes nobody."
        }
    return shown | {
        "What counts": f"a purchase on the day on which the visitor met the {arm}, after that.",
        "Shares": f"every shop day anew, by the chance that a {arm} converts best; each has at "
        f"least {plan.floor:.0%}.",
    }


def _guardrails(plan: PlannedExperiment) -> str:
    shares = {name: each for name, each in judged_limits(plan).items() if name != LEAST_ANSWERS}
    texts = (
        f"{name.replace('_', ' ')} at most {each:.0%} {'lower' if name in _FEWER else 'higher'}"
        for name, each in shares.items()
    )
    return "; ".join(texts) or "none"


def _traffic(plan: PlannedExperiment) -> dict[str, str]:
    ramp = ", ".join(f"{each:.0%}" for each in plan.ramp)
    return {"Traffic": f"{plan.share:.0%} of the visitors, of whom {ramp}, step by step"}
