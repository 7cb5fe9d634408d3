"""The champion's lists for the buyers of a past week, made with what was known before that week.

Histories end at the first day of the week and are built for the buyers alone. Of more buyers than
`performance.max_buyers` a random sample is used, the same one every time: at full size a week has
69,000 buyers, and 2,000 give a sufficiently narrow interval.

Recommending is the expensive part, so lists are cached under a fingerprint of the version and of
everything it gets: a replay makes them once, and tables that were delivered again make them again.
The price: this code is not in the fingerprint, so after changing it delete the folder.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import ClassVar, Final, Self

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pydantic import PositiveInt

from hemline import columns, tables
from hemline.data.article_attributes import own_columns
from hemline.data.history_building import read_unlikes
from hemline.data.purchases import select_purchases
from hemline.data.split import DataParams, weeks_of
from hemline.engine.engine import Engine, Rows
from hemline.evaluation.protocol import AP, hits_in, score_customers
from hemline.evaluation.version_lists import TargetWeek, WeekLists, read_article_ids
from hemline.files import fingerprint
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.popularity import PopularityParams
from hemline.params import Section
from hemline.registry.versions import Version
from hemline.storefront import Storefront
from monitoring.buyer_histories import histories_of
from monitoring.cached_table import cached_table
from monitoring.popular_lists import Popular, popular_at
from monitoring.week_data import with_units

WEEK: Final = timedelta(weeks=1)

Champion = tuple[Version, Storefront]
"""As registry.versions.load_champion returns it."""

LIST_SCHEMA: Final = pa.schema(
    [
        (columns.CUSTOMER, pa.int32()),
        ("is_cold", pa.bool_()),
        ("articles", pa.list_(pa.int32())),
        ("repeat_share", pa.float64()),
        ("ap_at_12", pa.float64()),
        ("popularity_ap_at_12", pa.float64()),
        ("n_on_sale", pa.int32()),
    ]
)
"""One row per buyer. `articles`: today's keys, 12 of them, NO_ARTICLE where a list ends;
`repeat_share`: of the listed articles, those the customer had bought; `n_on_sale`: articles bought
by anybody within popularity.window_days before the week."""


class PerformanceParams(Section):
    """How many buyers of a week get lists, and how their scores are summarised.

    With fewer buyers than `min_buyers` nothing is claimed of the champion.
    """

    section: ClassVar[str] = "performance"
    max_buyers: PositiveInt
    min_buyers: PositiveInt
    bootstrap_samples: PositiveInt
    coverage_lists: PositiveInt
    seed: int


@dataclass(frozen=True)
class ChampionLists:
    """A champion, the tables it recommends from, and the cache of its lists.

    Attributes:
        engine: reads the tables.
        tables: folder of the tables of acquire, which keep the rules: every key has its row.
        champion: makes the lists.
        cache: folder of lists, a file per version and week.
        params: how many buyers.
        data: how far histories reach back.
        popularity: of the baseline.
    """

    engine: Engine
    tables: Path
    champion: Champion
    cache: Path
    params: PerformanceParams
    data: DataParams
    popularity: PopularityParams

    @classmethod
    def of(
        cls, engine: Engine, table_folder: Path, champion: Champion, params: Path, cache: Path
    ) -> Self:
        """Return it with the sections of params.yaml."""
        return cls(
            engine,
            table_folder,
            champion,
            cache,
            PerformanceParams.load(params),
            DataParams.load(params),
            PopularityParams.load(params),
        )

    def has_seen(self, week_end: date) -> bool:
        """Return whether the champion was fitted on a day of the week before week_end, or later."""
        version, _ = self.champion
        return version.cut > week_end - WEEK

    def for_week(self, week_end: date) -> pd.DataFrame:
        """Return LIST_SCHEMA of the buyers of [week_end - 7 days, week_end).

        The champion may have seen the week; its input holds nothing from week_end - 7 days on.

        Raises:
            BadInput: no transaction lies in the week, or in the days before it that popularity
                counts.
        """
        version, storefront = self.champion
        cut, article_ids = week_end - WEEK, read_article_ids(self.tables / "articles.parquet")
        purchases = select_purchases(self.engine, self.transactions, start=cut, end=week_end)
        rng = np.random.default_rng([self.params.seed, week_end.toordinal()])
        buyers = _sample(purchases[columns.CUSTOMER].unique(), self.params.max_buyers, rng)
        bought = purchases[purchases[columns.CUSTOMER].isin(buyers)]
        week = TargetWeek(
            histories_of(
                self._purchases_before(cut, buyers), buyers, cut, len(article_ids), self._unlikes
            ),
            histories_of(bought, buyers, week_end, len(article_ids)),
            self._described(buyers),
            article_ids,
        )
        popular = popular_at(self.engine, self.tables, cut, len(article_ids), self.popularity)
        return cached_table(
            self.cache / f"{version.number}-{week_end}.parquet",
            LIST_SCHEMA,
            _fingerprint(version, week, popular),
            lambda: _as_table(buyers, week, storefront.lists_for_week(week), popular),
        )

    @property
    def transactions(self) -> Path:
        """The table of transactions."""
        return self.tables / "transactions.parquet"

    @property
    def _unlikes(self) -> pd.DataFrame:
        return read_unlikes(self.tables / "unlikes.parquet")

    def _purchases_before(self, cut: date, buyers: npt.NDArray[np.int32]) -> pd.DataFrame:
        """Return the buyers' purchases in the history years before the cut (select_purchases)."""
        first = weeks_of(self.data.model_copy(update={"cut": cut})).history_start
        day, key = nw.col(columns.DAY), (columns.DAY, columns.CUSTOMER, columns.ARTICLE)
        rows = self.engine.read(self.transactions).filter(day >= first, day < cut)
        theirs = rows.join(self._keys(buyers), on=columns.CUSTOMER, how="semi")
        units = nw.col(columns.UNITS).sum().cast(nw.Int64)
        counted = with_units(theirs).group_by(*key).agg(units).sort(*key)
        purchases = self.engine.to_arrow(counted).to_pandas(date_as_object=False)
        most = np.minimum(purchases[columns.UNITS], np.iinfo(np.int16).max).astype(np.int16)
        return pd.DataFrame(purchases.assign(**{columns.UNITS: most}))

    def _described(self, buyers: npt.NDArray[np.int32]) -> pd.DataFrame:
        """Return the buyers as tables.read_described does, in order of their keys."""
        customers = self.engine.read(self.tables / "customers.parquet")
        theirs = customers.join(self._keys(buyers), on=columns.CUSTOMER, how="semi")
        rows = self.engine.to_arrow(theirs.sort(columns.CUSTOMER))
        own = own_columns(rows, tables.CUSTOMERS)
        schema = pa.schema([*tables.CUSTOMERS, *(rows.schema.field(name) for name in own)])
        return pd.DataFrame(rows.select(schema.names).cast(schema).to_pandas())

    def _keys(self, buyers: npt.NDArray[np.int32]) -> Rows:
        return self.engine.from_arrow(pa.table({columns.CUSTOMER: pa.array(buyers, pa.int32())}))


