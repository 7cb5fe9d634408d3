"""The hidden variables of a shop, as tables: what no model reads and any can be tested against."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from hemline import columns
from hemline.data.synthetic.articles import TONES
from hemline.data.synthetic.planted_events import COLUMNS, EXPECTED_VERDICTS, Event
from hemline.data.synthetic.tastes import GROUPS, STYLES_PER_GROUP
from hemline.data.synthetic.vocabulary import GARMENT_GROUPS, LINES
from hemline.data.synthetic.world import World
from hemline.tables import write_table


@dataclass(frozen=True)
class Truth:
    """The hidden variables, which models and monitors do not read and can be tested against.

    Attributes:
        customers: per customer its taste_group, styles (favourite first), store_share, mean
            basket, price leaning, tone, habitual departments and return_log_odds.
        articles: per article launch_day, last_day, is_staple, the taste_group with the highest
            affinity, price_level, tone and the return_chance of its garment group.
        events: per event kind, date, until, size, strength, the columns it shows in and the
            correct verdict (planted_events.EXPECTED_VERDICTS).
    """

    customers: pd.DataFrame
    articles: pd.DataFrame
    events: list[dict[str, object]]


def collect_truth(world: World) -> Truth:
    """Return the hidden variables of a world."""
    return Truth(
        _true_customers(world), _true_articles(world), [_true_event(each) for each in world.events]
    )


def write_truth(truth: Truth, folder: Path) -> None:
    """Write customers.parquet, articles.parquet and events.json; the same truth, the same bytes."""
    write_table(truth.customers, folder / "customers.parquet", _TRUE_CUSTOMERS)
    write_table(truth.articles, folder / "articles.parquet", _TRUE_ARTICLES)
    text = json.dumps(truth.events, indent=2, ensure_ascii=False)
    (folder / "events.json").write_text(text + "\n", encoding="utf-8")


_STYLES: Final = ("style", "second_style", "third_style", "other_style")
_HABITS: Final = ("habit", "second_habit", "third_habit")
_TRUE_CUSTOMERS: Final = pa.schema(
    [
        (columns.CUSTOMER, pa.int32()),
        ("taste_group", pa.string()),
        *((name, pa.int8()) for name in _STYLES),
        ("store_share", pa.float64()),
        ("basket", pa.float64()),
        ("price", pa.float64()),
        ("tone", pa.string()),
        *((name, pa.string()) for name in _HABITS),
        ("return_log_odds", pa.float64()),
    ]
)
_TRUE_ARTICLES: Final = pa.schema(
    [
        (columns.ARTICLE, pa.int32()),
        ("taste_group", pa.string()),
        ("launch_day", pa.date32()),
        ("last_day", pa.date32()),
        ("is_staple", pa.bool_()),
        ("price_level", pa.int8()),
        ("tone", pa.string()),
        ("return_chance", pa.float64()),
    ]
)


def _true_customers(world: World) -> pd.DataFrame:
    crowd, preferences = world.crowd, world.minds.preferences
    departments = LINES["department"].to_numpy()
    habits = departments[preferences.lines]
    return pd.DataFrame(
        {
            columns.CUSTOMER: np.arange(world.size.n_customers, dtype=np.int32),
            "taste_group": np.array(list(GROUPS), object)[crowd.taste_group],
            **{name: crowd.styles[:, place] for place, name in enumerate(_STYLES)},
            "store_share": crowd.store_share,
            "basket": crowd.basket,
            "price": preferences.price,
            "tone": np.array(TONES, object)[preferences.tone],
            **{name: habits[:, place] for place, name in enumerate(_HABITS)},
            "return_log_odds": preferences.return_log_odds,
        }
    )


def _true_articles(world: World) -> pd.DataFrame:
    catalogue, opening = world.catalogue, np.datetime64(world.size.first_day, "D")
    likes = world.affinities.reshape(len(GROUPS), STYLES_PER_GROUP, -1).mean(axis=1)
    returned = catalogue.articles["garment_group_name"].map(GARMENT_GROUPS["returned"])
    return pd.DataFrame(
        {
            columns.ARTICLE: np.arange(world.size.n_articles, dtype=np.int32),
            "taste_group": np.array(list(GROUPS), object)[likes.argmax(axis=0)],
            "launch_day": (opening + catalogue.launch).astype("datetime64[s]"),
            "last_day": (opening + catalogue.last).astype("datetime64[s]"),
            "is_staple": catalogue.is_staple,
            "price_level": catalogue.price_level,
            "tone": np.array(TONES, object)[catalogue.tone],
            "return_chance": returned.to_numpy(np.float64),
        }
    )


def _true_event(event: Event) -> dict[str, object]:
    return {
        "kind": event.kind,
        "date": event.date.isoformat(),
        "until": event.until.isoformat() if event.until else None,
        "size": event.size,
        "strength": event.strength,
        "columns": list(COLUMNS[event.kind]),
        "verdict": EXPECTED_VERDICTS[event.kind],
    }
