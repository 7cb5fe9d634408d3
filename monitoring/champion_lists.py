"""What the champion answers the buyers of a past week, asked as it would have been asked then.

Histories end before the week, are built for the buyers alone and are handed over as files, so that
a version answers exactly as it does at the gate. Of more buyers than `performance.max_buyers` an
even draw is asked, the same one every time: at full size a week has 69,000 buyers, and 2,000 give
an interval that is narrow enough to judge by.

Asking is what costs, so answers are kept, under the fingerprint of version and question: a replay
asks once, and tables that were delivered anew are asked about anew. The price: the code that asks
is not in the fingerprint, so after changing it delete the folder.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Final, Self

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import PositiveInt

from hemline import columns, tables
from hemline.data.histories import Histories, build_histories, save_histories
from hemline.data.purchases import select_purchases
from hemline.data.split import DataParams, weeks_of
from hemline.engine.engine import Engine
from hemline.evaluation.protocol import AP, hits_in, score_customers
from hemline.evaluation.version_lists import LIST_LENGTH, TargetWeek, WeekLists
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.popularity import PopularityParams, fit_popularity
from hemline.params import Section
from hemline.registry.versions import Version
from hemline.storefront import Storefront

WEEK: Final = timedelta(weeks=1)

Champion = tuple[Version, Storefront]
"""As registry.versions.load_champion returns it."""

ANSWERS: Final = pa.schema(
    [
        (columns.CUSTOMER, pa.int32()),
        ("is_cold", pa.bool_()),
        ("articles", pa.list_(pa.int32())),
        ("repeat_share", pa.float64()),
        ("ap_at_12", pa.float64()),
        ("popularity_ap_at_12", pa.float64()),
        ("n_on_sale", pa.int32()),
        ("question", pa.string()),
    ]
)
"""One row per buyer asked. `articles` are today's keys, 12 of them, NO_ARTICLE where a list ends;
`repeat_share`: of the listed articles, those the customer had bought; `n_on_sale`: articles bought
by anybody within popularity.window_days before the week; `question`: the fingerprint."""


class PerformanceParams(Section):
    """How many buyers of a week are asked about, and how what they answer is summed up."""

    section: ClassVar[str] = "performance"
    max_buyers: PositiveInt
    bootstrap_samples: PositiveInt
    coverage_lists: PositiveInt
    seed: int


@dataclass(frozen=True)
class Asking:
    """Who is asked about which shop, and what decides the questions.

    Attributes:
        engine: what reads the tables.
        tables: folder of the tables of acquire, which keep the rules: every key has its row.
        champion: who is asked.
        kept: folder of answers, a file per version and week.
        params: how many buyers.
        data: how far histories reach back.
        popularity: of the baseline.
    """

    engine: Engine
    tables: Path
    champion: Champion
    kept: Path
    params: PerformanceParams
    data: DataParams
    popularity: PopularityParams

    @classmethod
    def of(
        cls, engine: Engine, table_folder: Path, champion: Champion, params: Path, kept: Path
    ) -> Self:
        """Return it with the sections of params.yaml."""
        return cls(
            engine,
            table_folder,
            champion,
            kept,
            PerformanceParams.load(params),
            DataParams.load(params),
            PopularityParams.load(params),
        )

    def has_seen(self, week_end: date) -> bool:
        """Return whether the champion was fitted on a day of the week before week_end, or later."""
        version, _ = self.champion
        return version.cut > week_end - WEEK

    @property
    def transactions(self) -> Path:
        """Return the table of transactions."""
        return self.tables / "transactions.parquet"


@dataclass(frozen=True)
class _Question:
    """The buyers of a week, what was known of them before it, and what popularity says.

    Attributes:
        customers: their keys, rising; row i of everything else is about customer i.
        people: tables.CUSTOMERS.
        known: histories at the first day of the week.
        bought: what they bought in the week.
        favourites: int32 of shape (12,); the popularity baseline's list at the same day.
        n_on_sale: how many articles somebody bought in the days that popularity looks at.
    """

    customers: npt.NDArray[np.int32]
    people: pa.Table
    known: Histories
    bought: Histories
    favourites: npt.NDArray[np.int32]
    n_on_sale: int


def ask_about(week_end: date, asking: Asking) -> pd.DataFrame:
    """Return ANSWERS of the champion for the buyers of [week_end - 7 days, week_end).

    It may have seen the week; nothing on or after week_end - 7 days reaches the question.

    Raises:
        BadInput: no transaction lies in the week, or in the days before it that popularity counts.
    """
    version, storefront = asking.champion
    path = asking.kept / f"{version.number}-{week_end}.parquet"
    question = _question(week_end, asking)
    with TemporaryDirectory() as folder:
        week = _write(question, asking.tables, Path(folder))
        fingerprint = _fingerprint(week, question, version)
        earlier = tables.read_table(path, ANSWERS) if path.exists() else None
        if earlier is not None and earlier["question"].eq(fingerprint).all():
            return earlier
        answers = _answers(
            question, storefront.lists_for_week(TargetWeek.read(**week)), fingerprint
        )
    tables.write_table(answers, path, ANSWERS)
    return tables.read_table(path, ANSWERS)


def _question(week_end: date, asking: Asking) -> _Question:
    start = week_end - WEEK
    n_articles = pq.read_metadata(asking.tables / "articles.parquet").num_rows
    purchases = select_purchases(asking.engine, asking.transactions, start=start, end=week_end)
    rng = np.random.default_rng([asking.params.seed, week_end.toordinal()])
    buyers = _drawn(purchases[columns.CUSTOMER].unique(), asking.params.max_buyers, rng)
    first = weeks_of(asking.data.model_copy(update={"cut": start})).history_start
    earlier, people = _earlier(asking, buyers, first, start)
    bought = purchases[purchases[columns.CUSTOMER].isin(buyers)]
    favourites, n_on_sale = _favourites(asking, start, n_articles)
    return _Question(
        buyers,
        people,
        _histories(earlier, buyers, start, n_articles),
        _histories(bought, buyers, week_end, n_articles),
        favourites,
        n_on_sale,
    )


def _drawn(
    customers: npt.NDArray[np.int32], at_most: int, rng: np.random.Generator
) -> npt.NDArray[np.int32]:
    if len(customers) > at_most:
        customers = rng.choice(np.sort(customers), at_most, replace=False)
    return np.sort(customers)


def _earlier(
    asking: Asking, buyers: npt.NDArray[np.int32], first: date, end: date
) -> tuple[pd.DataFrame, pa.Table]:
    """Return the buyers' purchases of [first, end), as split.select_purchases, and their rows."""
    engine, day = asking.engine, nw.col(columns.DAY)
    asked = engine.from_arrow(pa.table({columns.CUSTOMER: pa.array(buyers, pa.int32())}))
    known = engine.read(asking.transactions).filter(day >= first, day < end)
    key = [columns.DAY, columns.CUSTOMER, columns.ARTICLE]
    bought = known.join(asked, on=columns.CUSTOMER, how="semi").group_by(*key).agg(n_rows=nw.len())
    purchases = engine.to_arrow(bought.sort(*key)).to_pandas(date_as_object=False)
    units = np.minimum(purchases.pop("n_rows"), np.iinfo(np.int16).max).astype(np.int16)
    customers = engine.read(asking.tables / "customers.parquet")
    people = customers.join(asked, on=columns.CUSTOMER, how="semi").sort(columns.CUSTOMER)
    return purchases.assign(**{columns.UNITS: units}), engine.to_arrow(people)


