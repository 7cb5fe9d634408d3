"""What a search found, as a page to read and as numbers to paste into params.yaml."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import yaml

from hemline.evaluation.score_report import grid, p_text
from hemline.models.catalogue import entry_of
from hemline.tuning.number_search import Tuned


def write_tuning(found: Sequence[Tuned], metric: str, about: str, folder: Path) -> Path:
    """Write tuning.md and tuning.json into the folder, and return the page.

    Args:
        found: best models first or not; the page orders them.
        metric: that was searched by.
        about: what the table is, as a sentence.
        folder: made where it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = {"metric": metric, "table": about, "models": [asdict(one) for one in found]}
    (folder / "tuning.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    page = folder / "tuning.md"
    page.write_text(as_page(found, metric, about), encoding="utf-8")
    return page


def summary(found: Sequence[Tuned]) -> pd.DataFrame:
    """Return one line per model as texts, the best on the test fold first."""
    return pd.DataFrame(
        {
            "model": one.model,
            "trials": f"{one.n_trials} of {one.n_wanted}",
            "validation": f"{one.on_validation[0]:.4f} to {one.on_validation[1]:.4f}",
            "test, start": f"{one.on_test[0]:.4f}",
            "test, tuned": f"{one.on_test[1]:.4f}",
            "gain [95 %]": f"{one.gain[0]:+.4f} [{one.gain[1]:+.4f}, {one.gain[2]:+.4f}]",
            "p": p_text(one.p_value),
        }
        for one in _best_first(found)
    )


def as_page(found: Sequence[Tuned], metric: str, about: str) -> str:
    """Return the page: the table, what is shown, and the numbers that changed."""
    order, lines = _best_first(found), summary(found)
    note = (
        f"{metric} of {order[0].n_customers:,} customers of the test fold, which no trial has "
        "seen; validation is what the search saw, so its best flatters itself. Gain: paired, over "
        "customers; p: two-sided sign-flip test, one for each model."
    )
    parts = [
        about,
        "\n".join(grid(list(lines.columns), lines.to_numpy().tolist())),
        note,
        *(_advice(one) for one in order),
    ]
    return "\n\n".join(["# What the search found", *parts]) + "\n"


def _best_first(found: Sequence[Tuned]) -> list[Tuned]:
    return sorted(found, key=lambda one: -one.on_test[1])


def _advice(one: Tuned) -> str:
    if not one.changed:
        return f"`{one.model}`: no trial was better than the start on the validation fold."
    section = entry_of(one.model).params.section
    numbers = yaml.safe_dump({section: one.changed}, sort_keys=True).rstrip("\n")
    shown = (
        "shown to be better on the test fold"
        if one.gain[1] > 0
        else "not shown to be better on the test fold: keep the start unless you have more data"
    )
    return f"`{one.model}`: {shown}.\n\n```yaml\n{numbers}\n```"
