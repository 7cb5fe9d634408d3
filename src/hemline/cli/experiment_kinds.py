"""Plans of experiments, and readouts of those that are no A/B test: drafts, and bandits."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hemline.cli.experiment_report import print_guardrails
from hemline.cli.terminal import print_records, say
from hemline.clock import now
from hemline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hemline.experiments.experiment_files import (
        Experiment,
        ExperimentKind,
        PlannedExperiment,
    )
    from hemline.experiments.experiment_params import ExperimentParams
    from hemline.shop.bandit_readout import BanditReadout
    from hemline.shop.interleaving_readout import InterleavingReadout


def check_named(kind: "ExperimentKind", control: int | None, treatments: "Sequence[int]") -> None:
    """Refuse a plan that names no treatment, or of shelves any version.

    Raises:
        BadInput: it does.
    """
    if kind != "shelves" and not treatments:
        raise BadInput(
            "an experiment has a version that may become champion",
            found="no --treatment",
            fix="name one: hemline history lists them; shelves alone have none: --kind shelves",
        )
    if kind == "shelves" and (treatments or control is not None):
        raise BadInput(
            "the champion answers everybody in a bandit over shelves",
            found="--treatment or --control",
            fix="leave both out; versions are compared by the other kinds",
        )


def plan_other_kind(
    root: Path,
    name: str,
    kind: "ExperimentKind",
    versions: "Sequence[int]",
    share: float,
    params: "ExperimentParams",
) -> None:
    """Write the plan of an experiment that needs no history to plan from.

    Args:
        root: the project folder.
        name: of the experiment.
        kind: of it; not an A/B test.
        versions: the control first; of shelves the champion alone.
        share: of the traffic.
        params: of experiments.

    Raises:
        BadInput: there are too few or too many versions, or the traffic is taken.
    """
    from hemline.experiments.experiment_files import SHELVES  # noqa: PLC0415  (--help should not wait for it)
    from hemline.shop.shop_params import ShopParams  # noqa: PLC0415  (as above)

    if kind != "shelves":
        _check_versions(kind, versions, params)
    planned = write_plan(
        root,
        name,
        share,
        params,
        control=versions[0],
        treatment=versions[:2][-1],
        kind=kind,
        versions=tuple(versions) if kind == "bandit" else (),
        shelves=SHELVES if kind == "shelves" else (),
        floor=params.bandit_floor,
        reward_days=ShopParams.load(root / "params.yaml").exploration.reward_days,
        lift=0.0,
        weeks=params.most_weeks,
        look_days=(),
        cap=0.0,
        n_units=0,
        planned_error=0.0,
    )
    what, arms = planned.plan.compared, planned.plan.arms_in_words
    if kind == "shelves":
        what = f"{what}, which stands first: {' or '.join(arms)}"
    say(f"Experiment {name}: {what}. Start it: hemline experiment start {name}")


def write_plan(
    root: Path, name: str, share: float, params: "ExperimentParams", **agreed: Any
) -> "Experiment":
    """Write down a plan that has the first part of the traffic that is free.

    Args:
        root: the project folder.
        name: of the experiment.
        share: of the traffic.
        params: of experiments.
        agreed: all other fields of the plan.

    Raises:
        BadInput: the name or the traffic is taken.
    """
    from hemline.experiments.assignment import free_start  # noqa: PLC0415  (as above)
    from hemline.experiments.canary import LAYER  # noqa: PLC0415  (as above)
    from hemline.experiments.experiment_files import (  # noqa: PLC0415  (as above)
        PlannedExperiment,
        experiments_folder,
        plan_experiment,
        read_experiments,
    )
    from hemline.experiments.rate_guardrails import limits_of  # noqa: PLC0415  (as above)

    folder = experiments_folder(root)
    others = [each for each in read_experiments(folder) if each.state != "stopped"]
    return plan_experiment(
        folder,
        PlannedExperiment(
            name=name,
            planned_at=now(),
            layer=LAYER,
            start=free_start(LAYER, share, [each.plan.allocation for each in others]),
            share=share,
            alpha=params.alpha,
            power=params.power,
            covariate_weeks=params.active_weeks,
            ramp=params.ramp,
            guardrails=limits_of(agreed.get("kind", "ab"), params.guardrails),
            **agreed,
        ),
    )


def _check_versions(
    kind: "ExperimentKind", versions: "Sequence[int]", params: "ExperimentParams"
) -> None:
    most = int(1 / params.bandit_floor) if kind == "bandit" else 2
    if not 1 < len(set(versions)) == len(versions) <= most:
        raise BadInput(
            f"{'a bandit' if kind == 'bandit' else 'an interleaving experiment'} has 2 to {most} "
            "different versions, the control among them",
            found=", ".join(map(str, versions)),
            fix="name others (--treatment), or lower experiments.bandit_floor for more",
        )


def print_interleaving(plan: "PlannedExperiment", found: "InterleavingReadout") -> None:
    """Print what interleaved lists show."""
    say(found.sentence)
    print_records(
        [
            {
                "version": number,
                "sold": found.sold.get(team, 0),
                "unliked": found.unliked.get(team, 0),
            }
            for team, number in (("control", plan.control), ("treatment", plan.treatment))
        ]
    )
    say(
        f"Preference for version {plan.treatment}: {found.result.preference:+.3f} "
        f"[{found.low:+.3f}, {found.high:+.3f}] of the {found.result.n_decided} customers "
        f"who bought more of one; {found.result.n_tied} did not."
    )
    print_guardrails(found.guardrails, (f"version {plan.control}", f"version {plan.treatment}"))


def print_bandit(found: "BanditReadout") -> None:
    """Print what a bandit shows."""
    say(found.sentence)
    print_records(
        [
            {
                found.of: each.name,
                "visitors' days": each.n_exposures,
                "share now": f"{each.latest_share:.1%}",
                "bought on the day": "none"
                if each.conversion is None
                else "{:.2%} [{:.2%}, {:.2%}]".format(*each.conversion),
            }
            for each in found.arms
        ]
    )
    first = found.arms[0].name
    first = f"version {first}" if found.of == "version" else first
    print_guardrails(found.guardrails, (first, "the other"))
