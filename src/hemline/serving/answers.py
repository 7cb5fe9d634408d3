"""What one version of the model answers: lists for customers, guests and articles, and why.

An answer is ranked by the version's models from the visitor's history with the session in it, then
filtered (list_rules), ordered (shop_order) and explained (reasons). Without a session and filters
it is, order included, the list that `hemline export` writes for the customer.

The files are mapped (hemline/serving/layout.py), and this process imports none of the libraries
that training needs, so that a worker starts fast and has little memory of its own.
"""

from copy import copy
from datetime import date
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from hemline.arrays import load_array
from hemline.params import read_mapping
from hemline.segments.cold_customers import ColdCustomer
from hemline.serving import layout as layouts
from hemline.serving.answers_params import AnswersParams
from hemline.serving.article_pages import ArticlePages
from hemline.serving.article_table import ArticleTable
from hemline.serving.explanations import Explanation, explain_list
from hemline.serving.list_rules import ListRules
from hemline.serving.listed import Answer
from hemline.serving.shop_groups import ShopGroups
from hemline.serving.version_models import VersionModels
from hemline.serving.visitor_history import SessionState
from hemline.serving.visitor_lists import VisitorLists
from hemline.serving.visitors import Visitors


class Answers:
    """One version of the model, its files mapped.

    Attributes:
        layout: the folder that it is mapped from.
        version: its number, 0 where it is not registered.
        cut: the first day it has not seen.
        articles: of the version.
        is_generated: whether it was fitted on a generated shop.
    """

    def __init__(
        self, layout: Path, params: AnswersParams, in_stock: npt.NDArray[np.bool_] | None
    ) -> None:
        about = layouts.about(layout)
        self.layout = layout
        self.version = about.version
        self.cut = date.fromisoformat(about.cut)
        self.articles = ArticleTable.load(layout / "articles")
        self.is_generated = read_mapping(layout / "params.yaml")["acquire"]["source"] == "synthetic"
        self._visitors = Visitors(layout)
        self._models = VersionModels(layout / "models", layout / "params.yaml", len(self.articles))
        self._params = params
        self._sales = load_array(layout / "articles" / "group_sales.npy")
        self._count_stock(in_stock)

    @classmethod
    def open(
        cls,
        layout: Path,
        params: AnswersParams | None = None,
        in_stock: npt.NDArray[np.bool_] | None = None,
    ) -> Self:
        """Return the answers of a version that was laid out.

        Args:
            layout: folder of layout.laid_out.
            params: the shop's rules; None for their defaults.
            in_stock: bool by article key; None where everything is in stock.
        """
        return cls(layout, params or AnswersParams(), in_stock)

    def with_stock(self, in_stock: npt.NDArray[np.bool_] | None) -> Self:
        """Return the same version with another stock; both share all arrays.

        Args:
            in_stock: bool by article key; None where everything is in stock.
        """
        changed = copy(self)
        changed._count_stock(in_stock)  # noqa: SLF001  (of its own class)
        return changed

    def find_customer(self, customer_id: str) -> int:
        """Return the key of a customer.

        Args:
            customer_id: as in the data; where ids are long, the first 8 or more characters will
                do if no other customer has them.

        Raises:
            BadInput: no customer has this id, or more than one does.
        """
        return self._visitors.find(customer_id)

    @property
    def shortest_customer_id(self) -> int:
        """How many characters of a customer_id are enough where ids are long; else 1."""
        return self._visitors.shortest_id

    @property
    def knows_age(self) -> bool:
        """Whether a guest's age changes the answer: the shop knows that of its customers."""
        return self._visitors.knows_age

    def customer_with(self, customer_id: str) -> int | None:
        """Return the key of the customer with this whole id, or None where there is none."""
        return self._visitors.key_of(customer_id)

    def customer_id(self, customer: int) -> str:
        """Return the customer_id of a key."""
        return self._visitors.id_of(customer)

    def find_article(self, article_id: str) -> int:
        """Return the key of an article; raises BadInput where there is no such article."""
        return self.articles.find(article_id)

    def for_customer(self, customer: int, session: SessionState, rules: ListRules) -> Answer:
        """Return a list for a customer; raises BadInput where no list can follow the rules."""
        history = self._visitors.history(customer, session)
        return self._lists.list_for(history, session, rules, self._models.served)

    def for_guest(self, guest: ColdCustomer, session: SessionState, rules: ListRules) -> Answer:
        """Return a list for a visitor without an account.

        Raises:
            BadInput: section validate of the version's params.yaml does not allow an attribute, or
                no list can follow the rules.
        """
        history = self._visitors.history(guest, session)
        return self._lists.list_for(history, session, rules, self._models.served)

    def under_model(
        self,
        model: str,
        visitor: int | ColdCustomer,
        session: SessionState,
        rules: ListRules,
    ) -> Answer:
        """Return the list that one model of the version gives, one of `model_names`.

        Raises:
            BadInput: the version has no such model, or as `for_guest`.
        """
        recommender = self._models.by_name(model)
        history = self._visitors.history(visitor, session)
        return self._lists.list_for(history, session, rules, recommender)

    @property
    def first_models(self) -> frozenset[str]:
        """The models that it tries first: one for customers with a history, one for others."""
        return self._models.first

    def model_names(self) -> list[str]:
        """Return the models that `under_model` knows."""
        return self._models.names()

    def explain(
        self, visitor: int | ColdCustomer, session: SessionState, rules: ListRules
    ) -> Explanation:
        """Return what the models saw of each article of the visitor's list."""
        history = self._visitors.history(visitor, session)
        answer = self._lists.list_for(history, session, rules, self._models.served)
        listed = [one.article for one in answer.listed]
        return explain_list(listed, history, self._models, len(self.articles))

    def recent_purchases(self, customer: int, n: int) -> list[tuple[int, int]]:
        """Return the last n articles a customer bought, and how many days before the cut."""
        return self._visitors.history(customer, SessionState()).dated(n)

    def similar(self, article: int, rules: ListRules) -> Answer:
        """Return the articles with the most similar texts."""
        return self._pages.similar(article, rules)

    def also_bought(self, article: int, rules: ListRules) -> Answer:
        """Return what at least `answers.min_support` buyers of an article bought lately."""
        return self._pages.also_bought(article, rules)

    def other_colours(self, article: int, rules: ListRules) -> Answer:
        """Return the other articles of an article's product, best-selling first."""
        return self._pages.other_colours(article, rules)

    def _count_stock(self, in_stock: npt.NDArray[np.bool_] | None) -> None:
        groups = ShopGroups.of(self.articles.groups, self._sales, self._params, in_stock)
        self._lists = VisitorLists(self.articles, self._models, groups, self._params)
        self._pages = ArticlePages(
            self.articles,
            self._models,
            is_discreet=groups.is_discreet,
            in_stock=in_stock,
            min_support=self._params.min_support,
        )
