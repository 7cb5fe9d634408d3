"""Commands of experiments: plan one, show it to more visitors, look at it, stop it, read it out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hemline.cli.experiment_kinds import (
    check_named,
    plan_other_kind,
    print_bandit,
    print_interleaving,
    write_plan,
)
from hemline.cli.experiment_report import print_long_run, print_verdict
from hemline.cli.terminal import open_registry, print_records, project_folder, say
from hemline.clock import now
from hemline.errors import BadInput, exit_on_bad_input

if TYPE_CHECKING:
    from datetime import datetime

    from hemline.experiments.experiment_files import Experiment
    from hemline.experiments.experiment_params import ExperimentParams
    from hemline.experiments.experiment_plan import Horizon
    from hemline.experiments.secondary_metrics import SecondaryMetric

Name = Annotated[str, typer.Argument(help="Name of the experiment: small letters and hyphens.")]
Reason = Annotated[str, typer.Option(help="Why, in one sentence; stored with the experiment.")]


commands = typer.Typer(
    help="Compare versions, or shelves, on the shop's own visitors (docs/experiments.md).",
    no_args_is_help=True,
)


@commands.command("plan")
@exit_on_bad_input()
def plan(
    name: Name,
    treatment: Annotated[
        list[int] | None,
        typer.Option(
            min=1, help="Version that may become champion; a bandit has more, shelves none."
        ),
    ] = None,
    *,
    kind: Annotated[
        Literal["ab", "interleaving", "bandit", "shelves"],
        typer.Option(help="Two arms, lists of both, a bandit, or one over the page's first shelf."),
    ] = "ab",
    control: Annotated[int | None, typer.Option(help="Version to beat; default: champion.")] = None,
    lift: Annotated[float, typer.Option(min=0.001, help="Smallest lift worth finding.")] = 0.05,
    share: Annotated[float, typer.Option(min=0.01, max=1, help="Of the traffic.")] = 1.0,
) -> None:
    """Compute from the shop's history how long it takes, and write the plan down."""
    open_registry(to_write=True)
    from hemline.experiments.experiment_params import ExperimentParams  # noqa: PLC0415  (--help should not wait for it)
    from hemline.experiments.experiment_plan import horizons, shortest  # noqa: PLC0415  (as above)
    from hemline.experiments.visit_history import read_visits  # noqa: PLC0415  (as above)
    from hemline.registry.versions import champion_now, known_version  # noqa: PLC0415  (as above)

    root = project_folder()
    check_named(kind, control, treatment or [])
    of = int((champion_now() if control is None else known_version(str(control))).number)
    treatments = [int(known_version(str(each)).number) for each in treatment or []]
    if of in treatments:
        raise BadInput(
            "an experiment compares two versions",
            found=f"version {of} against itself",
            fix="name another version: hemline history lists them",
        )
    params = ExperimentParams.load(root / "params.yaml")
    if kind != "ab":
        plan_other_kind(root, name, kind, [of, *treatments], share, params)
        return
    if len(treatments) > 1:
        raise BadInput(
            "an A/B test has one treatment",
            found=", ".join(map(str, treatments)),
            fix="name one, or plan a bandit: --kind bandit",
        )
    visits, end = read_visits(root)
    found = horizons(visits, end, share, params)
    print_records([_shown(each) for each in found])
    horizon = shortest(found, lift)
    if horizon is None:
        raise BadInput(
            f"an experiment of at most {params.most_weeks} weeks finds a lift of {lift:.1%} with a "
            f"power of {params.power:.0%}",
            found=f"the smallest lift that it finds is {found[-1].detectable:.1%}",
            fix="plan for a larger lift (--lift), more of the traffic (--share), or longer "
            "(experiments.most_weeks)",
        )
    planned = _write(root, name, (of, treatments[0]), (lift, share), horizon, params)
    say(
        f"Experiment {name}: version {treatments[0]} against version {of}, {horizon.weeks} weeks, "
        f"about {horizon.n_units} customers, to find a lift of {lift:.1%}. It is looked at after "
        f"{', '.join(f'{day:g}' for day in planned.plan.look_days)} days."
    )
    say(f"Start it: hemline experiment start {name}")


@commands.command("start")
@exit_on_bad_input()
def start(name: Name, *, reason: Reason = "as planned") -> None:
    """Show a planned experiment to the first part of its traffic; again, to the next part."""
    from hemline.experiments.experiment_files import (  # noqa: PLC0415  (--help should not wait for it)
        add_step,
        experiments_folder,
        read_experiment,
    )

    folder = experiments_folder(project_folder())
    found = read_experiment(folder, name)
    exposed = found.steps[-1].exposed if found.state == "running" else 0.0
    wider = [each for each in found.plan.ramp if each > exposed]
    if found.state == "running" and not wider:
        say(f"Experiment {name} is shown to all of its traffic already.")
        return
    kind: Literal["started", "widened"] = "widened" if found.state == "running" else "started"
    add_step(folder, name, kind, exposed=wider[0], reason=reason)
    more = "" if len(wider) == 1 else " Look at its guardrails, then run this again."
    say(f"Experiment {name} is shown to {wider[0]:.0%} of its traffic.{more}")


@commands.command("stop")
@exit_on_bad_input()
def stop(name: Name, *, reason: Reason) -> None:
    """Stop an experiment: all visitors see the champion again. It cannot be started again."""
    from hemline.experiments.experiment_files import (  # noqa: PLC0415  (--help should not wait for it)
        add_step,
        experiments_folder,
    )

    add_step(experiments_folder(project_folder()), name, "stopped", exposed=0.0, reason=reason)
    say(f"Experiment {name} is stopped. Its readout: hemline experiment readout {name}")


