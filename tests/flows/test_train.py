"""The training flow, on a tiny project with real DVC, Prefect and MLflow."""

import json
import logging
import re
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from flows.alerting import report_champion_changes, report_verdict
from flows.dvc import StageFailed
from flows.project import Project
from flows.train import LATEST, Latest, main, train
from flows.training_report import Training
from hemline.data.split import DataParams
from hemline.evaluation.gate.guardrails import GateParams
from hemline.registry.champion_log import changes
from hemline.registry.champions import settle
from hemline.registry.promotion import judge_challenger
from hemline.registry.versions import (
    load_champion,
    register_version,
    set_champion,
    version_by_alias,
)
from hemline.segments.cold_customers import ColdCustomer
from hemline.tables import SERVED_SCORES, read_table
from monitoring.alerts.alert import Alert
from monitoring.alerts.alert_delivery import read_alerts
from tests.tiny_project import changed_params, git


def retrain(root: Path, cut: date | Latest | None = None) -> Training:
    state = train(root=root, cut=cut, return_state=True)
    assert state.is_completed(), state.message
    training = state.result()
    assert isinstance(training, Training)
    return training


def test_a_first_training_is_recorded_with_its_numbers(trained: Path) -> None:
    client = MlflowClient()
    champion = version_by_alias("champion")
    assert champion is not None
    recorded = client.get_run(champion.run_id)
    scores = json.loads((trained / "reports" / "scores.json").read_text())
    assert recorded.data.params["synthetic.size"] == "tiny"
    assert recorded.data.metrics["map_at_12/served"] == scores["served"]["map@12"]
    curve = client.get_metric_history(champion.run_id, "cvae_curve/validation_map_at_12")
    assert len({point.step for point in curve}) == 2
    logged = {file.path for file in client.list_artifacts(champion.run_id, "plots")}
    assert "plots/scores.png" in logged


@pytest.mark.usefixtures("trained")
def test_a_first_training_becomes_champion() -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    reason = champion.tags["gate.reason"]
    assert reason.startswith("there was no champion to compare with; inconclusive (fewer")
    assert reason.endswith("it serves because no other version can")
    assert champion.tags["gate.previous_champion"] == "none"
    assert champion.tags["gate.latency.verdict"].startswith("passes: 99 of 100 lists")
    first = changes()[0]
    assert (first.version, first.previous, first.how) == (champion.number, "none", "gate")


def test_the_tagged_commit_holds_what_made_the_model(trained: Path) -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    for name in ("params.yaml", "dvc.lock", "src/hemline/storefront.py"):
        committed = git(trained, "show", f"{champion.tags['git_commit']}:{name}")
        assert committed == (trained / name).read_text().strip()


def test_the_champion_scores_the_week_as_evaluate_did(trained: Path) -> None:
    project = Project.at(trained)
    _, champion = load_champion()
    evaluated = read_table(project.served_scores(), SERVED_SCORES)["ap_at_12"]
    assert (
        champion.lists_for_week(project.test_week()).average_precision.tolist()
        == evaluated.tolist()
    )


def test_a_second_training_finds_everything_done_and_registers_nothing(trained: Path) -> None:
    before = len(MlflowClient().search_model_versions("name = 'hemline'"))
    training = retrain(trained)
    assert set(training.outcomes.values()) == {"skipped"}
    assert not training.is_new
    assert len(MlflowClient().search_model_versions("name = 'hemline'")) == before


