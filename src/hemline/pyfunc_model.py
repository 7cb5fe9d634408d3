"""The model as MLflow serves it (models from code): a DataFrame of askers in, ranked articles out.

MLflow runs this file when a version is loaded, which is why it ends with a call.
"""

from collections.abc import Hashable, Mapping
from typing import Any, Final

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from hemline import columns
from hemline.errors import BadInput
from hemline.segments.cold_customers import ColdCustomer
from hemline.storefront import Storefront, VersionFiles

_LONGEST_LIST: Final = 500


class HemlineModel(PythonModel):
    """Hands every row to a Storefront: by customer_id where there is one, else by attributes."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the version's files."""
        self.storefront = Storefront(VersionFiles.of(context.artifacts))

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002  (MLflow passes it by name)
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return RECOMMENDATION_COLUMNS for every row of model_input, after its number `asker`.

        Raises:
            BadInput: nobody asks, k is out of range, or a row describes no customer.
        """
        k = int((params or {}).get("k", 12))
        if not 1 <= k <= _LONGEST_LIST:
            raise BadInput(f"k lies between 1 and {_LONGEST_LIST}", found=str(k), fix="change it")
        if model_input.empty:
            raise BadInput(
                "somebody asks: at least one row", found="none", fix="send one row per customer"
            )
        askers = model_input.astype(object).where(model_input.notna(), None)
        answers = [
            self._answer(asker, k).assign(asker=number)
            for number, asker in enumerate(askers.to_dict("records"))
        ]
        rows = pd.concat(answers, ignore_index=True)
        return rows[["asker", *(name for name in rows.columns if name != "asker")]]

    def _answer(self, asker: Mapping[Hashable, Any], k: int) -> pd.DataFrame:
        customer_id = asker.get(columns.CUSTOMER_ID)
        if customer_id is not None:
            return self.storefront.for_customer(customer_id, k)
        age = asker.get(columns.AGE)
        cold_customer = ColdCustomer(
            age=None if age is None else int(age),
            club_member_status=asker.get(columns.CLUB),
            fashion_news_frequency=asker.get(columns.NEWS),
            fn=bool(asker.get(columns.FN)),
            active=bool(asker.get(columns.ACTIVE)),
        )
        return self.storefront.for_cold_customer(cold_customer, k)


mlflow.models.set_model(HemlineModel())
