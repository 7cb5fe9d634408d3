"""The price of a unit in one currency, from whatever the lines of a retailer say."""

import pyarrow as pa
import pyarrow.compute as pc

from hemline import columns
from hemline.data.acquire.line_reader import Counted, LineReader, checked
from hemline.data.acquire.source_params import CURRENCY
from hemline.data.acquire.values import as_numbers, is_one_of, refuse_where
from hemline.errors import BadInput


def of_one_currency(reader: LineReader, counted: Counted) -> LineReader:
    """Return the lines of the currency that is read; refuse several without a decision."""
    if not reader.has(CURRENCY):
        return reader
    prices, names = reader.params.price, reader.texts(CURRENCY)
    if prices.only:
        is_read = pc.equal(names, prices.only).fill_null(False)
        counted.other_currency += len(names) - int(pc.sum(is_read).as_py() or 0)
        return reader.only(is_read)
    if prices.rates:
        known = [str(prices.currency), *prices.rates]
        expected = f"one of {', '.join(known)}, the currencies with a rate in source.price.rates"
        is_wrong = pc.invert(is_one_of(names, known))
        reader.read(CURRENCY, lambda _: checked(is_wrong, names, expected))
        return reader
    seen = sorted({*counted.currencies, *names.drop_null().unique().to_pylist()})
    counted.currencies.update(seen)
    if len(seen) > 1:
        raise BadInput(
            f"the prices of {reader.source} are of one currency",
            found=", ".join(seen),
            fix="in params.yaml, choose one by source.price.only, or give what each is worth "
            "by source.price.currency and source.price.rates",
        )
    return reader


def unit_prices(reader: LineReader, units: pa.Array, is_return: pa.Array) -> pa.Array:
    """Return the price of a unit in the one currency; null where none is known."""
    if not reader.has(columns.PRICE):
        return pa.nulls(len(units), pa.float64())
    params = reader.params.price

    def convert(values: pa.Array) -> pa.Array:
        prices = as_numbers(values, reader.source.dialect)
        prices = pc.if_else(pc.is_nan(prices), pa.scalar(None, pa.float64()), prices)
        is_wrong = pc.and_(pc.less(prices, 0), pc.invert(is_return))
        refuse_where(
            is_wrong, prices,
            "0 or more in a sale (a return has negative units, or is named by source.returns; what "
            "is no article, such as a discount, by source.not_articles)",
        )  # fmt: skip
        return prices

    prices = reader.read(columns.PRICE, convert)
    if params.of == "line":
        prices = pc.divide(prices, units.cast(pa.float64()))
    if params.divide_by != 1:
        prices = pc.divide(prices, params.divide_by)
    if params.rates:
        worth = {str(params.currency): 1.0, **params.rates}
        names = pa.array(worth, pa.string())
        rates = pa.array(worth.values(), pa.float64())
        prices = pc.multiply(prices, rates.take(pc.index_in(reader.texts(CURRENCY), names)))
    return prices