def test_the_command_shows_a_line_per_stage_and_one_per_article(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(trained)
    level = logging.getLogger("prefect").level
    try:
        main()
    finally:
        logging.getLogger("prefect").setLevel(level)
    output = capfd.readouterr().out
    lines = output.splitlines()
    assert "\x1b" not in output
    assert [line for line in lines if line.startswith("train_cvae: unchanged, ")]
    articles = [line for line in lines if re.search(r"│ \d{10} │", line)]
    assert [int(line.split("│")[1]) for line in articles] == 2 * list(range(1, 13))
    assert max(map(len, articles)) <= 100
    assert "ranker" in articles[0]
    assert all("(" not in line for line in articles)
    assert "Live: version" in output
    assert "customers are too few for a significant difference between rows." in output


@pytest.mark.slow
def test_a_changed_model_challenges_and_loses_when_it_is_worse(trained: Path) -> None:
    with changed_params(trained, {("serve", "warm"): ["tfidf"]}):
        training = retrain(trained)
    assert training.is_new
    assert training.outcomes["evaluate"] == "ran"
    assert training.outcomes["train_cvae"] == "skipped"
    challenger, champion = version_by_alias("challenger"), version_by_alias("champion")
    assert challenger is not None
    assert champion is not None
    assert challenger.number == training.version
    assert champion.number == training.champion != training.version
    assert float(challenger.tags["gate.difference"]) < 0
    assert "MAP@12" in challenger.tags["gate.reason"]
    assert challenger.tags["gate.coverage.verdict"].partition(":")[0] in {"passes", "fails"}
    assert challenger.tags["gate.previous_champion"] == champion.number


@pytest.mark.slow
def test_a_version_of_an_earlier_week_is_not_compared_but_can_be_challenged(trained: Path) -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    with changed_params(trained):
        try:
            earlier = retrain(trained, cut=date(2020, 9, 9))
            assert "has seen the test week" in earlier.reason
            assert version_by_alias("champion") == champion
            latest = retrain(trained, cut=LATEST)
            assert DataParams.load(trained / "params.yaml").cut == date(2020, 9, 16)
            assert latest.version == champion.number
            set_champion(earlier.version)
            verdict = judge_challenger(
                champion,
                Project.at(trained).test_week(),
                trained / "reports" / "fairness" / "gaps.csv",
                GateParams.load(trained / "params.yaml"),
                n_samples=100,
                rng=np.random.default_rng(7),
            )
        finally:
            set_champion(champion.number)
    served = read_table(Project.at(trained).served_scores(), SERVED_SCORES)["ap_at_12"]
    assert verdict.comparison is not None
    assert verdict.comparison.n_customers == len(served)
    assert verdict.comparison.challenger == pytest.approx(served.mean())
    assert verdict.map_at_12 == pytest.approx(served.mean())


def test_a_broken_rule_fails_the_run_with_its_words_and_the_champion_still_answers(
    trained: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lock = (trained / "dvc.lock").read_text()
    too_few = {("validate", "max_missing_days"): 0}
    with (
        changed_params(trained, too_few),
        caplog.at_level(logging.CRITICAL, logger="prefect"),
    ):
        state = train(root=trained, return_state=True)
    (trained / "dvc.lock").write_text(lock)
    assert state.is_failed()
    assert state.message is not None
    assert state.message == "stage 'validate' failed: the tables keep all 54 rules"
    failure = state.result(raise_on_failure=False)
    assert isinstance(failure, StageFailed)
    assert "max_missing_days" in failure.output
    with get_client(sync_client=True) as client:
        key = ArtifactFilter(key=ArtifactFilterKey(any_=["failed-validate"]))
        (page,) = client.read_artifacts(artifact_filter=key)
    assert "max_missing_days" in str(page.data)
    _, champion = load_champion()
    assert len(champion.for_cold_customer(ColdCustomer(age=25), 5)) == 5


def test_an_unwatched_training_that_dies_of_anything_raises_an_alert(
    trained: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "weekly")
    before = len(alerts(trained))
    kaggle = trained / "data" / "source"
    kaggle.rename(kaggle.with_name("away"))
    try:
        with caplog.at_level(logging.CRITICAL, logger="prefect"):
            state = train(root=trained, source="synthetic", return_state=True)
    finally:
        kaggle.with_name("away").rename(kaggle)
    assert isinstance(state.result(raise_on_failure=False), FileNotFoundError)
    (alert,) = alerts(trained)[before:]
    assert alert.kind == "retrain failed"
    assert "FileNotFoundError" in alert.happened


def test_an_unwatched_training_stops_at_a_broken_week_that_two_years_would_hide(
    trained: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "weekly")
    # Other tests of the shared project may have raised an alert for this week already.
    shutil.rmtree(Project.at(trained).monitoring / "alerts", ignore_errors=True)
    too_low = {("validate", "max_price"): 0.01}
    with (
        changed_params(trained, too_low),
        caplog.at_level(logging.CRITICAL, logger="prefect"),
    ):
        state = train(root=trained, return_state=True)
    assert state.is_failed()
    assert "transactions.price" in str(state.message)
    (alert,) = alerts(trained)
    assert (alert.kind, alert.week_end) == ("validation failed", date(2020, 9, 23))


def test_every_change_of_champion_is_told_and_one_who_won_once_is_not_called_refused(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "weekly")
    champion = version_by_alias("champion")
    assert champion is not None
    other = register_version(champion.run_id, champion.tags)
    project, log = Project.at(trained), logging.getLogger(__name__)
    report_champion_changes(project, log)
    known = len(changes())
    before = len(alerts(trained))
    set_champion(other.number)
    settle(datetime.now(tz=UTC))
    report_verdict(project, log, week_end=date(2020, 9, 23), version=champion, reason="it won")
    for number in (champion.number, other.number, champion.number):
        set_champion(number)
        settle(datetime.now(tz=UTC))
    report_champion_changes(project, log)
    report_champion_changes(project, log)
    raised = alerts(trained)[before:]
    assert [alert.subjects for alert in raised] == [(f"change {known + n}",) for n in range(1, 5)]
    assert f"versions/{champion.number}" in raised[-1].links["MLflow"]
    MlflowClient().delete_model_version("hemline", other.number)


def test_a_client_of_the_registry_that_took_the_champion_away_breaks_nothing(trained: Path) -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    MlflowClient().delete_registered_model_alias("hemline", "champion")
    try:
        report_champion_changes(Project.at(trained), logging.getLogger(__name__))
    finally:
        set_champion(champion.number)
        settle(datetime.now(tz=UTC))
    assert changes()[-2].version == "none"


def test_kaggle_files_that_are_not_there_are_refused_before_anything_runs(
    trained: Path, tmp_path: Path
) -> None:
    state = train(root=trained, source="kaggle", data=tmp_path, return_state=True)
    assert state.is_failed()
    assert "articles.csv" in str(state.message)
    assert "source: synthetic" in (trained / "params.yaml").read_text()


def alerts(root: Path) -> list[Alert]:
    return [stored.alert for stored in read_alerts(Project.at(root).monitoring / "alerts")]
