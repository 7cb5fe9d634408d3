"""The page of an experiment: whether it is randomness, in words; then what that rests on."""

import json
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any, Final

from hemline.experiment_pages.agreed_plan import agreed_plan
from hemline.experiment_pages.effect_chart import effect_chart, interval_chart, shares_chart
from hemline.experiment_pages.experiment_answer import answer_of
from hemline.experiment_pages.experiment_reading import ArmsReading, Reading
from hemline.experiment_pages.page_files import page_file, record_file
from hemline.experiments.experiment_files import Experiment
from hemline.files import write_text
from hemline.pages.charts import Chart
from hemline.pages.rendering import write_page
from hemline.shop.bandit_readout import BanditReadout
from hemline.shop.interleaving_readout import InterleavingReadout

_HERE: Final = Path(__file__).parent
_QUESTION: Final = "Is it randomness?"
_PLANNED: Final = "It is planned and was not started: nobody has met it."
_NOVEL: Final = 2.0  # standard errors


def write_experiment(
    root: Path,
    experiment: Experiment,
    reading: Reading | None,
    at: datetime,
    *,
    problem: str = "",
) -> Path:
    """Write page and record of an experiment, and return the page.

    Args:
        root: the project folder.
        experiment: with its steps.
        reading: what it shows; None for one that was not started, or cannot be read out.
        at: the moment of the reading, in UTC.
        problem: why a started one cannot be read out now.
    """
    answer, tone = ("It cannot be told now.", "late") if problem else answer_of(reading)
    sentence = problem or (_PLANNED if reading is None else reading.sentence)
    page = page_file(root, experiment.plan.name)
    write_page(
        page,
        _HERE / _template(reading),
        experiment=experiment,
        plan=experiment.plan,
        agreed=agreed_plan(experiment.plan),
        question=_QUESTION,
        answer=answer,
        tone=tone,
        sentence=sentence,
        ending=_ending(experiment),
        as_of=f"{at:%Y-%m-%d %H:%M} UTC",
        reading=reading,
        **_shown(reading),
    )
    record = {
        "name": experiment.plan.name,
        "state": experiment.state,
        "answer": answer,
        "sentence": sentence,
        "tone": tone,
        "as_of": at.isoformat(timespec="seconds"),
        "problem": bool(problem),
        **_numbers(reading),
    }
    write_text(record_file(root, experiment.plan.name), json.dumps(record, indent=1) + "\n")
    return page


def write_problem(root: Path, name: str, problem: str, at: datetime) -> Path:
    """Write the page of an experiment that cannot be read, and its record; return the page."""
    page, as_of = page_file(root, name), f"{at:%Y-%m-%d %H:%M} UTC"
    write_page(page, _HERE / "experiment_problem.html.j2", name=name, problem=problem, as_of=as_of)
    record = {
        "name": name,
        "answer": "It cannot be read.",
        "sentence": problem,
        "tone": "broken",
        "as_of": at.isoformat(timespec="seconds"),
        "problem": True,
    }
    write_text(record_file(root, name), json.dumps(record, indent=1) + "\n")
    return page


def _template(reading: Reading | None) -> str:
    if reading is None:
        return "experiment.html.j2"
    if isinstance(reading, InterleavingReadout):
        return "experiment_interleaving.html.j2"
    kind = "bandit" if isinstance(reading, BanditReadout) else "arms"
    return f"experiment_{kind}.html.j2"


def _ending(experiment: Experiment) -> str:
    """Return how an experiment ended; empty where it has not."""
    if experiment.state != "stopped":
        return ""
    step = experiment.steps[-1]
    how = f"Canary: {step.outcome}" if step.outcome else "Stopped"
    return f"{how}, {step.at:%Y-%m-%d %H:%M} UTC: {step.reason.rstrip('.')}."


def _shown(reading: Reading | None) -> dict[str, Any]:
    if reading is None:
        return {}
    if isinstance(reading, InterleavingReadout):
        row = f"v{reading.versions[1]}", reading.result.preference, reading.low, reading.high
        middle = 0.0, "no preference"
        return {
            "chart": interval_chart([row], "{:+.1f}".format, ends=(-1.0, 1.0), middle=middle),
            "teams": list(zip(("control", "treatment"), reading.versions, strict=True)),
        }
    if isinstance(reading, BanditReadout):
        return {
            "shares": shares_chart(reading.shares),
            "names": [
                f"version {each.name}" if reading.of == "version" else each.name
                for each in reading.arms
            ],
            "conversions": _conversions(reading),
        }
    current = reading.verdict.now
    return {
        "chart": effect_chart(reading),
        "current": current,
        "found": current.comparison,
        "effect_falls": current.novelty is not None and current.novelty.z >= _NOVEL,
    }


def _conversions(reading: BanditReadout) -> Chart | None:
    known = [(each.arm, each.conversion) for each in reading.arms]
    rows = [(arm.partition("_")[0], *found) for arm, found in known if found is not None]
    if not rows:
        return None
    most = max(row[3] for row in rows)
    return interval_chart(rows, "{:.1%}".format, ends=(0.0, most or 1.0))


def _numbers(reading: Reading | None) -> dict[str, Any]:
    """Return the numbers of a page's charts; what is not known is null."""
    if isinstance(reading, ArmsReading):
        return {
            "days": [
                {
                    "at": each.at.isoformat(timespec="seconds"),
                    "units": each.n_units,
                    **{name: _known(vars(each)[name]) for name in ("difference", "low", "high")},
                }
                for each in reading.effects
            ],
            "looks": [
                {
                    "at": each.at.isoformat(timespec="seconds"),
                    "decision": each.readout.decision,
                    "difference": _known(each.readout.comparison.difference),
                    "z": _known(each.readout.comparison.z),
                    "boundary": each.readout.boundary,
                }
                for each in reading.verdict.looks
            ],
        }
    if isinstance(reading, InterleavingReadout):
        return {
            "preference": reading.result.preference,
            "low": reading.low,
            "high": reading.high,
            "p": reading.p_value,
        }
    if isinstance(reading, BanditReadout):
        return {
            "arms": [each.arm for each in reading.arms],
            "shares": {str(day): list(shares) for day, shares in reading.shares.items()},
            "saved": list(reading.saved),
        }
    return {}


def _known(value: float) -> float | None:
    return float(value) if isfinite(value) else None
