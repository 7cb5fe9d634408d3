"""From per-customer values to the score table: means, intervals, paired gain on popularity."""

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
    """Return the score table as people read it, best MAP@12 first and the oracle last."""
    everyone = table[table["slice"] == "all"].set_index(["model", "metric"])
    by_map = everyone.xs(AP, level="metric")["value"].sort_values(ascending=False, kind="stable")
    order = [*(name for name in by_map.index if name != ORACLE), ORACLE]
    head = (
        "| model | asks | MAP@12 [95 %] | gain on popularity [95 %] "
        "| recall@12 | NDCG@12 | hit@20 | success_30@20 | coverage |"
    )
    lines = [head, "|---|---|---|---|---|---|---|---|---|"]
    for name in order:
        at = everyone.loc[name]
        cells = [
            f"**{name}**" if name == SERVED else name,
            asked.get(name, "knows what will be bought"),
            "{value:.4f} [{low:.4f}, {high:.4f}]".format(**at.loc[AP]),
            "{gain:+.4f} [{gain_low:+.4f}, {gain_high:+.4f}]".format(**at.loc[AP]),
            *(
                f"{at.loc[metric, 'value']:.4f}"
                for metric in ("recall@12", "ndcg@12", "hit@20", "success_30@20")
            ),
            f"{coverages[name]:.1%}" if name in coverages else "",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    buyers = int(everyone["n_customers"].iloc[0])
    lines += ["", f"{buyers:,} buyers of the test week; full catalogue; bought articles stay in."]
    return "\n".join(lines) + "\n"


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