@commands.command("advance")
@exit_on_bad_input()
def advance() -> None:
    """Do what is due: stop what must not go on, and take a canary's next step.

    After a step it writes the pages of experiments that run or have changed, and
    reports/experiments/index.html. `hemline serve` does all that every experiments.check_minutes.
    """
    open_registry(to_write=True)
    from hemline.rollout.advance import advance_experiments  # noqa: PLC0415  (--help should not wait for it)

    root = project_folder()
    done = advance_experiments(root)
    for each in done:
        name = each.experiment or f"the canary of version {each.version}"
        say(f"{name}: {each.did}: {each.reason}")
    if not done:
        say("Nothing is due.")
    if done:
        _refresh_pages(root)


@commands.command("status")
@exit_on_bad_input()
def status() -> None:
    """List the experiments, the latest first."""
    from hemline.experiments.experiment_files import (  # noqa: PLC0415  (--help should not wait for it)
        experiments_folder,
        read_experiments,
    )

    found = read_experiments(experiments_folder(project_folder()))
    if not found:
        say("There is no experiment yet: hemline experiment plan NAME --treatment VERSION")
        return
    print_records([_line(each) for each in found])


@commands.command("readout")
@exit_on_bad_input()
def readout(
    name: Name,
    *,
    long_run: Annotated[
        bool, typer.Option("--long-run", help="Add the expected spend of the next 12 weeks.")
    ] = False,
) -> None:
    """Say whether a difference is more than chance: in words first, then in numbers.

    Writes the experiment's page, reports/experiments/NAME.html, and the index of all.
    """
    from hemline.experiment_pages.experiment_index import write_index  # noqa: PLC0415  (--help should not wait for it)
    from hemline.experiment_pages.experiment_page import write_experiment  # noqa: PLC0415  (as above)
    from hemline.experiment_pages.experiment_reading import ArmsReading, read_now  # noqa: PLC0415  (as above)
    from hemline.experiments.experiment_files import (  # noqa: PLC0415  (as above)
        experiments_folder,
        read_experiment,
    )
    from hemline.shop.bandit_readout import BanditReadout  # noqa: PLC0415  (as above)

    root, at = project_folder(), now()
    experiment = read_experiment(experiments_folder(root), name)
    reading = read_now(root, experiment, at)
    if isinstance(reading, ArmsReading):
        print_verdict(reading.verdict)
    elif isinstance(reading, BanditReadout):
        print_bandit(reading)
    else:
        print_interleaving(experiment.plan, reading)
    page = write_experiment(root, experiment, reading, at)
    say(f"Its page: {page.relative_to(root)}. All experiments: {write_index(root).name} beside it.")
    if long_run and isinstance(reading, ArmsReading):
        print_long_run(_long_run(root, experiment, at))


def _refresh_pages(root: Path) -> None:
    """Write outdated pages; the steps are taken already, so a failure costs the pages alone."""
    from hemline.experiment_pages.refresh_pages import refresh_pages  # noqa: PLC0415  (as above)

    try:
        refresh_pages(root, now())
    except (BadInput, OSError, ValueError) as error:
        say(f"The steps are taken, but pages of experiments cannot be written: {error}", err=True)


def _long_run(root: Path, experiment: "Experiment", at: "datetime") -> "SecondaryMetric":
    from hemline.experiment_pages.experiment_reading import opened_log  # noqa: PLC0415  (as above)
    from hemline.shop.arm_values import arm_value_of  # noqa: PLC0415  (as above)

    with opened_log(root) as (log, clock):
        return arm_value_of(experiment, log, clock, root, at)


def _write(
    root: Path,
    name: str,
    versions: tuple[int, int],
    lift_and_share: tuple[float, float],
    horizon: "Horizon",
    params: "ExperimentParams",
) -> "Experiment":
    from hemline.experiments.experiment_plan import look_fractions  # noqa: PLC0415  (as above)

    (control, treatment), (lift, share) = versions, lift_and_share
    return write_plan(
        root,
        name,
        share,
        params,
        control=control,
        treatment=treatment,
        lift=lift,
        weeks=horizon.weeks,
        look_days=tuple(7 * horizon.weeks * each for each in look_fractions(params.looks)),
        cap=horizon.cap,
        n_units=horizon.n_units,
        planned_error=horizon.planned_error,
    )


def _shown(horizon: "Horizon") -> dict[str, object]:
    return {
        "weeks": horizon.weeks,
        "customers": horizon.n_units,
        "revenue each": f"{horizon.mean:.4g}",
        "variance left by their past": f"{horizon.variance_left:.0%}",
        "smallest lift found": f"{horizon.detectable:.1%}",
    }


def _line(experiment: "Experiment") -> dict[str, object]:
    plan = experiment.plan
    return {
        "experiment": plan.name,
        "state": experiment.state,
        "compares": plan.compared,
        "shown to": f"{experiment.exposed:.1%}",
        "weeks": plan.weeks if plan.canary_days is None else "canary",
        "planned": f"{plan.planned_at:%Y-%m-%d}",
        "last step": experiment.steps[-1].reason if experiment.steps else "",
    }


def add_to(app: typer.Typer, *, panel: str) -> None:
    """Add the commands to the application.

    Args:
        app: that gets them.
        panel: of the help that lists them.
    """
    app.add_typer(commands, name="experiment", rich_help_panel=panel)
