"""Whether params.yaml says what a run needs, checked before the run changes anything.

Each stage checks its own sections too, but the last of them starts an hour after the first.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from hemline.data.acquire.source_params import SourceParams
from hemline.data.acquire.typed_tables import AcquireParams
from hemline.data.expectations.thresholds import ValidateParams
from hemline.data.split import DataParams
from hemline.data.synthetic.shop import SyntheticParams
from hemline.engine.engine import EngineParams
from hemline.errors import BadInput
from hemline.experiments.experiment_params import ExperimentParams
from hemline.models.popularity import PopularityParams
from hemline.params import Section, read_mapping
from hemline.serving.answers_params import AnswersParams
from hemline.shop.shop_params import ShopParams
from hemline.simulation.living_params import LivingParams
from hemline.simulation.simulation_params import SimulationParams
from monitoring.alerts.alert import AlertParams
from monitoring.champion_lists import PerformanceParams
from monitoring.completeness import FreshDataParams
from monitoring.monitor_params import MonitorParams

_ROW: Final = re.compile(r"(?=.*[^\W_])[\w .:-]{1,100}")

MONITORING: tuple[type[Section], ...] = (
    AcquireParams,
    SourceParams,
    DataParams,
    EngineParams,
    ValidateParams,
    FreshDataParams,
    MonitorParams,
    PerformanceParams,
    PopularityParams,
    AlertParams,
)
"""What a run of the monitor reads."""


def check_monitor_params(params: Path) -> None:
    """Check what a run of the monitor reads; raises BadInput for the first thing wrong."""
    _check(params, MONITORING)


def check_all_params(params: Path) -> None:
    """Check every section, and that there is no other; raises BadInput for the first thing wrong.

    Imports every model, which takes some seconds.
    """
    sections = all_sections()
    unknown = read_mapping(params).keys() - {section.section for section in sections}
    if unknown:
        raise BadInput(
            f"{params.name} has the sections that Hemline reads",
            found=f"also {', '.join(sorted(map(str, unknown)))}",
            fix="correct the name, or delete the section",
        )
    _check(params, sections)
    _check_rows(params)
    _check_models(params)


def all_sections() -> list[type[Section]]:
    """Return the class of every section of params.yaml, sorted by the section's name."""
    from hemline.content.embeddings import EmbeddingsParams  # noqa: PLC0415  (slow)
    from hemline.evaluation.fairness.audit import FairnessParams  # noqa: PLC0415  (slow)
    from hemline.evaluation.gate.guardrails import GateParams  # noqa: PLC0415  (slow)
    from hemline.evaluation.protocol import EvaluateParams  # noqa: PLC0415  (slow)
    from hemline.evaluation.served_candidates import ChooseParams  # noqa: PLC0415  (slow)
    from hemline.models.catalogue import CATALOGUE, entry_of  # noqa: PLC0415  (slow)
    from hemline.models.ranker.ranker_training import RankParams  # noqa: PLC0415  (slow)
    from hemline.models.served_orders import ServeParams  # noqa: PLC0415  (slow)
    from hemline.segments.kmodes import ClusterParams  # noqa: PLC0415  (slow)

    others: tuple[type[Section], ...] = (
        AnswersParams,
        ChooseParams,
        ClusterParams,
        EmbeddingsParams,
        EvaluateParams,
        ExperimentParams,
        FairnessParams,
        GateParams,
        LivingParams,
        RankParams,
        ServeParams,
        ShopParams,
        SimulationParams,
        SyntheticParams,
    )
    sections = {*MONITORING, *others, *(entry_of(name).params for name in CATALOGUE)}
    return sorted(sections, key=lambda section: section.section)


def _check_rows(params: Path) -> None:
    """Refuse what MLflow would refuse as the name of a metric, after all stages have run."""
    from hemline.evaluation.protocol import EvaluateParams  # noqa: PLC0415  (slow)

    refused = [name for name in EvaluateParams.load(params).rows if not _ROW.fullmatch(name)]
    if refused:
        raise BadInput(
            "a name in evaluate.rows has up to 100 letters, digits, spaces and _ - . :, and not "
            "only signs",
            found=", ".join(map(repr, refused)),
            fix=f"rename it in {params.name}, also in fairness.rows",
        )


def _check_models(params: Path) -> None:
    """Refuse the name of a model that there is not before hours are spent on the others."""
    from hemline.evaluation.protocol import EvaluateParams  # noqa: PLC0415  (slow)
    from hemline.evaluation.served_candidates import ChooseParams  # noqa: PLC0415  (slow)
    from hemline.models.cascade import RANK  # noqa: PLC0415  (slow)
    from hemline.models.catalogue import CATALOGUE  # noqa: PLC0415  (slow)
    from hemline.models.served_orders import ServeParams  # noqa: PLC0415  (slow)

    choose, serve = ChooseParams.load(params), ServeParams.load(params).with_chosen((), ())
    rows = {name for order in EvaluateParams.load(params).rows.values() for name in order}
    unknown = (rows | choose.models | serve.models) - {RANK, *CATALOGUE}
    if unknown:
        raise BadInput(
            f"evaluate.rows, choose and serve name models ({', '.join([RANK, *CATALOGUE])})",
            found=", ".join(sorted(map(repr, unknown))),
            fix=f"correct the name in {params.name}",
        )


def _check(params: Path, sections: Iterable[type[Section]]) -> None:
    for section in sections:
        section.load(params)
