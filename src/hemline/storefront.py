"""Recommendations from the files of one version, for the pipeline: the gate, the export, MLflow.

The terminal and the shop answer from a layout (hemline/serving). Files are read when they are first
needed: lists for cold customers never load the histories. A version includes histories, so it
recommends as of the day it was fitted; `lists_for_week` uses the histories of a newer week.

Lists that people see (a customer's, a cold customer's, everybody's in an export) are in the shop's
order; the gate scores the order of the models.
"""

from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from hemline import columns, tables
from hemline.data.expectations.thresholds import ValidateParams
from hemline.data.histories import UNKNOWN_SEGMENT, Histories, load_histories
from hemline.evaluation.version_lists import (
    TargetWeek,
    WeekLists,
    read_article_ids,
    recommend_to_buyers,
)
from hemline.integrity import FileHashes
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.neighbours import load_similar
from hemline.models.recommender import Recommender
from hemline.models.served_orders import ServeParams
from hemline.segments.attributes import age_band_of
from hemline.segments.cold_customers import (
    ColdCustomer,
    allowed_customer,
    attributes_of,
    usual_customer,
)
from hemline.segments.kmodes import Segmentation
from hemline.serving.answers_params import AnswersParams
from hemline.serving.group_codes import GroupCodes
from hemline.serving.season import daily_sales
from hemline.serving.shop_groups import ShopGroups
from hemline.serving.shop_order import AsShown, LookAlikes
from hemline.serving.version_files import VersionFiles, find_customer_key, place_of

if TYPE_CHECKING:
    from hemline.models.cascade import Served

RECOMMENDATION_COLUMNS: Final = (
    "rank",
    columns.ARTICLE_ID,
    "name",
    "product_type",
    "colour",
    "source",
)
"""Of a list for a customer. There is no score: a list may come from several models in order, whose
scores do not compare, and the rank says all that they have in common."""

_SHOWN: Final = {
    columns.ARTICLE_ID: columns.ARTICLE_ID,
    "prod_name": "name",
    "product_type_name": "product_type",
    "colour_group_name": "colour",
}


