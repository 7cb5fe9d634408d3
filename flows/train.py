"""Training, start to end: DVC's stages, then what they made as the challenger.

The flow says when and asks; stages, gate and storefront compute. A second run waits for the first:
the deployment allows one at a time, and the lock file also covers runs started by hand and stages
that outlived a killed run. Waiting has a limit, after which the run ends and says who holds it,
rather than piling up behind something that hangs.
"""

import logging
from datetime import date
from pathlib import Path
from typing import IO, Annotated, Any, Final, Literal, cast

import typer
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Failed
from rich.console import Console

from flows import dvc
from flows.alerting import is_unattended, report_failure
from flows.challenger import enter_challenger
from flows.project import (
    Project,
    Source,
    choose_cut,
    choose_size,
    choose_source,
    link_kaggle_files,
    unlink_kaggle_files,
)
from flows.resources import Size
from flows.training_report import (
    Training,
    failure_page,
    print_next_steps,
    print_recommendations,
    print_scores,
)
from flows.ui import addresses
from hemline import columns, environment
from hemline.data.purchases import latest_cut
from hemline.data.split import DataParams
from hemline.engine.engine import open_engine
from hemline.errors import BadInput, full_disk_refused
from hemline.registry.versions import load_champion
from hemline.segments.cold_customers import ColdCustomer
from hemline.tables import SERVED_SCORES, read_table

WAIT_MINUTES: Final = 60
Latest = Literal["latest"]
LATEST: Final = "latest"
_ACQUIRE: Final = "acquire"
_FLOW: Final = "the flow itself"


class _UnfitWeek(Exception):  # noqa: N818  (says what happened)
    """The test week is not all there or breaks rules, and an alert has said so."""


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
        source: synthetic or kaggle; None leaves acquire.source in params.yaml as it is.
        size: of the generated shop; None leaves synthetic.size in params.yaml as it is.
        data: folder with the Kaggle files, linked into data/kaggle; None leaves that as it is.
        cut: the cut; "latest" is the last day whose whole test week lies in the data, None leaves
            data.cut in params.yaml as it is.
        week_end: in place of cut, the first day nothing is known of: the cut lies so far
            before it that the last known days are the test week.
        wait_minutes: how long to wait for another training run to finish.

    Returns:
        What it came to, or a failed state whose message says what to do.
    """
    root = root.resolve()
    environment.apply(root)
    logger = get_run_logger()
    try:
        with (
            full_disk_refused(root),
            dvc.training_lock(root, logger.info, wait_seconds=60 * wait_minutes) as lock,
        ):
            project = Project.at(root)
            if size is not None:  # first: it may refuse, and then nothing has changed
                choose_size(project, size, logger.info)
            if data is not None:
                link_kaggle_files(data, root / project.kaggle, logger.info)
            if source is not None:
                choose_source(project.params, source, logger.info)
            if source == "synthetic":
                unlink_kaggle_files(root / project.kaggle, logger.info)
            cut = _cut(project, cut, week_end)
            if isinstance(cut, date):
                choose_cut(project.params, cut, logger.info)
            states = _bring_up_to_date(project, lock, cut)
            broken = [stage for stage, state in states.items() if not state.is_completed()]
            if broken:
                return _failed(project, broken[0], states[broken[0]], week_end)
            return enter_challenger(project, states)
    except _UnfitWeek as unfit:
        logger.error("%s", unfit)  # noqa: TRY400  (as below; the alert is out)
        return Failed(message=str(unfit))
    except (BadInput, dvc.TrainingLocked) as refusal:
        logger.error("%s", refusal)  # noqa: TRY400  (the message is the whole story)
        report_failure(Project.at(root), logger, week_end=week_end, stage=_FLOW, said=str(refusal))
        return Failed(message=str(refusal))
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        report_failure(Project.at(root), logger, week_end=week_end, stage=_FLOW, said=said)
        raise


@task(cache_policy=NO_CACHE, task_run_name="{stage}")
def run_stage(stage: str, project: Project, lock: IO[str]) -> dvc.Outcome | State[Any]:
    """Bring one stage up to date; a failure shows the stage's own words, not a traceback."""
    logger = get_run_logger()
    try:
        return dvc.reproduce(stage, project.root, logger.info, lock=lock)
    except dvc.StageFailed as failure:
        create_markdown_artifact(
            failure_page(stage, failure.output, {"data checks": addresses().validation}),
            key=f"failed-{stage.replace('_', '-')}",
            description=f"Why stage {stage} failed",
        )
        return Failed(message=str(failure), data=failure)


