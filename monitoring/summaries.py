"""What a week was like, in a few hundred numbers with their sampling noise.

Every buyer counts once: a heavy basket is averaged before it is added to the others, for counted by
rows one wholesale customer moves a week more than any season. Each number comes with replicates,
the same mean over Poisson resamples of the buyers (Chamandy et al. 2012), so whatever is derived
from it can be told from luck at the actual number of buyers. The price: 0.8 kB a number and a week.

A summary is kept beside a fingerprint of the rows, numbers and code it was made from and is made
anew when they change. Attributes of articles and customers are not part of it: after correcting
those, delete the folder.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import sparse

from hemline import columns
from hemline.engine.engine import Engine
from hemline.errors import BadInput
from hemline.tables import read_table, write_table
from monitoring.monitor_params import MonitorParams
from monitoring.signals import Signal
from monitoring.week_data import read_week
from monitoring.week_signals import signals_of

FloatArray = npt.NDArray[np.float64]

SUMMARIES: Final = pa.schema(
    [
        ("week_end", pa.date32()),
        ("about", pa.string()),
        ("column", pa.string()),
        ("segment", pa.string()),
        ("category", pa.string()),
        ("value", pa.float64()),
        ("n", pa.int32()),
        ("replicates", pa.list_(pa.float32())),
    ]
)
"""One row per week, signal and category; category is empty for a signal that is one number."""

_KEPT: Final = SUMMARIES.append(pa.field("fingerprint", pa.string()))
_WEEK: Final = timedelta(days=7)
_BUYERS_AT_ONCE: Final = 20_000


def summarise_week(
    engine: Engine, tables: Path, week_end: date, params: MonitorParams
) -> pd.DataFrame:
    """Return SUMMARIES of the seven days before week_end; raises BadInput when nothing was bought.

    Args:
        engine: what reads the tables.
        tables: folder of articles, customers and transactions.parquet.
        week_end: the first day after the week; nothing on or after it is read.
        params: lengths of the windows that reach back, number of replicates, seed.
    """
    week = read_week(engine, tables, week_end, params)
    rng = np.random.default_rng([params.seed, week_end.toordinal()])
    weights = draw_weights(week.n_buyers, params.replicates, rng)
    return _rows(week_end, list(signals_of(week, params)), weights)


def draw_weights(
    n_buyers: int, n_replicates: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Return how often each buyer is in each resample, shape (buyers, 1 + replicates).

    The first column is the week as it was: everybody once.
    """
    weights = np.ones((n_buyers, 1 + n_replicates), np.float32)
    for start in range(0, n_buyers, _BUYERS_AT_ONCE):
        block = weights[start : start + _BUYERS_AT_ONCE, 1:]
        block[:] = rng.poisson(1.0, block.shape)
    return weights


def summary_rows(week_end: date, signal: Signal, weights: npt.NDArray[np.float32]) -> pd.DataFrame:
    """Return SUMMARIES rows of a signal.

    Args:
        week_end: the first day after the week.
        signal: what was measured of each buyer.
        weights: as `draw_weights` returns them, a row for each buyer of the week.
    """
    return _rows(week_end, [signal], weights)


def _rows(
    week_end: date, signals: Sequence[Signal], weights: npt.NDArray[np.float32]
) -> pd.DataFrame:
    counts = [len(signal.categories) for signal in signals]
    numbers = np.concatenate([_numbers(signal, weights) for signal in signals])
    return pd.DataFrame(
        {
            "week_end": week_end,
            **{
                name: np.repeat([getattr(signal, name) for signal in signals], counts)
                for name in ("about", "column", "segment")
            },
            "category": [name for signal in signals for name in signal.categories],
            "value": numbers[:, 0],
            "n": np.repeat([np.int32(len(signal.buyers)) for signal in signals], counts),
            "replicates": list(numbers[:, 1:].astype(np.float32)),
        }
    )


def _numbers(signal: Signal, weights: npt.NDArray[np.float32]) -> FloatArray:
    """Return the signal's numbers, of shape (categories, 1 + replicates)."""
    drawn = weights[signal.buyers]
    n_drawn = drawn.sum(axis=0, dtype=np.float64)
    return np.asarray(signal.combine(_means(signal.measured, drawn), n_drawn))


def _means(measured: sparse.csr_matrix, weights: npt.NDArray[np.float32]) -> FloatArray:
    """Return the mean over buyers of each measured column and resample, in that order."""
    totals = np.asarray(measured.T @ weights, np.float64)
    # A resample of a handful of buyers may hold none of them.
    n_drawn = np.maximum(weights.sum(axis=0, dtype=np.float64), 1)
    return np.asarray(totals / n_drawn)