class Storefront:
    """One version of the model, ready to recommend.

    Whatever it reads from a registered version is compared with the registered hashes before, so
    every method also raises BadInput where a file is damaged.
    """

    def __init__(
        self,
        files: VersionFiles,
        hashes: FileHashes | None = None,
        rules: AnswersParams | None = None,
    ) -> None:
        """Take the files of a version, their hashes, and the shop's rules; None: the version's."""
        self.files = files
        self.hashes = FileHashes() if hashes is None else hashes
        self._given_rules = rules

    def under(self, rules: AnswersParams) -> Self:
        """Return the same version, what it has read included, under other rules of the shop."""
        other = copy(self)
        other._given_rules = rules  # noqa: SLF001  (of a new object of this class)
        for name in ("_rules_of_the_shop", "_shop_groups"):
            vars(other).pop(name, None)
        return other

    def require_intact(self) -> None:
        """Check every file of the version, also those that nothing has needed yet.

        Raises:
            BadInput: one is damaged, is missing, or does not belong to the version.
        """
        for name in vars(self.files).keys() - {"models"}:
            self._checked(name)
        folders = [path.name for path in self.files.models.glob("*")]
        registered = [Path(place).name for place in self.hashes.places_in("models")]
        for name in sorted({*folders, *registered}):
            self._model(name)

    def for_customer(self, customer_id: str, k: int) -> pd.DataFrame:
        """Return up to k recommendations for a customer, RECOMMENDATION_COLUMNS, best first.

        Args:
            customer_id: as in the data; where ids are long, the first 8 or more characters will
                do if no other customer has them.
            k: length of the list.

        Raises:
            BadInput: no customer has this id, or more than one does.
        """
        customer = find_customer_key(self._checked("customer_keys"), customer_id)
        return self.for_key(customer, k)

    def for_key(self, customer: int, k: int) -> pd.DataFrame:
        """Return the same for a customer key of this version, without the look-up of the id."""
        return self._recommend(self.histories.rows(np.array([customer])), k)

    def for_cold_customer(self, customer: ColdCustomer, k: int) -> pd.DataFrame:
        """Return up to k recommendations for a customer who has bought nothing yet.

        Raises:
            BadInput: section validate of the version's params.yaml does not allow a value.
        """
        allowed = allowed_customer(customer, self._rules)
        nothing = np.empty(0, np.float32)
        cold = Histories.of_one(
            np.empty(0, np.int32),
            nothing,
            nothing,
            cluster=self._segmentation.cluster_of(attributes_of(allowed)),
            age_band=UNKNOWN_SEGMENT if allowed.age is None else age_band_of(allowed.age),
            n_articles=len(self._articles),
        )
        return self._recommend(cold, k)

    def example_customer(self) -> ColdCustomer:
        """Return a cold customer of this shop, to show a list for."""
        knows_age = columns.AGE_BAND in self._segmentation.attributes
        return usual_customer(self._rules) if knows_age else ColdCustomer()

    def first_with_history(self, customer_ids: Sequence[str]) -> str | None:
        """Return the first of these customers who bought something before the cut, or None."""
        has_history = np.flatnonzero(~self.histories.is_cold())
        known = set(self.customer_ids().to_numpy()[has_history])
        return next((one for one in customer_ids if one in known), None)

    def lists_for_week(self, week: TargetWeek, *, models: Sequence[str] = ()) -> WeekLists:
        """Return this version's lists for the buyers of a week, from that week's histories.

        Args:
            week: whose buyers get lists, in today's customer and article keys.
            models: see `recommender`.
        """
        return recommend_to_buyers(
            self.recommender(models), self._segmentation, self.article_ids(), week
        )

    def recommender(self, models: Sequence[str] = ()) -> Recommender:
        """Return the cascade that is served, or one of these models in this order.

        Raises:
            BadInput: the version has no such model.
        """
        if not models:
            return self._served
        from hemline.models.cascade import cascade_of  # noqa: PLC0415  (see _served)

        return cascade_of(", ".join(models), models, self._load(models))

    def limited(self, models: Sequence[str] = (), *, all_colours: bool = False) -> Recommender:
        """Return the same with at most `serve.per_product` articles of one product in a list.

        Args:
            models: see `recommender`.
            all_colours: whether a list may hold any number instead.
        """
        from hemline.models.cascade import Served, cascade_of  # noqa: PLC0415  (see _served)

        most = 0 if all_colours else ServeParams.of_version(self._checked("params")).per_product
        if not models:
            return replace(self._served, per_product=most)
        cascade = cascade_of(", ".join(models), models, self._load(models))
        return Served(cascade, cascade, most, self._products)

    @cached_property
    def histories(self) -> Histories:
        """The purchases of this version's customers before its cut, with their segments."""
        segments = tables.read_table(self._checked("segments"), tables.SEGMENTS)
        return load_histories(self._checked("histories"), segments)

    def customer_ids(self) -> pa.ChunkedArray:
        """Return the customer_id of each row of `histories`, in the order of the customers file."""
        ids = pq.read_table(self._checked("customer_keys"), columns=[columns.CUSTOMER_ID])[0]
        return ids.slice(0, self.histories.n_customers)

    def article_ids(self) -> list[str]:
        """Return the article_id of each article key."""
        return read_article_ids(self._checked("articles"))

    def as_shown(self, recommender: Recommender) -> AsShown:
        """Return the recommender with its lists in the order in which the shop shows them."""
        rules = self._rules_of_the_shop
        return AsShown(recommender, self._shop_groups, self._look_alikes, rules.places_down)

    @cached_property
    def _rules_of_the_shop(self) -> AnswersParams:
        if self._given_rules is None:
            return AnswersParams.of_version(self._checked("params"))
        return self._given_rules

    @cached_property
    def _shop_groups(self) -> ShopGroups:
        groups = GroupCodes.of(pq.read_table(self._checked("articles")))
        bought = self.histories
        group_of_sale = groups.product_group[bought.indices]
        sales = daily_sales(group_of_sale, bought.days, len(groups.names[0]))
        return ShopGroups.of(groups, sales, self._rules_of_the_shop)

    @cached_property
    def _look_alikes(self) -> LookAlikes:
        n_articles = self.histories.n_articles
        similar = load_similar(self.files.models, n_articles, check=self._model)
        return LookAlikes(self._products, similar)

    def _recommend(self, histories: Histories, k: int) -> pd.DataFrame:
        lists = self.as_shown(self._served).recommend(histories, k)
        sources = [lists.source_names[source] for source in lists.sources[0]]
        return self._described(lists.articles[0], sources)

    def _described(self, articles: npt.NDArray[np.int32], sources: list[str]) -> pd.DataFrame:
        is_listed = articles != NO_ARTICLE
        keys = articles[is_listed]
        described = {name: self._articles[name].array.take(keys) for name in _SHOWN.values()}
        return pd.DataFrame(
            {
                "rank": np.arange(1, len(keys) + 1),
                **described,
                "source": pd.Series(list(compress(sources, is_listed)), dtype=str),
            }
        )

    @cached_property
    def _articles(self) -> pd.DataFrame:
        articles = self._checked("articles")
        return pd.read_parquet(articles, columns=list(_SHOWN)).rename(columns=_SHOWN).fillna("")

    @cached_property
    def _rules(self) -> ValidateParams:
        return ValidateParams.load(self.files.params)

    @cached_property
    def _segmentation(self) -> Segmentation:
        return Segmentation.load(self._model("clusters"))

    @cached_property
    def _served(self) -> "Served":
        from hemline.models.cascade import served_by  # noqa: PLC0415

        serve = ServeParams.of_version(self._checked("params"))
        orders = serve.orders(self.files.models, check=self._model)
        return served_by(orders, self._load(orders.models), self._products)

    @cached_property
    def _products(self) -> npt.NDArray[np.int32]:
        from hemline.models.cascade import product_numbers  # noqa: PLC0415  (see _served)

        codes = pq.read_table(self._checked("articles"), columns=[columns.PRODUCT_CODE])[0]
        return product_numbers(codes.to_pylist())

    def _load(self, models: Collection[str]) -> dict[str, Recommender]:
        from hemline.models.cascade import load_models  # noqa: PLC0415  (as above)

        return load_models(self.files.models, models, check=self._model)

    def _checked(self, name: str) -> Path:
        path: Path = getattr(self.files, name)
        return self.hashes.checked(place_of(name, path), path)

    def _model(self, name: str) -> Path:
        return self.hashes.checked(f"models/{name}", self.files.models / name)
