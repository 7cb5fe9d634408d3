"""Whether what an experiment shows is randomness, in a few words."""

from collections.abc import Mapping
from typing import Final

from hemline.experiment_pages.experiment_reading import ArmsReading, Reading
from hemline.shop.bandit_readout import BanditReadout
from hemline.shop.interleaving_readout import InterleavingReadout

Answer = tuple[str, str]
"""A few words, and a class of the style sheet."""

TONES: Final[Mapping[str, str]] = {
    "better": "holds",
    "worse": "broken",
    "broken": "broken",
    "stop": "broken",
}
"""Classes of the style sheet by decision; `none` for all others."""

_DECIDED: Final[Mapping[str, str]] = {
    "broken": "It cannot be told: the arms are not comparable.",
    "stop": "No: a guardrail is broken.",
    "better": "No: the treatment is better.",
    "worse": "No: the treatment is worse.",
    "not shown": "It may be: no difference was shown.",
    "too early": "It cannot be told yet: too few customers.",
    "running": "It may be: no planned look has decided.",
}
_EXCLUDES: Final = (
    "Hardly: the interval that holds at every moment excludes 0, but no planned look has decided."
)


def answer_of(reading: Reading | None) -> Answer:
    """Return the answer to "Is it randomness?"."""
    if reading is None:
        return "It was not started.", "none"
    if not isinstance(reading, ArmsReading) and any(each.is_broken for each in reading.guardrails):
        return _DECIDED["stop"], TONES["stop"]
    if isinstance(reading, InterleavingReadout):
        return _of_interleaving(reading)
    if isinstance(reading, BanditReadout):
        return _of_bandit(reading)
    current = reading.verdict.now
    decision = current.decision
    if reading.verdict.decided and decision not in {"broken", "stop"}:
        decision = reading.verdict.looks[-1].readout.decision
    excludes = not current.low <= 0 <= current.high
    if decision == "running" and excludes:
        side = "better" if current.low > 0 else "worse"
        return _EXCLUDES, TONES[side]
    return _DECIDED[decision], TONES.get(decision, "none")


def _of_interleaving(reading: InterleavingReadout) -> Answer:
    if not reading.is_decided:
        return "It may be: neither ranking is preferred so far.", "none"
    return f"No: customers prefer the ranking of version {reading.preferred}.", "holds"


def _of_bandit(reading: BanditReadout) -> Answer:
    _, low, high = reading.saved
    if not reading.n_days:
        return "It cannot be told yet: no day is complete.", "none"
    if low <= 0 <= high:
        return "It may be: what the bandit saved may be chance.", "none"
    word, side = ("saved", "better") if low > 0 else ("lost", "worse")
    return f"No: the bandit {word} conversions against equal shares.", TONES[side]
