"""Versions of the model in MLflow's registry: which one is live, and how another takes its place.

Two aliases tell the state: `challenger` is the newest version, `champion` the one that answers.
A version is registered once per content and judged once, however often the flow runs.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import yaml

from hemline.errors import BadInput
from hemline.evaluation.gate import (
    Verdict,
    has_seen_the_week,
    judge,
    judge_older_form,
    judge_other_data,
    judge_unopposed,
    refuse_comparison,
)
from hemline.registry.runs import Lineage
from hemline.storefront import FORM, Storefront, VersionFiles, Week

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

MODEL: Final = "hemline"
CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
GATE_REASON: Final = "gate.reason"


@dataclass(frozen=True)
class Version:
    """A registered version of the model."""

    number: str
    run_id: str
    tags: Mapping[str, str]

    @property
    def as_of(self) -> date:
        """The cut it was fitted at."""
        return date.fromisoformat(self.tags["as_of"])

    @property
    def form(self) -> str:
        """The form of its files; the first versions did not say."""
        return self.tags.get("form", "1")


def find_version(lineage: Lineage) -> Version | None:
    """Return the version that carries the same content, or None."""
    same = f"name = '{MODEL}' and tags.models_hash = '{lineage.models_hash}'"
    found = _client().search_model_versions(same)
    return _version(max(found, key=lambda one: int(one.version))) if found else None


def register_challenger(run_id: str, lineage: Lineage) -> Version:
    """Register the model of a run as a new version with the alias challenger, and return it."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  (see registry.runs)

    client = _client()
    try:
        client.get_registered_model(MODEL)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.create_registered_model(MODEL, description="Recommends articles to customers.")
    outputs = client.get_run(run_id).outputs
    if outputs is None:
        raise RuntimeError(f"MLflow run {run_id} holds no model")
    model_id = outputs.model_outputs[0].model_id
    created = client.create_model_version(
        MODEL,
        source=f"models:/{model_id}",
        run_id=run_id,
        model_id=model_id,
        tags=asdict(lineage),
    )
    client.set_registered_model_alias(MODEL, CHALLENGER, created.version)
    return _version(created)


def version_by_alias(alias: str) -> Version | None:
    """Return the version with the alias (champion or challenger), or None."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  (see registry.runs)

    client = _client()
    try:
        return _version(client.get_model_version_by_alias(MODEL, alias))
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise


def meet_champion(
    challenger: Version,
    week: Week,
    challenger_ap: npt.NDArray[np.float64],
    *,
    n_samples: int,
    rng: np.random.Generator,
) -> Verdict:
    """Return the gate's verdict on a version, the champion asked with the same week's histories.

    Args:
        challenger: the version to judge.
        week: its test week.
        challenger_ap: its AP@12 per buyer of the week, in the order of customer keys.
        n_samples: bootstrap resamples.
        rng: draws them.
    """
    champion = version_by_alias(CHAMPION)
    if champion is None or champion.number == challenger.number:
        return judge_unopposed()
    if champion.tags["source"] != challenger.tags["source"]:
        return judge_other_data(champion.tags["source"], challenger.tags["source"])
    if champion.form != challenger.form:
        return judge_older_form()
    if has_seen_the_week(champion.as_of, challenger.as_of):
        return refuse_comparison(champion.as_of, challenger.as_of)
    champion_ap = load_version(champion).average_precision(week)
    return judge(champion_ap, challenger_ap, n_samples=n_samples, rng=rng)


def record_verdict(version: Version, verdict: Verdict) -> None:
    """Tag the version with the gate's numbers and, if it won, make it the champion.

    `gate.reason` comes last: a version without it, its judging cut short, is judged again.
    """
    client = _client()
    previous = version_by_alias(CHAMPION)
    tags = {
        "gate.promoted": str(verdict.promotes).lower(),
        "gate.previous_champion": previous.number if previous else "none",
    }
    if verdict.comparison is not None:
        seen = verdict.comparison
        tags |= {
            "gate.champion_map_at_12": f"{seen.champion:.6f}",
            "gate.challenger_map_at_12": f"{seen.challenger:.6f}",
            "gate.difference": f"{seen.difference:+.6f}",
            "gate.interval": f"[{seen.low:+.6f}, {seen.high:+.6f}]",
            "gate.customers": str(seen.n_customers),
        }
    for name, value in tags.items():
        client.set_model_version_tag(MODEL, version.number, name, value)
    if verdict.promotes:
        set_champion(version.number)
    client.update_model_version(MODEL, version.number, description=verdict.reason)
    client.set_model_version_tag(MODEL, version.number, GATE_REASON, verdict.reason)


def set_champion(number: str) -> None:
    """Make a version the champion, whatever was before; this is also how one goes back."""
    _client().set_registered_model_alias(MODEL, CHAMPION, number)


def load_version(version: Version) -> Storefront:
    """Return a version ready to answer, its files fetched if they lie elsewhere."""
    from mlflow.artifacts import download_artifacts  # noqa: PLC0415  (see registry.runs)

    folder = Path(download_artifacts(artifact_uri=f"models:/{MODEL}/{version.number}"))
    model = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    stored = model["flavors"]["python_function"]["artifacts"]
    return Storefront(
        VersionFiles.of({name: folder / artifact["path"] for name, artifact in stored.items()})
    )


def load_champion() -> tuple[Version, Storefront]:
    """Return the champion and its storefront.

    Raises:
        BadInput: there is no champion yet, or its files have a form of before.
    """
    champion = version_by_alias(CHAMPION)
    if champion is None:
        raise BadInput(
            f"the registry has a version of '{MODEL}' with the alias '{CHAMPION}'",
            found="none",
            fix="train one: make demo",
        )
    if champion.form != FORM:
        raise BadInput(
            f"the champion's files have the form this code reads ({FORM})",
            found=f"version {champion.number} has form {champion.form}",
            fix="train a new one, which takes its place: make demo, or make real DATA=<folder>",
        )
    return champion, load_version(champion)


def version_page(address: str, number: str) -> str:
    """Return the address of a version's page."""
    return f"{address}/#/models/{MODEL}/versions/{number}"


def _client() -> "MlflowClient":
    from mlflow import MlflowClient  # noqa: PLC0415  (see registry.runs)

    return MlflowClient()


def _version(found: "ModelVersion") -> Version:
    return Version(str(found.version), str(found.run_id), dict(found.tags))
