"""Section `experiments` of params.yaml: what decides an experiment. No stage depends on it."""

from typing import Annotated, ClassVar

from pydantic import Field, PositiveFloat, PositiveInt

from hemline.params import Section

Share = Annotated[float, Field(gt=0, lt=1)]


class Guardrails(Section):
    """How much worse than the control a treatment may be, for certain, before it is stopped.

    Attributes:
        unlikes: more unlikes per unit, as a share of the control's.
        returns: more returned units per customer, likewise; of drafts and bandits, per unit sold.
        orders: fewer orders per unit, likewise.
        p99: longer time that 99 of 100 lists take at most, likewise; None: not judged, as below.
        fallbacks: more lists by popularity in place of the version's models, as a share of lists.
        coverage: fewer distinct articles in as many lists, as a share of the control's.
        fairness_gap: change of the orders of a cluster of customers for the worse, against that of
            the others, as a share of the control's orders.
        least_answers: lists of each arm, before its lists are judged.
    """

    section: ClassVar[str] = "experiments.guardrails"
    unlikes: PositiveFloat = 0.1
    returns: PositiveFloat = 0.1
    orders: Share = 0.05
    p99: PositiveFloat | None = None
    fallbacks: Share | None = None
    coverage: Share | None = None
    fairness_gap: PositiveFloat | None = None
    least_answers: PositiveInt = 1000


class ExperimentParams(Section):
    """How experiments are planned and decided.

    Attributes:
        alpha: two-sided error rate of an experiment.
        power: chance to find the lift that it is planned for.
        looks: planned ones, the last included.
        most_weeks: an experiment that needs longer is not proposed.
        cap_quantile: revenue of a unit counts up to this quantile of the units that bought.
        active_weeks: a plan counts customers who bought within so many weeks.
        ramp: shares of its traffic that an experiment is shown to, step by step.
        canary_days: that each of these steps lasts at least where a version that passed the gate
            meets visitors first (gate.rollout: canary).
        check_minutes: how often `hemline serve` holds running experiments against them.
        bandit_floor: smallest share of the traffic that an arm of a bandit has.
        guardrails: see Guardrails.
    """

    section: ClassVar[str] = "experiments"
    alpha: Share = 0.05
    power: Share = 0.8
    looks: Annotated[int, Field(ge=1, le=50)] = 4
    most_weeks: Annotated[int, Field(ge=1, le=52)] = 8
    cap_quantile: Annotated[float, Field(gt=0.5, le=1)] = 0.99
    active_weeks: PositiveInt = 12
    ramp: tuple[Annotated[float, Field(gt=0, le=1)], ...] = (0.01, 0.1, 1.0)
    canary_days: PositiveFloat = 2.0
    check_minutes: PositiveFloat = 5.0
    bandit_floor: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    guardrails: Guardrails = Guardrails()
