"""Experiments as files: what was planned is written once, and every step is added to it.

`.hemline/experiments/<name>.json` holds the plan, which nothing changes after it is made: the
metric, the lift, the looks and the guardrails are agreed on before anybody has seen a result. Its
steps say when it was started, shown to more visitors, and stopped, and why.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hemline.clock import now
from hemline.errors import BadInput
from hemline.experiments.assignment import CONTROL, INTERLEAVED, TREATMENT, Allocation
from hemline.files import locked, write_text

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

State = Literal["planned", "running", "stopped"]
Outcome = Literal["promoted", "refused", "superseded", "undecided"]
ExperimentKind = Literal["ab", "interleaving", "bandit", "shelves"]
Shelf = Literal["also_bought", "similar"]

SHELVES: Final[tuple[Shelf, ...]] = get_args(Shelf)
"""Lists below the favourites on the shop's first page, in the order of who is in no experiment."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PlannedExperiment(_Record):
    """What was agreed on before the start.

    Attributes:
        name: of the experiment.
        planned_at: when, in UTC.
        layer: of the traffic.
        start: first place of the layer that it owns.
        share: how much of the layer it owns.
        control: version that answers the control arm; of shelves, the champion of that day.
        treatment: version that answers the treatment arm; of shelves, the same.
        kind: what is done with the visitors: two arms, lists of both versions, a bandit over
            versions, or one over the shelf that stands first.
        versions: of a bandit over versions; else none.
        shelves: of a bandit over shelves; else none.
        floor: smallest share of a bandit's arm.
        reward_days: within which a purchase from an interleaved list counts.
        lift: that it is to find, as a share of the control's revenue.
        alpha: two-sided error rate.
        power: chance to find the lift.
        weeks: how long it runs once it is shown to its whole share.
        look_days: days after which it is looked at, the last one included.
        cap: most that a unit's revenue counts as.
        n_units: expected units of both arms.
        planned_error: standard error of the difference planned for the end.
        covariate_weeks: weeks before the exposure whose revenue is the covariate.
        ramp: shares of its traffic, step by step.
        guardrails: by name; see experiment_params.
        canary_days: days that each step of a canary lasts; None for what people widen and stop.
    """

    name: str
    planned_at: datetime
    layer: str
    start: Annotated[float, Field(ge=0, lt=1)]
    share: Annotated[float, Field(gt=0, le=1)]
    control: int
    treatment: int
    kind: ExperimentKind = "ab"
    versions: tuple[int, ...] = ()
    shelves: tuple[Shelf, ...] = ()
    floor: float = 0.0
    reward_days: int = 3
    lift: float
    alpha: float
    power: float
    weeks: int
    look_days: tuple[float, ...]
    cap: float
    n_units: int
    planned_error: float
    covariate_weeks: int
    ramp: tuple[float, ...]
    guardrails: Mapping[str, float]
    canary_days: float | None = None

    @property
    def allocation(self) -> Allocation:
        """The traffic that it owns; arms weigh alike, but a bandit's change from day to day."""
        names = {
            "ab": (CONTROL, TREATMENT),
            "interleaving": (INTERLEAVED,),
            "bandit": tuple(f"v{number}" for number in self.versions),
            "shelves": self.shelves,
        }
        arms = tuple((name, 1.0) for name in names[self.kind])
        return Allocation(self.name, self.layer, self.start, self.share, arms)

    @property
    def is_bandit(self) -> bool:
        """Whether its arms are drawn every shop day, by shares that follow what sells."""
        return self.kind in {"bandit", "shelves"}

    @property
    def arms_in_words(self) -> tuple[str, ...]:
        """The arms of a bandit: numbers of versions, or names of shelves."""
        if self.kind == "shelves":
            return tuple(each.replace("_", " ") for each in self.shelves)
        return tuple(map(str, self.versions))

    @property
    def compared(self) -> str:
        """What it compares, in words."""
        if self.kind == "shelves":
            return "bandit over shelves"
        if self.kind == "bandit":
            return f"bandit over {', '.join(self.arms_in_words)}"
        how = "interleaved with" if self.kind == "interleaving" else "against"
        return f"{self.treatment} {how} {self.control}"


