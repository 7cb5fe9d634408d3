"""Popularity serves unless an order of models is shown to be better in past weeks."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from hemline.errors import BadInput
from hemline.evaluation.order_choice import COMPARED_ORDERS, choose_served
from hemline.evaluation.served_candidates import PAST_SCORES, ChooseParams
from hemline.models.served_orders import CHOSEN, ServedOrders, ServeParams, save_chosen
from tests.tiny_project import REPOSITORY

WEEK = date(2020, 9, 9)
CHOSEN_BOTH = ServeParams(warm="chosen", cold="chosen", per_product=1)
ORDERS = {"warm": (("rank", "popularity"), ("cvae",)), "cold": (("cvae", "popularity"),)}

Values = npt.NDArray[np.float64]


def params(**changes: object) -> ChooseParams:
    given = ChooseParams.load(REPOSITORY / "params.yaml").model_dump()
    return ChooseParams.model_validate(given | ORDERS | changes)


def scores(
    values: Mapping[str, Values], *, is_cold: bool = False, week: date = WEEK
) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "week": week,
                "customer": np.arange(len(of_order)),
                "is_cold": is_cold,
                "order": order,
                "map@12": of_order,
            }
        )
        for order, of_order in values.items()
    ]
    return pd.concat(parts, ignore_index=True)


def drawn(seed: int, mean: float, n: int = 400) -> Values:
    """Return AP@12 of customers, most of them 0, as it is."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < mean * 4, 0.25, 0.0)


def test_popularity_serves_where_nothing_is_shown_to_be_better() -> None:
    alike = {"popularity": drawn(1, 0.05), "rank, popularity": drawn(2, 0.05), "cvae": drawn(3, 0)}
    served, lines = choose_served(scores(alike), CHOSEN_BOTH, params())
    assert served.warm == served.cold == ("popularity",)
    assert not lines["is_chosen"].any()
    warm, cold = served.reasons
    assert warm.startswith("Customers with a history are served popularity: no other order")
    assert "the nearest, rank, popularity, has MAP@12" in warm
    assert cold == (
        "Cold customers are served popularity: no other order of models was scored in a past week."
    )


def test_the_best_of_those_shown_to_be_better_serves() -> None:
    values = {
        "popularity": drawn(1, 0.05),
        "rank, popularity": drawn(2, 0.15),
        "cvae": drawn(3, 0.22),
    }
    served, lines = choose_served(scores(values), CHOSEN_BOTH, params())
    assert served.warm == ("cvae",)
    assert lines["order"].to_list() == ["rank, popularity", "cvae", "cvae, popularity"]
    assert lines["is_chosen"].to_list() == [False, True, False]
    assert lines["gain"].iloc[1] == pytest.approx(values["cvae"].mean() - drawn(1, 0.05).mean())
    assert (lines["low"].iloc[:2] > 0).all()
    assert served.reasons[0].startswith("Customers with a history are served cvae: MAP@12 0.2")
    assert tuple(lines) == COMPARED_ORDERS


def test_worse_than_popularity_is_never_chosen() -> None:
    values = {"popularity": drawn(1, 0.2), "rank, popularity": drawn(2, 0.05)}
    served, lines = choose_served(scores(values), CHOSEN_BOTH, params())
    assert served.warm == ("popularity",)
    assert lines["p"].iloc[0] > 0.99


@pytest.mark.parametrize(("n_customers", "expected"), [(49, "popularity"), (50, "rank")])
def test_few_customers_show_nothing(n_customers: int, expected: str) -> None:
    nothing, everything = np.zeros(n_customers), np.full(n_customers, 0.5)
    values = {"popularity": nothing, "rank, popularity": everything}
    served, _ = choose_served(scores(values), CHOSEN_BOTH, params(min_customers=50))
    assert served.warm[0] == expected


def test_of_equal_gains_the_one_that_is_shown_serves() -> None:
    """The first order has the same gain, but over too few customers."""
    nothing, half = np.zeros(60), np.full(60, 0.5)
    few = {"rank, popularity": half[:40]}
    values = scores({"popularity": nothing, "cvae": half} | few)
    served, lines = choose_served(values, CHOSEN_BOTH, params(min_customers=50))
    assert lines["gain"].iloc[0] == lines["gain"].iloc[1]
    assert served.warm == ("cvae",)