def _favourites(asking: Asking, cut: date, n_articles: int) -> tuple[npt.NDArray[np.int32], int]:
    """Return popularity's list at the cut; it looks no further back than its window."""
    start = cut - timedelta(days=asking.popularity.window_days)
    recent = select_purchases(asking.engine, asking.transactions, start=start, end=cut)
    shoppers = np.sort(recent[columns.CUSTOMER].unique())
    known = _histories(recent, shoppers, cut, n_articles)
    popularity = fit_popularity(known, asking.popularity)
    # Everybody gets the same list, so the first shopper's will do.
    favourites = popularity.recommend(known.rows(np.arange(1)), LIST_LENGTH).articles[0]
    return favourites, recent[columns.ARTICLE].nunique()


def _histories(
    purchases: pd.DataFrame, customers: npt.NDArray[np.int32], cut: date, n_articles: int
) -> Histories:
    """Return the histories of these customers, row i being that of customers[i]."""
    row = np.searchsorted(customers, purchases[columns.CUSTOMER])
    return build_histories(
        purchases.assign(**{columns.CUSTOMER: row}),
        cut=cut,
        n_customers=len(customers),
        n_articles=n_articles,
    )


def _write(question: _Question, table_folder: Path, folder: Path) -> dict[str, Path]:
    """Write the question as the files of a week whose customers are the buyers alone."""
    week = {
        "test": folder / "test.npz",
        "histories": folder / "histories.npz",
        "articles": table_folder / "articles.parquet",
        "customers": folder / "customers.parquet",
    }
    save_histories(question.bought, week["test"])
    save_histories(question.known, week["histories"])
    tables.write_table(question.people, week["customers"], tables.CUSTOMERS)
    return week


def _fingerprint(week: dict[str, Path], question: _Question, version: Version) -> str:
    """Return a hash of everything that answers depend on."""
    told = f"{version.tags['models_hash']} {question.favourites.tolist()} {question.n_on_sale}"
    digest = hashlib.sha256(told.encode())
    for path in week.values():
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _answers(question: _Question, answered: WeekLists, fingerprint: str) -> pd.DataFrame:
    lists, bought = answered.articles, question.bought.units
    favourites = np.tile(question.favourites, (len(lists), 1))
    n_listed = np.maximum((lists != NO_ARTICLE).sum(axis=1), 1)
    return pd.DataFrame(
        {
            columns.CUSTOMER: question.customers,
            "is_cold": answered.is_cold,
            "articles": list(lists),
            "repeat_share": hits_in(lists, question.known.units).sum(axis=1) / n_listed,
            "ap_at_12": answered.average_precision,
            "popularity_ap_at_12": score_customers(favourites, bought)[AP],
            "n_on_sale": question.n_on_sale,
            "question": fingerprint,
        }
    )
