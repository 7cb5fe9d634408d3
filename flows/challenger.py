"""From finished stages to a champion: one MLflow run, a version as challenger, the gate, the alert.

Each step recognises what it did before, so a training that changed nothing, or was killed between
two steps, leaves neither a second run nor a second version, and no version is judged twice.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State

from flows.addresses import addresses
from flows.alerting import report_verdict
from flows.locked_outputs import require_as_locked
from flows.project import Project
from flows.trace_lineage import NO_COMMIT, trace
from flows.training_report import Training, training_page
from flows.ui_pages import publish_project
from hemline import columns, tables
from hemline.clock import now
from hemline.data.split import DataParams
from hemline.errors import BadInput
from hemline.evaluation.gate.gate_verdict import GateVerdict
from hemline.evaluation.gate.guardrails import GateParams
from hemline.evaluation.protocol import EvaluateParams
from hemline.integrity import file_md5
from hemline.registry.fallback import needs_popularity, serve_popularity
from hemline.registry.promotion import existing_verdict, judge_challenger, record_verdict
from hemline.registry.runs import Lineage, find_run, record_run, run_page
from hemline.registry.versions import (
    CANARY,
    CHAMPION,
    EXPLORED,
    Version,
    canary_sentence,
    find_version,
    known_version,
    register_challenger,
    require_intact,
    tag_version,
    version_by_alias,
    version_page,
)
from hemline.rollout.advance import start_waiting
from hemline.rollout.canary_start import rollout_of
from hemline.segments.kmodes import ClusterParams
from hemline.segments.segmenting import collapsed
from hemline.shop.slot_evaluation import exploration_line


def enter_challenger(project: Project, states: Mapping[str, State[Any]]) -> Training:
    """Record, register, judge and report what the stages made, and return the result.

    Args:
        project: the project that was trained.
        states: the completed task run of each stage, by its name.
    """
    run_id, lineage = record(project, wait_for=list(states.values()))
    version, is_new = register(run_id, lineage)
    reason = challenge(version, project)
    fall_back(version, lineage, project, reason)
    canary = meet_visitors(version, project)
    dates = DataParams.load(project.params)
    publish_project(project.root)
    report_verdict(
        project, get_run_logger(), week_end=dates.week_end, version=version, reason=reason
    )
    explored = explored_places(version, project)
    champion = version_by_alias(CHAMPION)
    training = Training(
        outcomes={stage: state.result() for stage, state in states.items()},
        run_id=run_id,
        version=version.number,
        is_new=is_new,
        reason=reason,
        champion=champion.number if champion else None,
        is_popularity_alone=champion is not None and champion.is_popularity_alone,
        warnings=_warnings(project),
        explored=explored,
        canary=canary,
    )
    where = addresses()
    links = {
        "MLflow run": run_page(where.mlflow, run_id),
        "MLflow version": version_page(where.mlflow, version.number),
        "scores": where.scores,
        "data checks": where.validation,
    }
    scores = (project.root / project.reports / "scores.md").read_text(encoding="utf-8")
    create_markdown_artifact(
        training_page(training, scores, links), key="training", description="Result of the training"
    )
    return training


def _warnings(project: Project) -> tuple[str, ...]:
    segments = tables.read_table(project.version_files().segments, tables.SEGMENTS)
    n_clusters = ClusterParams.load(project.params).least_clusters
    warning = collapsed(n_clusters, segments[columns.CLUSTER].nunique())
    return (warning,) if warning else ()


@task(cache_policy=NO_CACHE, task_run_name="record")
def record(project: Project) -> tuple[str, Lineage]:
    """Record the training as one MLflow run, unless it is recorded already."""
    logger = get_run_logger()
    require_as_locked(project.root)
    files = project.version_files()
    version_files = tuple(path.relative_to(project.root) for path in vars(files).values())
    lineage = trace(project.root, tables=project.tables, version_files=version_files)
    if lineage.git_commit == NO_COMMIT:
        logger.warning(
            "this folder is not a git clone with a commit: the run is recorded without a commit"
        )
    hashes = {place: file_md5(path) for place, path in files.by_place().items()}
    lineage = replace(lineage, stored_hashes=json.dumps(hashes, sort_keys=True))
    run_id, known = find_run(lineage), find_version(lineage)
    if run_id is not None and (known is None or known.run_id != run_id or _is_intact(known)):
        logger.info("this dvc.lock is already recorded as MLflow run %s", run_id)
        return run_id, lineage
    reports, store = project.root / project.reports, project.root / ".hemline" / "mlartifacts"
    run_id = record_run(lineage, params=project.params, reports=reports, files=files, store=store)
    return run_id, lineage


@task(cache_policy=NO_CACHE, task_run_name="register")
def register(run_id: str, lineage: Lineage) -> tuple[Version, bool]:
    """Register the run's model as challenger, unless a version with the same content exists."""
    known = find_version(lineage)
    if known is None or not _is_intact(known):
        return register_challenger(run_id, lineage), True
    get_run_logger().info(
        "version %s has the same content: no new version registered", known.number
    )
    return known, False


