"""What a backtest fits: the rows, the cuts, and every week's lists, cached under a fingerprint.

Fitting takes hours, so each week's *lists* are cached, under a name with the cut and a fingerprint
of parameters, tables and the code that fits: an interrupted run resumes, a new metric needs no
fitting, and nothing stale is read. Libraries are not in the fingerprint: after an upgrade use
--fresh. Old files stay until somebody deletes them.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml

from hemline import columns, files, tables
from hemline.data.guest_sales import select_guests
from hemline.data.histories import Histories
from hemline.data.history_building import read_unlikes
from hemline.data.purchases import select_purchases
from hemline.data.split import DataParams, weeks_of
from hemline.engine.engine import EngineParams, open_engine
from hemline.errors import BadInput
from hemline.evaluation.held_out_week import Lists, lists_of
from hemline.evaluation.order_choice import choose_served
from hemline.evaluation.protocol import BASELINE, RULES, SERVED, EvaluateParams
from hemline.evaluation.score_rows import build_rows
from hemline.evaluation.served_candidates import ChooseParams
from hemline.models.catalogue import CATALOGUE, TIMELESS
from hemline.models.ranker.ranker import Ranker
from hemline.models.ranker.ranker_training import RankParams
from hemline.models.recommender import Recommender
from hemline.models.served_orders import ServedOrders, ServeParams
from hemline.segments.kmodes import ClusterParams
from hemline.training.model_fitting import fit_models
from hemline.training.order_scores import score_orders
from hemline.training.ranker_fitting import fit_ranker
from hemline.training.ranker_weeks import RankerWeek, make_ranker_weeks
from hemline.training.training_shop import Shop

_CODE: Final = (
    "backtest/weekly_lists.py",
    "columns.py",
    "data",
    "evaluation/metrics.py",
    "evaluation/order_choice.py",
    "evaluation/protocol.py",
    "evaluation/score_rows.py",
    "evaluation/served_candidates.py",
    "evaluation/significance.py",
    "evaluation/validation_week.py",
    "evaluation/held_out_week.py",
    "kernels",
    "models",
    "segments",
    "tables.py",
    "training",
)
_WITHOUT_EFFECT: Final = frozenset(
    # They change no list, or what they change is in the fingerprint: the tables and the rows.
    ("acquire", "synthetic", "validate", "serve", "evaluate", "fairness")
) | {"gate", "monitor", "performance", "fresh_data", "alerts"}  # only flows read these


@dataclass(frozen=True)
class Backtest:
    """The rows that are fitted and scored, and the files they are read from and written to.

    Attributes:
        params: params.yaml.
        table_folder: the tables of acquire.
        segments: tables.SEGMENTS.
        folder: for the lists of each week and the reports.
        evaluation: the requested rows, and how they are scored.
        serve: None where the served lists were not requested.
    """

    params: Path
    table_folder: Path
    segments: Path
    folder: Path
    evaluation: EvaluateParams
    serve: ServeParams | None

    @classmethod
    def of(
        cls,
        params: Path,
        table_folder: Path,
        segments: Path,
        folder: Path,
        only: Collection[str] = (),
    ) -> Self:
        """Return the backtest of all rows of params.yaml, or of some and the two baselines.

        Raises:
            BadInput: a requested row is not in params.yaml.
        """
        evaluation, serve = EvaluateParams.load(params), ServeParams.load(params)
        unknown = set(only) - {*evaluation.rows, SERVED}
        if unknown:
            raise BadInput(
                f"--rows names rows of the score table ({', '.join([*evaluation.rows, SERVED])})",
                found=", ".join(sorted(unknown)),
                fix="name rows of evaluate.rows in params.yaml, separated by commas",
            )
        rows = {
            name: order
            for name, order in evaluation.rows.items()
            if not only or name in {*only, BASELINE, RULES}
        }
        is_served = not only or SERVED in only
        evaluation = evaluation.model_copy(update={"rows": rows})
        return cls(params, table_folder, segments, folder, evaluation, serve if is_served else None)

    @property
    def models(self) -> set[str]:
        """Names of the models of all rows."""
        rows = {model for order in self.evaluation.rows.values() for model in order}
        if self.serve is None:
            return rows
        may_serve = ChooseParams.load(self.params).models if self.serve.chosen_kinds else set()
        return rows | may_serve | self.serve.with_chosen((), ()).models

    def cuts(self, n_weeks: int) -> list[date]:
        """Return the first days of the weeks, latest first."""
        data = DataParams.load(self.params)
        return [data.cut - timedelta(days=data.test_days * back) for back in range(n_weeks)]

    def load_shop(self, n_weeks: int) -> Shop:
        """Return everything that the cuts need, the weeks after them included.

        Raises:
            BadInput: a table is not there.
        """
        absent = [str(path) for path in _tables_of(self) if not path.exists()]
        if absent:
            raise BadInput(
                "a backtest reads the tables and segments that the pipeline makes",
                found=f"no {', '.join(absent)}",
                fix="run the pipeline first: make demo, or dvc repro cluster",
            )
        data = DataParams.load(self.params)
        earliest = data.model_copy(update={"cut": self.cuts(n_weeks)[-1]})
        with open_engine(EngineParams.load(self.params)) as engine:
            purchases = select_purchases(
                engine,
                self.table_folder / "transactions.parquet",
                start=weeks_of(earliest).history_start,
                end=weeks_of(data).test_end,
            )
            guests = select_guests(
                engine,
                self.table_folder / "guest_sales.parquet",
                start=weeks_of(earliest).history_start,
                end=weeks_of(data).test_end,
            )
        articles, customers = (
            tables.read_described(self.table_folder / f"{name}.parquet", schema)
            for name, schema in (("articles", tables.ARTICLES), ("customers", tables.CUSTOMERS))
        )
        segments = tables.read_table(self.segments, tables.SEGMENTS)
        clusters = ClusterParams.load(self.params)
        return Shop(
            purchases,
            articles,
            segments,
            data,
            read_unlikes(_unlikes_of(self)),
            customers,
            clusters,
            guests,
        )


@dataclass(frozen=True)
class Reused:
    """What one cut hands to the next, earlier one.

    Attributes:
        ranked_weeks: the ranker's training weeks, by first day; neighbouring cuts share most.
        timeless: models that do not depend on purchases.
        cold_scores: of earlier weeks for cold customers, by first day.
    """

    ranked_weeks: dict[date, RankerWeek] = field(default_factory=dict)
    timeless: dict[str, Recommender] = field(default_factory=dict)
    cold_scores: dict[date, pd.DataFrame] = field(default_factory=dict)


def lists_at(
    test: Backtest, shop: Shop, cut: date, customers: npt.NDArray[np.int64], reused: Reused
) -> Lists:
    """Return every row's lists for the customers, fitting the models first."""
    return lists_for(test, shop, cut, shop.known_at(cut).rows(customers), reused)