def kept_summaries(
    engine: Engine, tables: Path, folder: Path, until: date, params: MonitorParams
) -> pd.DataFrame:
    """Return SUMMARIES of all weeks up to the one before `until`, making what is not kept.

    Args:
        engine: what reads the tables.
        tables: folder of articles, customers and transactions.parquet.
        folder: where they are kept, one `<week_end>.parquet` a week.
        until: week_end of the last week; the others end whole weeks before.
        params: as in `summarise_week`; other numbers make other summaries.
    """
    prints = _fingerprints(engine, tables, until, params)
    weeks = [
        _kept_week(engine, tables, folder / f"{week_end}.parquet", week_end, params, fingerprint)
        for week_end, fingerprint in prints.items()
    ]
    return pd.concat(weeks, ignore_index=True)


def _kept_week(
    engine: Engine,
    tables: Path,
    path: Path,
    week_end: date,
    params: MonitorParams,
    fingerprint: str,
) -> pd.DataFrame:
    if path.exists() and _fingerprint_of(path) == fingerprint:
        return read_table(path, SUMMARIES).assign(week_end=week_end)  # a date, as those just made
    summaries = summarise_week(engine, tables, week_end, params)
    write_table(summaries.assign(fingerprint=fingerprint), path, _KEPT)
    return summaries


def _fingerprint_of(path: Path) -> str:
    return str(pq.read_table(path, columns=["fingerprint"])["fingerprint"][0])


def _fingerprints(
    engine: Engine, tables: Path, until: date, params: MonitorParams
) -> dict[date, str]:
    """Return, per week up to `until`, a digest of the rows and numbers its summary is made from."""
    days = _prints_of_days(engine, tables / "transactions.parquet", until)
    if not days:
        raise BadInput(
            f"there are transactions before {until}",
            found="none",
            fix="monitor a week that lies in the data",
        )
    n_weeks = (until - min(days)).days // 7
    if not n_weeks:
        raise BadInput(
            f"the data hold the whole week before {until}",
            found=f"transactions from {min(days)} on",
            fix="monitor a week that lies in the data",
        )
    ends = [until - weeks * _WEEK for weeks in range(n_weeks - 1, -1, -1)]
    sold = {end for end in ends for day in range(1, 8) if end - timedelta(days=day) in days}
    reach = params.read_weeks * _WEEK
    numbers = params.model_dump_json(include=set(_NUMBERS_READ)) + _code()
    # A week of before in which nothing was sold is a gap; nothing in the last one is an error.
    wanted = [end for end in ends if end in sold or end == until]
    return {end: _digest(days, end - reach, end, numbers) for end in wanted}


def _prints_of_days(engine: Engine, transactions: Path, until: date) -> dict[date, str]:
    """Return, by day in order, numbers that change when any of its rows does.

    Each row is a number modulo a prime, weighed together from its values; they are summed, and so
    are their squares, so that values which only change places between rows are seen as well. Whole
    numbers add up to the same on every engine, in any order.
    """
    row = _PRIME_WEIGHTS[0] * _whole(columns.CUSTOMER)
    for name, weight in zip(
        (columns.ARTICLE, columns.PRICE, columns.CHANNEL), _PRIME_WEIGHTS[1:], strict=True
    ):
        row = row + weight * _whole(name)
    rows = engine.read(transactions).filter(nw.col(columns.DAY) < until)
    rows = rows.select(columns.DAY, row=row % _PRIME)
    rows = rows.with_columns(square=nw.col("row") * nw.col("row") % _PRIME)
    sums = [nw.col(name).sum().cast(nw.Int64) for name in ("row", "square")]
    by_day = rows.group_by(columns.DAY).agg(*sums, n_rows=nw.len()).sort(columns.DAY)
    found = engine.to_arrow(by_day).to_pylist()
    return {day[columns.DAY]: f"{day['n_rows']}-{day['row']}-{day['square']}" for day in found}


_PRIME: Final = 2_147_483_647
_PRIME_WEIGHTS: Final = (160_481_183, 179_424_673, 198_491_317, 217_645_177)
_PRICE_STEPS: Final = 1_000_000_000


def _whole(name: str) -> nw.Expr:
    """Return the values of a column as whole numbers below the prime, -1 where there is none."""
    value = nw.col(name)
    if name == columns.PRICE:
        known = nw.when(value.is_finite()).then(value.cast(nw.Float64))
        value = (known * _PRICE_STEPS + 0.5).floor()
    return (value.cast(nw.Int64) % _PRIME).fill_null(-1)


_NUMBERS_READ: Final[Sequence[str]] = (
    "reference_weeks",
    "gap_weeks",
    "history_weeks",
    "replicates",
    "seed",
    "price_step",
    "min_buyers",
    "habits",
)


def _code() -> str:
    """Return a digest of the code that makes summaries: another version makes them anew."""
    folder, digest = Path(__file__).parent, hashlib.sha256()
    for name in ("week_data", "week_signals", "habits", "signals", "summaries"):
        digest.update((folder / f"{name}.py").read_bytes())
    return digest.hexdigest()


def _digest(days: dict[date, str], first: date, end: date, numbers: str) -> str:
    within = [f"{day} {text}" for day, text in days.items() if first <= day < end]
    return hashlib.sha256("\n".join([numbers, *within]).encode()).hexdigest()
