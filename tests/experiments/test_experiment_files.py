from datetime import UTC, datetime
from pathlib import Path

import pytest

from hemline.errors import BadInput
from hemline.experiments.experiment_files import (
    PlannedExperiment,
    add_step,
    plan_experiment,
    read_experiment,
    read_experiments,
)

PLAN = PlannedExperiment(
    name="prices", planned_at=datetime(2020, 9, 1, tzinfo=UTC), layer="versions", start=0.0,
    share=0.5, control=1, treatment=2, lift=0.05, alpha=0.05, power=0.8, weeks=2,
    look_days=(7.0, 14.0), cap=10.0, n_units=1000, planned_error=0.1, covariate_weeks=12,
    ramp=(0.1, 1.0), guardrails={"unlikes": 0.1},
)  # fmt: skip


def test_an_experiment_goes_from_planned_to_running_to_stopped(tmp_path: Path) -> None:
    assert plan_experiment(tmp_path, PLAN).state == "planned"
    started = add_step(tmp_path, "prices", "started", exposed=0.1, reason="canary")
    assert (started.state, started.exposed) == ("running", 0.05)
    widened = add_step(tmp_path, "prices", "widened", exposed=1.0, reason="nothing broke")
    assert widened.exposed == 0.5
    add_step(tmp_path, "prices", "stopped", exposed=0.0, reason="last look")
    found = read_experiment(tmp_path, "prices")
    assert (found.state, found.exposed, len(found.steps)) == ("stopped", 0.0, 3)
    assert found.plan == PLAN
    assert read_experiments(tmp_path) == [found]


def test_a_plan_is_not_changed_and_a_stopped_one_does_not_go_on(tmp_path: Path) -> None:
    plan_experiment(tmp_path, PLAN)
    with pytest.raises(BadInput, match="a name of its own"):
        plan_experiment(tmp_path, PLAN.model_copy(update={"lift": 0.01}))
    with pytest.raises(BadInput, match="can be stopped"):
        add_step(tmp_path, "prices", "stopped", exposed=0.0, reason="no")
    add_step(tmp_path, "prices", "started", exposed=1.0, reason="go")
    add_step(tmp_path, "prices", "stopped", exposed=0.0, reason="enough")
    with pytest.raises(BadInput, match="can be started"):
        add_step(tmp_path, "prices", "started", exposed=1.0, reason="again")


def test_unknown_names_and_damaged_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="'prices' was planned"):
        read_experiment(tmp_path, "prices")
    with pytest.raises(BadInput, match="small letters"):
        read_experiment(tmp_path, "../escape")
    plan_experiment(tmp_path, PLAN)
    path = tmp_path / "prices.json"
    path.write_text(path.read_text().replace('"share": 0.5', '"share": 5'))
    with pytest.raises(BadInput, match="as `hemline experiment plan` wrote it"):
        read_experiments(tmp_path)