def main(
    source: Annotated[Source | None, typer.Option(help="Sets acquire.source.")] = None,
    size: Annotated[Size | None, typer.Option(help="Sets synthetic.size.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the Kaggle files.")] = None,
    cut: Annotated[
        str | None, typer.Option(help="The cut: a day (2020-09-16), or the latest one.")
    ] = None,
) -> None:
    """Run the training and show what came of it; exit 1 with a short message if it failed."""
    day = cut if cut is None or cut == LATEST else _day(cut)
    state = train(source=source, size=size, data=data, cut=day, return_state=True)
    console = Console()
    logging.getLogger("prefect").setLevel(logging.WARNING)  # the last words are ours
    if not state.is_completed():
        failure = state.result(raise_on_failure=False)
        said = failure.output if isinstance(failure, dvc.StageFailed) else ""
        console.print(
            f"\n{state.message}\n{said}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        raise SystemExit(1)
    project = Project.at(Path.cwd())
    print_scores(project.root / project.reports, console)
    _, champion = load_champion()
    buyers = read_table(project.served_scores(), SERVED_SCORES)[columns.CUSTOMER_ID]
    buyer = champion.first_with_history(buyers.tolist())
    if buyer is not None:  # an older champion may know none of this week's buyers
        print_recommendations(champion.for_customer(buyer, 12), f"For customer {buyer}", console)
    cold_customer = ColdCustomer(age=25, club_member_status="ACTIVE")
    print_recommendations(
        champion.for_cold_customer(cold_customer, 12),
        "For a cold customer, 25 years old, club member",
        console,
    )
    print_next_steps(project, cast("Training", state.result()), console)


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
            "a training is told its cut or the day up to which everything is known, not both",
            found=f"cut {cut} and week_end {week_end}",
            fix="leave one of them out",
        )
    return DataParams.load(project.params).cut_before(week_end)


def _bring_up_to_date(
    project: Project, lock: IO[str], cut: date | Latest | None
) -> dict[str, State[Any]]:
    """Run the stages in DVC's order, and stop at the first that fails.

    How far the data reaches is known once they are acquired, so the cut is moved then.
    """
    states: dict[str, State[Any]] = {}
    for stage, upstream in dvc.stage_graph(project.root).items():
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
            choose_cut(project.params, cut, get_run_logger().info)
        if stage == _ACQUIRE and is_unattended():
            _check_test_week(project)
    return states


def _check_test_week(project: Project) -> None:
    """Raise _UnfitWeek, as the monitor refuses to judge, where nobody would see a broken week.

    Among two years of rows a broken week keeps the rules of stage validate.
    """
    from flows.check_data import check  # noqa: PLC0415  (slow, and for unwatched trainings alone)

    dates = DataParams.load(project.params)
    problem = check(project, dates.week_end, acts=True)
    if problem is not None:
        raise _UnfitWeek(problem)


def _failed(project: Project, stage: str, state: State[Any], week_end: date | None) -> State[Any]:
    said = state.data.output if isinstance(state.data, dvc.StageFailed) else str(state.message)
    report_failure(project, get_run_logger(), week_end=week_end, stage=stage, said=said)
    return Failed(message=state.message, data=state.data)


if __name__ == "__main__":
    environment.apply_or_start_again(Path.cwd(), "flows.train")
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
