"""Training, start to end: DVC's stages, then their result as the challenger of the champion.

The flow decides when; stages, gate and storefront compute. A second run waits for the first: the
deployment allows one at a time, and the lock file also covers runs started by hand and stages that
outlived a killed run. Waiting has a limit, so that runs do not pile up behind one that hangs; the
message then names the process that holds the lock.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import IO, Annotated, Any, Final, Literal, cast

import typer
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows import dvc
from flows.addresses import addresses
from flows.alerting import is_unattended, report_failure
from flows.challenger import enter_challenger
from flows.command_line import run_command
from flows.project import (
    Project,
    Source,
    choose_cut,
    choose_size,
    choose_source,
    fetch_source,
    link_source_files,
    unlink_source_files,
)
from flows.screen import RunFailed, expect_steps, open_screen, show, step, unrecorded_end
from flows.sections import check_all_params
from flows.training_report import (
    Training,
    failure_page,
    live_version,
    print_report,
)
from flows.ui_pages import publish_project
from hemline import environment
from hemline.cli.flow_commands import Size
from hemline.data.purchases import latest_cut
from hemline.data.split import DataParams
from hemline.engine.engine import open_engine
from hemline.errors import BadInput, full_disk_refused
from monitoring.records import MonitorRecords

WAIT_MINUTES: Final = 60
Latest = Literal["latest"]
LATEST: Final = "latest"
_ACQUIRE: Final = "acquire"
_FLOW: Final = "the flow itself"
_RESULTS: Final[Mapping[dvc.Outcome, str]] = {
    "ran": "done",
    "restored": "restored",
    "skipped": "unchanged",
}


class _UnfitWeek(Exception):  # noqa: N818  (says what happened)
    """The test week is incomplete or breaks rules, and an alert was raised."""


@flow(name="train")
def train(
    root: Path = Path(),
    source: Source | None = None,
    size: Size | None = None,
    data: Path | None = None,
    cut: date | Latest | None = None,
    week_end: date | None = None,
    wait_minutes: float = WAIT_MINUTES,
) -> Training | State[Any]:
    """Bring every stage up to date, record the result, and let it challenge the champion.

    Args:
        root: the project folder.
        source: where the data come from; None: what `data` holds, or acquire.source in params.yaml.
        size: of the generated shop; None leaves synthetic.size in params.yaml as it is.
        data: folder with the files, linked into data/source; None leaves that as it is.
        cut: the cut; "latest" is the last day whose whole test week lies in the data, None leaves
            data.cut in params.yaml as it is, but is "latest" where `data` are described files.
        week_end: in place of cut, the first day after the data: the cut lies before it by the
            length of the test week.
        wait_minutes: how long to wait for another training run to finish.

    Returns:
        The result, or a failed state whose message says what to do.
    """
    root = root.resolve()
    environment.apply(root)
    logger = get_run_logger()
    try:
        publish_project(root)
        with (
            full_disk_refused(root),
            dvc.training_lock(root, _inform, wait_seconds=60 * wait_minutes) as lock,
        ):
            project = Project.at(root)
            check_all_params(project.params)
            if size is not None:  # first: it may refuse, and then nothing has changed
                choose_size(project, size, _inform)
            is_described = _choose_data(project, source, data) == "mapped"
            cut = _cut(project, cut, week_end) or (LATEST if data and is_described else None)
            fetch_source(project, _inform)
            if isinstance(cut, date):
                choose_cut(project.params, cut, _inform)
            states = _bring_up_to_date(project, lock, cut)
            broken = [stage for stage, state in states.items() if not state.is_completed()]
            if broken:
                return _failed(project, broken[0], states[broken[0]], week_end)
            with step("register and judge"):
                return enter_challenger(project, states)
    except _UnfitWeek as unfit:
        logger.error("%s", unfit)  # noqa: TRY400  (as below; the alert is out)
        return Failed(message=str(unfit))
    except (BadInput, dvc.TrainingLocked) as refusal:
        logger.error("%s", refusal)  # noqa: TRY400  (the message is the whole story)
        return _refused(root, refusal, week_end)
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        report_failure(Project.at(root), logger, week_end=week_end, stage=_FLOW, message=message)
        raise


@task(cache_policy=NO_CACHE, task_run_name="{stage}")
def run_stage(stage: str, project: Project, lock: IO[str]) -> dvc.Outcome | State[Any]:
    """Bring one stage up to date; a failure shows the stage's own output, not a traceback."""
    try:
        with step(stage, get_run_logger().info) as shown:
            outcome = dvc.reproduce(stage, project.root, shown.output, lock=lock)
            shown.result = _RESULTS[outcome]
            return outcome
    except dvc.StageFailed as failure:
        publish_project(project.root)
        create_markdown_artifact(
            failure_page(stage, failure.output, {"data checks": addresses().validation}),
            key=f"failed-{stage.replace('_', '-')}",
            description=f"Why stage {stage} failed",
        )
        return Failed(message=str(failure), data=failure)


