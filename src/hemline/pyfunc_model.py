"""The model as MLflow serves it (models from code): a DataFrame of customers in, lists out.

MLflow runs this file when a version is loaded, which is why it ends with a call.
"""

import numbers
from collections.abc import Hashable, Mapping
from typing import Any, Final

import mlflow
import pandas as pd
import yaml
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from hemline import columns
from hemline.errors import BadInput
from hemline.integrity import FileHashes
from hemline.segments.cold_customers import ColdCustomer
from hemline.serving.version_files import VersionFiles
from hemline.storefront import Storefront

_LONGEST_LIST: Final = 500


class HemlineModel(PythonModel):
    """Passes every row to a Storefront: by customer_id where there is one, else by attributes."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the version's files; what they hashed to was written into MLmodel beside them."""
        files = VersionFiles.of(context.artifacts)
        about = yaml.safe_load((files.models.parents[1] / "MLmodel").read_text(encoding="utf-8"))
        hashes = FileHashes.from_tags(about.get("metadata") or {}, "this version")
        self.storefront = Storefront(files, hashes)

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002  (MLflow passes it by name)
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return RECOMMENDATION_COLUMNS for every row of model_input, whose number is in `query`.

        Raises:
            BadInput: there is no row, k is out of range, or a row describes no customer.
        """
        k = int((params or {}).get("k", 12))
        if not 1 <= k <= _LONGEST_LIST:
            raise BadInput(f"k lies between 1 and {_LONGEST_LIST}", found=str(k), fix="change k")
        if model_input.empty:
            raise BadInput(
                "a request has at least one row", found="none", fix="send one row per customer"
            )
        queries = model_input.astype(object).where(model_input.notna(), None)
        lists = [self._recommend(query, k) for query in queries.to_dict("records")]
        rows = pd.concat(lists, keys=range(len(lists)), names=["query", None])
        return rows.reset_index("query").reset_index(drop=True)

    def _recommend(self, query: Mapping[Hashable, Any], k: int) -> pd.DataFrame:
        customer_id = query.get(columns.CUSTOMER_ID)
        if customer_id is not None:
            return self.storefront.for_customer(customer_id, k)
        cold_customer = ColdCustomer(
            age=_whole(query, columns.AGE),
            club_member_status=_text(query, columns.CLUB),
            fashion_news_frequency=_text(query, columns.NEWS),
            fn=bool(_whole(query, columns.FN)),
            active=bool(_whole(query, columns.ACTIVE)),
        )
        return self.storefront.for_cold_customer(cold_customer, k)


def _whole(query: Mapping[Hashable, Any], name: str) -> int | None:
    value = query.get(name)
    is_number = isinstance(value, numbers.Real)
    if value is not None and not (is_number and float(value).is_integer()):
        raise BadInput(
            f"{name} is a whole number", found=repr(value), fix="correct it, or leave it out"
        )
    return None if value is None else int(value)


def _text(query: Mapping[Hashable, Any], name: str) -> str | None:
    value = query.get(name)
    if not isinstance(value, str | None):
        raise BadInput(f"{name} is text", found=repr(value), fix="correct it, or leave it out")
    return value


mlflow.models.set_model(HemlineModel())