def lists_for(test: Backtest, shop: Shop, cut: date, known: Histories, reused: Reused) -> Lists:
    """Return every row's lists for these histories, fitting the models first."""
    codes = shop.articles[columns.PRODUCT_CODE].tolist()
    fitted, served = _fit(test, shop, cut, reused)
    rows = build_rows(test.evaluation, served, fitted, codes)
    return lists_of(rows, known, test.evaluation.list_length)


def fingerprint(test: Backtest) -> str:
    """Return a hash of all that the lists of a cut depend on: parameters, tables, fitting code."""
    sections = yaml.safe_load(test.params.read_text(encoding="utf-8"))
    rows = {**test.evaluation.rows, SERVED: test.serve.model_dump() if test.serve else None}
    used = {name: value for name, value in sections.items() if name not in _WITHOUT_EFFECT}
    used["data"] = {key: days for key, days in used["data"].items() if key != "cut"}
    text = json.dumps([used, rows, test.evaluation.list_length], sort_keys=True)
    unlikes = [path for path in (_unlikes_of(test),) if path.exists()]
    return files.fingerprint(text, *_tables_of(test), *unlikes, *_code())[:12]


def save_lists(lists: Lists, path: Path) -> None:
    """Write the lists of every row, all of one shape."""
    with files.replaced_file(path) as unfinished, unfinished.open("wb") as file:
        np.savez(file, rows=np.array(list(lists)), articles=np.stack(list(lists.values())))


def load_lists(path: Path) -> Lists | None:
    """Return the lists stored at path, by name of the row, or None without a whole file.

    What is cached can be made again; the checksums of a zip file find the damage.
    """
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return dict(zip(map(str, stored["rows"]), stored["articles"], strict=True))
    except Exception:  # noqa: BLE001  (zipfile and numpy raise a dozen kinds on damaged bytes)
        return None


def _fit(
    test: Backtest, shop: Shop, cut: date, reused: Reused
) -> tuple[dict[str, Recommender], ServedOrders | None]:
    """Return the models of all rows, and what serves: chosen in weeks before this cut."""
    is_chosen = test.serve is not None and bool(test.serve.chosen_kinds)
    is_ranked = is_chosen or Ranker.name in test.models
    candidates = RankParams.load(test.params).candidates if is_ranked else ()
    names = (test.models | (set(candidates) & CATALOGUE.keys())) - {Ranker.name}
    fitted = fit_models(shop, cut, test.params, sorted(names), fitted=reused.timeless)
    reused.timeless.update({name: fitted[name] for name in fitted if name in TIMELESS})
    rows: dict[str, Recommender] = {**fitted}
    weeks = list[RankerWeek]()
    if is_ranked:
        made = reused.ranked_weeks
        weeks = make_ranker_weeks(shop, cut, test.params, fitted, made)
        rows[Ranker.name] = fit_ranker(shop, cut, test.params, fitted, weeks)
        latest = cut - timedelta(days=shop.data.validation_days)
        for start in [start for start in made if start >= latest]:
            del made[start]  # earlier cuts train on earlier weeks only
    return rows, _served(test, shop, weeks, reused)


def _served(
    test: Backtest, shop: Shop, weeks: list[RankerWeek], reused: Reused
) -> ServedOrders | None:
    if test.serve is None:
        return None
    if not test.serve.chosen_kinds:
        return test.serve.with_chosen((), ())
    scores = score_orders(weeks, shop, test.params, reused.cold_scores)
    orders, _ = choose_served(scores, test.serve, ChooseParams.load(test.params))
    return orders


def _tables_of(test: Backtest) -> tuple[Path, ...]:
    folder = test.table_folder
    names = ("transactions", "articles", "customers")
    return (*(folder / f"{name}.parquet" for name in names), test.segments)


def _unlikes_of(test: Backtest) -> Path:
    return test.table_folder / "unlikes.parquet"


def _code() -> Iterator[Path]:
    for name in _CODE:
        path = Path(__file__).parents[1] / name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]