def main(
    source: Annotated[
        Source | None, typer.Option(help="Where the data come from; sets acquire.source.")
    ] = None,
    size: Annotated[
        Size | None, typer.Option(help="Size of the generated shop; sets synthetic.size.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the files, linked into data/source.")
    ] = None,
    cut: Annotated[
        str | None,
        typer.Option(help="Train on what was bought before this day (2020-09-16), or 'latest'."),
    ] = None,
) -> None:
    """Bring every stage up to date, register the result and let it challenge the champion.

    What an option leaves out stays as it is in params.yaml.
    """
    day = cut if cut is None or cut == LATEST else _day(cut)
    with open_screen("train") as screen:
        with unrecorded_end(live_version):
            state = train(source=source, size=size, data=data, cut=day, return_state=True)
        if not state.is_completed():
            failure = state.result(raise_on_failure=False)
            output = f"\n{failure.output}" if isinstance(failure, dvc.StageFailed) else ""
            raise RunFailed(f"{state.message}{output}\n\n{live_version()}")
        print_report(Project.at(Path.cwd()), cast("Training", state.result()), screen.console)


def _choose_data(project: Project, source: Source | None, data: Path | None) -> Source | None:
    """Link the files of `data`, set acquire.source, and return it; None leaves both as they are."""
    folder = project.root / project.source
    if data is not None:
        source = link_source_files(data, folder, project.params, source, _inform)
    if source is not None:
        choose_source(project.params, source, _inform)
    if source == "synthetic":
        unlink_source_files(folder, _inform)
    return source


def _inform(message: str) -> None:
    """Log a message and show it."""
    get_run_logger().info(message)
    show(message)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither a day like 2020-09-16 nor 'latest'"
        ) from None


def _cut(
    project: Project, cut: date | Latest | None, week_end: date | None
) -> date | Latest | None:
    if week_end is None:
        return cut
    if cut is not None:
        raise BadInput(
            "a training has either a cut or a week_end",
            found=f"cut {cut} and week_end {week_end}",
            fix="leave one of them out",
        )
    return DataParams.load(project.params).cut_before(week_end)


def _bring_up_to_date(
    project: Project, lock: IO[str], cut: date | Latest | None
) -> dict[str, State[Any]]:
    """Run the stages in DVC's order, and stop at the first that fails.

    The last day of the data is known once they are acquired, so the latest cut is set then.
    """
    states: dict[str, State[Any]] = {}
    graph = dvc.stage_graph(project.root)
    expect_steps(len(graph) + 1)
    for stage, upstream in graph.items():
        states[stage] = run_stage(
            stage,
            project,
            lock,
            wait_for=[states[name] for name in upstream],
            return_state=True,
        )
        if not states[stage].is_completed():
            break
        if stage == _ACQUIRE and cut == LATEST:
            transactions = project.root / project.tables / "transactions.parquet"
            test_days = DataParams.load(project.params).test_days
            with open_engine(project.engine) as engine:
                cut = latest_cut(engine, transactions, test_days=test_days)
            choose_cut(project.params, cut, _inform)
        if stage == _ACQUIRE and is_unattended():
            _check_test_week(project)
    return states


def _check_test_week(project: Project) -> None:
    """Raise _UnfitWeek for a week that the monitor would refuse to judge.

    Stage validate checks two years of rows, among which one broken week keeps its rules.
    """
    from flows.check_data import check  # noqa: PLC0415  (slow, and for scheduled trainings only)

    dates = DataParams.load(project.params)
    live = MonitorRecords(project.monitoring)
    problem = check(project, live, dates.week_end, dry_run=False)
    if problem is not None:
        raise _UnfitWeek(problem)


def _refused(root: Path, refusal: Exception, week_end: date | None) -> State[Any]:
    logger = get_run_logger()
    try:
        project = Project.at(root)
        report_failure(project, logger, week_end=week_end, stage=_FLOW, message=str(refusal))
    except BadInput as unread:  # nobody can be alerted if it is params.yaml that is broken
        logger.error("no alert was sent: %s", unread)  # noqa: TRY400  (the message says it all)
    return Failed(message=str(refusal))


def _failed(project: Project, stage: str, state: State[Any], week_end: date | None) -> State[Any]:
    message = state.data.output if isinstance(state.data, dvc.StageFailed) else str(state.message)
    report_failure(project, get_run_logger(), week_end=week_end, stage=stage, message=message)
    return Failed(message=state.message, data=state.data)


if __name__ == "__main__":
    run_command("train", main)
