"""From per-customer values to the score table: means, intervals, paired gain on popularity."""

from typing import Any

import numpy as np
import pandas as pd

from hemline.evaluation.bootstrap import bootstrap_means, interval
from hemline.evaluation.protocol import AP, BASELINE, METRICS, ORACLE, SERVED


def score_table(
    per_customer: dict[str, pd.DataFrame],
    parts: dict[str, np.ndarray],
    *,
    n_samples: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return one line per row of the table, slice and metric.

    Columns: model, slice, metric, value, low, high (95 % interval over customers), gain, gain_low,
    gain_high (paired difference to the popularity baseline, same draws), n_customers.
    """
    lines = []
    for part, rows in parts.items():
        stacked = {name: frame.iloc[rows].to_numpy() for name, frame in per_customer.items()}
        draws = bootstrap_means(np.hstack(list(stacked.values())), n_samples=n_samples, rng=rng)
        draws_of = dict(zip(stacked, np.hsplit(draws, len(stacked)), strict=True))
        for name, values in stacked.items():
            frame = _intervals(values, draws_of[name], stacked[BASELINE], draws_of[BASELINE])
            lines.append(frame.assign(model=name, slice=part, n_customers=len(rows)))
    first = ["model", "slice", "metric", "value", "low", "high", "gain", "gain_low", "gain_high"]
    return pd.concat(lines, ignore_index=True)[[*first, "n_customers"]]


def headline(table: pd.DataFrame, coverages: dict[str, float]) -> dict[str, dict[str, float]]:
    """Return the point values over all customers, by row and metric, for `dvc metrics`."""
    everyone = table[table["slice"] == "all"]
    scores = {
        str(model): dict(zip(lines["metric"], lines["value"].round(6), strict=True))
        for model, lines in everyone.groupby("model", sort=False)
    }
    for model, share in coverages.items():
        scores[model]["coverage"] = round(share, 6)
    return scores


def as_markdown(table: pd.DataFrame, coverages: dict[str, float], asked: dict[str, str]) -> str:
    """Return the scores as people read them: all customers, then MAP@12 by slice.

    Args:
        table: the lines of `score_table`.
        coverages: share of the catalogue that a model lists.
        asked: by model, what it asks in which order.
    """
    everyone = table[table["slice"] == "all"]
    maps = everyone[everyone["metric"] == AP].sort_values("value", ascending=False, kind="stable")
    order = [*maps.loc[maps["model"] != ORACLE, "model"], ORACLE]
    scores = {(str(line.model), str(line.metric)): line for line in everyone.itertuples()}
    note = (
        f"{everyone['n_customers'].iloc[0]:,} buyers of the test week; full catalogue; bought "
        "articles stay in; oracle lists what will be bought."
    )
    head = (
        "| model | MAP@12 [95 %] | gain on popularity [95 %] "
        "| recall@12 | NDCG@12 | hit@20 | success_30@20 | coverage | asks |"
    )
    rows = [_score_line(name, scores, coverages, asked) for name in order]
    by_slice = _slice_lines(table[table["metric"] == AP], order[:-1])
    return "\n".join([head, "|---" * 9 + "|", *rows, "", note, "", *by_slice]) + "\n"


def _score_line(
    name: str,
    scores: dict[tuple[str, str], Any],
    coverages: dict[str, float],
    asked: dict[str, str],
) -> str:
    ap = scores[name, AP]
    others = ("recall@12", "ndcg@12", "hit@20", "success_30@20")
    cells = [
        _label(name),
        f"{ap.value:.4f} [{ap.low:.4f}, {ap.high:.4f}]",
        f"{ap.gain:+.4f} [{ap.gain_low:+.4f}, {ap.gain_high:+.4f}]",
        *(f"{scores[name, metric].value:.4f}" for metric in others),
        f"{coverages[name]:.1%}" if name in coverages else "",
        asked.get(name, ""),
    ]
    return f"| {' | '.join(cells)} |"


def _slice_lines(maps: pd.DataFrame, order: list[str]) -> list[str]:
    sizes = maps.drop_duplicates("slice").set_index("slice")["n_customers"]
    values = maps.pivot_table(index="model", columns="slice", values="value")
    heads = " | ".join(f"{part} ({n:,})" for part, n in sizes.items())
    return [
        f"| MAP@12 | {heads} |",
        "|---" * (1 + len(sizes)) + "|",
        *(
            f"| {_label(name)} | "
            + " | ".join(f"{values.loc[name, part]:.4f}" for part in sizes.index)
            + " |"
            for name in order
        ),
    ]


def _label(name: str) -> str:
    return f"**{name}**" if name == SERVED else name


def _intervals(
    values: np.ndarray, draws: np.ndarray, base: np.ndarray, base_draws: np.ndarray
) -> pd.DataFrame:
    low, high = interval(draws)
    gain_low, gain_high = interval(draws - base_draws)
    return pd.DataFrame(
        {
            "metric": list(METRICS),
            "value": values.mean(axis=0),
            "low": low,
            "high": high,
            "gain": (values - base).mean(axis=0),
            "gain_low": gain_low,
            "gain_high": gain_high,
        }
    )