def _sample(
    customers: npt.NDArray[np.int32], at_most: int, rng: np.random.Generator
) -> npt.NDArray[np.int32]:
    if len(customers) > at_most:
        customers = rng.choice(np.sort(customers), at_most, replace=False)
    return np.sort(customers)


def _fingerprint(version: Version, week: TargetWeek, popular: Popular) -> str:
    """Return a hash of everything that the lists and their scores depend on."""
    return fingerprint(
        f"{version.tags['models_hash']} {popular.articles.tolist()} {popular.n_on_sale}",
        *(
            array.tobytes()
            for histories in (week.known, week.bought)
            for array in (
                *(histories.indptr, histories.indices, histories.counts, histories.days),
                *(histories.unlikes.rows, histories.unlikes.articles),
            )
        ),
        pd.util.hash_pandas_object(week.customers).to_numpy().tobytes(),
        "\n".join(week.article_ids),
    )


def _as_table(
    buyers: npt.NDArray[np.int32], week: TargetWeek, made: WeekLists, popular: Popular
) -> pd.DataFrame:
    lists = made.articles
    n_listed = np.maximum((lists != NO_ARTICLE).sum(axis=1), 1)
    popular_lists = np.tile(popular.articles, (len(lists), 1))
    return pd.DataFrame(
        {
            columns.CUSTOMER: buyers,
            "is_cold": made.is_cold,
            "articles": list(lists),
            "repeat_share": hits_in(lists, week.known.units).sum(axis=1) / n_listed,
            "ap_at_12": made.average_precision,
            "popularity_ap_at_12": score_customers(popular_lists, week.bought.units)[AP],
            "n_on_sale": popular.n_on_sale,
        }
    )