def test_each_order_is_compared_with_popularity_for_its_own_buyers() -> None:
    """The CVAE was scored in an easy week only, in which popularity was as good."""
    hard = {"popularity": drawn(1, 0.02), "rank, popularity": drawn(2, 0.12)}
    easy = {
        "popularity": drawn(3, 0.24),
        "rank, popularity": drawn(4, 0.24),
        "cvae": drawn(5, 0.24),
    }
    week_before = scores(easy, week=WEEK - timedelta(weeks=1))
    both = pd.concat([scores(hard), week_before], ignore_index=True)
    served, lines = choose_served(both, CHOSEN_BOTH, params())
    assert served.warm == ("rank", "popularity")
    by_order = lines.set_index("order")
    assert by_order["n_weeks"].to_list() == [2, 1, 0]
    assert by_order.loc["cvae", "popularity"] == pytest.approx(drawn(3, 0.24).mean())


def test_a_customer_of_two_weeks_counts_once_with_the_mean() -> None:
    first = scores({"popularity": np.zeros(60), "rank, popularity": np.zeros(60)})
    second = scores(
        {"popularity": np.zeros(60), "rank, popularity": np.ones(60)},
        week=WEEK - timedelta(weeks=1),
    )
    _, lines = choose_served(pd.concat([first, second]), CHOSEN_BOTH, params())
    line = lines.iloc[0]
    assert (line["n_customers"], line["n_weeks"]) == (60, 2)
    assert line["map@12"] == pytest.approx(0.5)


def test_chance_alone_is_chosen_in_few_of_many_shops() -> None:
    """Three orders as good as popularity, at 0.05: one in twenty shops at most, but for luck."""
    orders = {"warm": (("rank",), ("cvae",), ("ease",)), "cold": ()}
    few = params(**orders, sign_flips=400, bootstrap_samples=50)
    names = ("popularity", "rank", "cvae", "ease")
    chosen = 0
    for shop in range(200):
        values = {name: drawn(1000 * shop + place, 0.05, 120) for place, name in enumerate(names)}
        served, _ = choose_served(scores(values), CHOSEN_BOTH, few)
        chosen += served.warm != ("popularity",)
    assert chosen <= 20  # more than 19 of 200 at 0.05: 1 time in 200


def test_what_params_name_is_neither_compared_nor_changed() -> None:
    better = {"popularity": drawn(1, 0.05), "rank, popularity": drawn(2, 0.2)}
    fixed = ServeParams(warm=("ease", "popularity"), cold="chosen", per_product=0)
    served, lines = choose_served(scores(better), fixed, params())
    assert served.warm == ("ease", "popularity")
    assert set(lines["customers"]) == {"Cold customers"}
    named = ServeParams(warm=("ease",), cold=("cvae",), per_product=0)
    served, lines = choose_served(PAST_SCORES.empty_table().to_pandas(), named, params())
    assert served == ServedOrders(("ease",), ("cvae",), 0)
    assert lines.empty


def test_a_version_carries_what_was_chosen_and_params_overrule_it(tmp_path: Path) -> None:
    chosen = ServedOrders(("rank", "popularity"), ("cvae",), 1, ("Because.",))
    save_chosen(tmp_path / CHOSEN, chosen)
    assert CHOSEN_BOTH.orders(tmp_path) == chosen
    half = ServeParams(warm=("popularity",), cold="chosen", per_product=0)
    assert half.orders(tmp_path) == ServedOrders(("popularity",), ("cvae",), 0, ("Because.",))
    asked: list[str] = []
    CHOSEN_BOTH.orders(tmp_path, check=asked.append)
    assert asked == [CHOSEN]


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"warm": ["rank"]}'])
def test_a_choice_that_is_not_there_or_damaged_is_refused(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / CHOSEN).mkdir()
        (tmp_path / CHOSEN / "orders.json").write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match="what past weeks chose"):
        CHOSEN_BOTH.orders(tmp_path)