class ExperimentStep(_Record):
    """What was done with an experiment.

    Attributes:
        at: when, in UTC.
        kind: started or widened (to a share), or stopped.
        exposed: share of its traffic that it is shown to from then on.
        reason: in words.
        outcome: how a canary ended; None for everything else, and where a person stopped it.
    """

    at: datetime
    kind: Literal["started", "widened", "stopped"]
    exposed: float
    reason: str
    outcome: Outcome | None = None


class Experiment(_Record):
    """An experiment and what was done with it."""

    plan: PlannedExperiment
    steps: tuple[ExperimentStep, ...] = ()

    @property
    def state(self) -> State:
        """Whether it is planned, running or stopped."""
        if not self.steps:
            return "planned"
        return "stopped" if self.steps[-1].kind == "stopped" else "running"

    @property
    def exposed(self) -> float:
        """Share of its layer that it is shown to now."""
        return self.plan.share * self.steps[-1].exposed if self.state == "running" else 0.0


def experiments_folder(root: Path) -> Path:
    """Return the folder of a project's experiments."""
    return root / ".hemline" / "experiments"


def read_experiments(folder: Path) -> list[Experiment]:
    """Return all experiments of a folder, the latest first.

    Raises:
        BadInput: a file is damaged.
    """
    found = [_read(path) for path in folder.glob("*.json")]
    return sorted(found, key=lambda each: each.plan.planned_at, reverse=True)


def read_experiment(folder: Path, name: str) -> Experiment:
    """Return an experiment by its name.

    Raises:
        BadInput: there is none of this name, or its file is damaged.
    """
    path = _path(folder, name)
    if not path.exists():
        known = ", ".join(sorted(each.stem for each in folder.glob("*.json"))) or "none"
        raise BadInput(
            f"experiment '{name}' was planned",
            found=f"experiments: {known}",
            fix=f"plan it: hemline experiment plan {name}",
        )
    return _read(path)


def plan_experiment(folder: Path, plan: PlannedExperiment) -> Experiment:
    """Write a plan down, which nothing changes any more.

    Raises:
        BadInput: another experiment has the name, or it is no name.
    """
    path = _path(folder, plan.name)
    with locked(folder):
        if path.exists():
            raise BadInput(
                "each experiment has a name of its own",
                found=f"'{plan.name}', which was planned on {_read(path).plan.planned_at:%Y-%m-%d}",
                fix="take another name: a plan is not changed after it is made",
            )
        return _write(path, Experiment(plan=plan))


def add_step(
    folder: Path, name: str, kind: Literal["started", "widened", "stopped"], *, exposed: float,
    reason: str, at: datetime | None = None, outcome: Outcome | None = None,
) -> Experiment:  # fmt: skip
    """Add what is done with an experiment now.

    Raises:
        BadInput: it is to be started twice, or a stopped one is to go on.
    """
    with locked(folder):
        found = read_experiment(folder, name)
        allowed = {"planned": {"started"}, "running": {"widened", "stopped"}, "stopped": set()}
        if kind not in allowed[found.state]:
            raise BadInput(
                f"experiment '{name}' can be {kind}",
                found=f"it is {found.state}",
                fix="look at it: hemline experiment status; a stopped one stays stopped: plan a "
                "new one",
            )
        step = ExperimentStep(
            at=at or now(), kind=kind, exposed=exposed, reason=reason, outcome=outcome
        )
        return _write(_path(folder, name), found.model_copy(update={"steps": (*found.steps, step)}))


def _path(folder: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise BadInput(
            "an experiment's name has up to 40 small letters, digits and hyphens",
            found=repr(name),
            fix="for example: rank-with-prices",
        )
    return folder / f"{name}.json"


def _write(path: Path, experiment: Experiment) -> Experiment:
    write_text(path, experiment.model_dump_json(indent=1) + "\n")
    return experiment


def _read(path: Path) -> Experiment:
    try:
        return Experiment.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise BadInput(
            f"{path} is an experiment as `hemline experiment plan` wrote it",
            found=_first_problem(error),
            fix="restore it from a backup; or move it away: its visitors then see the champion",
        ) from error


def _first_problem(error: Any) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
    return str(error)
