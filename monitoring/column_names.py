"""What pages, alerts and decisions call a column: as the shop does.

Tables, verdicts and records have our names, so that all shops are judged alike. A shop that
described its files reads the names of its own columns: what it mapped to `product_group_name` may
be its `Category`. Attributes under its own names are shown as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from hemline import columns, tables
from hemline.data.acquire.source_params import SourceParams
from hemline.data.acquire.typed_tables import AcquireParams
from monitoring.signals import ALL

_LABELS: Final = {
    columns.CHANNEL: "sales channel",
    columns.CLUB: "club status",
    columns.PRICE: "like-for-like price",
    columns.AGE_BAND: "age band",
    "price_level": "price level",
    "basket_size": "basket size",
    "new_articles": "new articles",
    "newcomers": "cold customers",
    "repeat_share": "repeat share",
    "top_ten_share": "top ten share",
    "stranger_share": "lists for cold customers",
    "empty_share": "empty share",
}
_CHANNELS: Final = {"1": "store", "2": "online"}
_OURS: Final = frozenset(tables.ARTICLES.names)


@dataclass(frozen=True)
class ColumnNames:
    """The display names of columns.

    Attributes:
        described: the shop's name of a column by ours; empty where no files are described.
        currency: of prices; empty where none is named.
    """

    described: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""

    @classmethod
    def of(cls, params: Path) -> Self:
        """Return the names that params.yaml describes the files by."""
        if AcquireParams.load(params).source != "mapped":
            return cls()
        source = SourceParams.load(params)
        theirs = dict(source.articles.columns)
        theirs |= {str(ours): name for ours, name in source.customers.columns.items()}
        if "sales_channel_id" in source.sold.columns:
            theirs[columns.CHANNEL] = source.sold.columns["sales_channel_id"]
        if columns.AGE in theirs:
            theirs[columns.AGE_BAND] = theirs[columns.AGE]
        return cls(theirs, source.price.currency or "")

    def label(self, column: str) -> str:
        """Return the display name of a column.

        >>> ColumnNames().label("product_group_name"), ColumnNames().label("newcomers")
        ('product group', 'cold customers')
        >>> of_shop = ColumnNames({"index_name": "Range"})
        >>> of_shop.label("index_name"), of_shop.label("weight_g")
        ('Range', 'weight_g')
        """
        usual = column.removesuffix("_name").replace("_", " ") if column in _OURS else column
        return self.described.get(column) or _LABELS.get(column) or usual

    def category(self, column: str, category: str) -> str:
        """Return the display name of a category: a price level with its currency.

        >>> ColumnNames(currency="GBP").category("price_level", "1.5 to 2.25")
        '1.5 to 2.25 GBP'
        >>> ColumnNames().category("sales_channel_id", "2")
        'online'
        """
        if column == columns.CHANNEL:
            return _CHANNELS.get(category, category)
        is_price = column == "price_level" and category[:1].isdigit()
        return f"{category} {self.currency}".rstrip() if is_price else category

    def signal(self, about: str, column: str, segment: str) -> str:
        """Return what a verdict is about in a few words.

        >>> ColumnNames().signal("habits", "index_name", "all")
        'habits by index'
        >>> ColumnNames().signal("transactions", "price", "Sport")
        'like-for-like price in Sport'
        """
        name = self.label(column)
        if about == "habits":
            name = "taste" if column == "taste" else f"habits by {name}"
        elif about == "recommendations" and column not in _LABELS and column not in _MEASURES:
            name = f"listed {name}"
        return name if segment == ALL else f"{name} in {segment}"

    def place(self, place: str) -> str:
        """Return the display name of "column" or "column in segment", as decisions name them.

        >>> ColumnNames().place("price in Sport")
        'like-for-like price in Sport'
        """
        column, within, segment = place.partition(" in ")
        return self.label(column) + within + segment


_MEASURES: Final = frozenset({"gini", "coverage"})
USUAL: Final = ColumnNames()
"""Those of a shop that described nothing."""