def _is_intact(version: Version) -> bool:
    """Return whether the registry still has a version as it was registered, and log what differs.

    A version of a format that this code does not read counts as intact.
    """
    try:
        if version.is_readable:
            require_intact(version)
    except BadInput as damage:
        get_run_logger().warning("the files are registered anew: %s", damage)
        return False
    return True


@task(cache_policy=NO_CACHE, task_run_name="challenge")
def challenge(version: Version, project: Project) -> str:
    """Judge a version against the champion unless that was done before; return the reason."""
    earlier = existing_verdict(version, now())
    if earlier is not None:
        return earlier
    verdict, is_canary = rollout_of(_judge(version, project), project.root)
    while not record_verdict(version, verdict, now(), as_canary=is_canary):
        get_run_logger().info("the champion was changed meanwhile: judging again")
        version = known_version(version.number)
        verdict, is_canary = rollout_of(_judge(version, project), project.root)
    get_run_logger().info("version %s: %s", version.number, verdict.reason)
    return verdict.reason


@task(cache_policy=NO_CACHE, task_run_name="fall back")
def fall_back(version: Version, lineage: Lineage, project: Project, reason: str) -> None:
    """Let popularity alone serve where the gate decided so and nothing better does."""
    if not needs_popularity(known_version(version.number)):
        return
    alone = serve_popularity(
        lineage,
        project.version_files(),
        reason=reason,
        reports=project.root / project.reports,
        store=project.root / ".hemline" / "mlartifacts",
        at=now(),
    )
    if alone is not None:
        get_run_logger().warning("popularity alone serves, as version %s: %s", alone.number, reason)


@task(cache_policy=NO_CACHE, task_run_name="explored places")
def explored_places(version: Version, project: Project) -> str:
    """Say what a version would have sold in the shop's explored places, and tag it so.

    It informs: the verdict stands already, and does not depend on it.
    """
    sentence = exploration_line(project.root, int(version.number), now())
    if sentence:
        tag_version(version.number, {EXPLORED: sentence})
        get_run_logger().info("%s", sentence)
    return sentence


@task(cache_policy=NO_CACHE, task_run_name="meet visitors")
def meet_visitors(version: Version, project: Project) -> str:
    """Start the canary of a version that waits for one, and return where the version stands."""
    if CANARY not in known_version(version.number).tags:
        return ""
    for each in start_waiting(project.root):
        get_run_logger().info("version %d, %s: %s", each.version, each.did, each.reason)
    return canary_sentence(known_version(version.number))


def _judge(version: Version, project: Project) -> GateVerdict:
    evaluation = EvaluateParams.load(project.params)
    return judge_challenger(
        version,
        project.test_week(),
        project.root / project.reports / "fairness" / "gaps.csv",
        GateParams.load(project.params),
        n_samples=evaluation.bootstrap_samples,
        rng=np.random.default_rng(evaluation.seed),
    )
