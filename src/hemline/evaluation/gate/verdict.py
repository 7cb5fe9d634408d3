"""Champion or challenger: the same week, the same customers, the same histories.

A challenger knows a later week, so a draw is reason enough to change: it is promoted unless it
loses significantly, loses more than a set share on average (which a small week's wide interval
would excuse), or breaks a guardrail. The price: small losses within the noise may add up over many
promotions; the guardrail on popularity is where that ends, and the history shows it before.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from hemline.evaluation.gate.guardrails import Guardrail
from hemline.evaluation.gate.version_comparison import Comparison

SYNTHETIC: Final = "synthetic"


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger becomes champion, and why.

    Attributes:
        promotes: the decision.
        reason: the same in words, numbers included.
        comparison: with the champion; None where none was fair.
        guardrails: what was checked besides.
        map_at_12: of the challenger on the week; None where it was not asked.
    """

    promotes: bool
    reason: str
    comparison: Comparison | None = None
    guardrails: tuple[Guardrail, ...] = ()
    map_at_12: float | None = None


def judge(
    seen: Comparison, guardrails: tuple[Guardrail, ...], *, max_relative_loss: float
) -> Verdict:
    """Return whether the challenger takes the champion's place."""
    is_small = seen.relative_loss <= max_relative_loss
    is_kept = all(guardrail.passes for guardrail in guardrails)
    reason = f"challenger {_outcome(seen)} the champion: {seen.in_numbers}"
    if not is_small:
        reason += (
            f"; a loss of {seen.relative_loss:.1%} is more than the {max_relative_loss:.1%} allowed"
        )
    promotes = seen.high >= 0 and is_small and is_kept
    return Verdict(promotes, reason + _broken(guardrails), seen, guardrails)


def judge_unopposed(guardrails: tuple[Guardrail, ...]) -> Verdict:
    """Return the verdict when there is no champion yet: something must answer.

    A broken guardrail is named, so that whoever reads it can decide otherwise.
    """
    reason = "there was no champion to beat" + _broken(guardrails)
    return Verdict(promotes=True, reason=reason, guardrails=guardrails)


def judge_other_data(
    champion_source: str, challenger_source: str, guardrails: tuple[Guardrail, ...]
) -> Verdict:
    """Return the verdict when the champion was fitted on another shop's customers and articles.

    Genuine data takes the place of generated data, and never the other way round.
    """
    promotes = challenger_source != SYNTHETIC
    found = (
        f"the champion was fitted on {champion_source} data, this version on {challenger_source}"
    )
    kept = "it takes the champion's place" if promotes else "generated data never replaces a shop's"
    reason = f"not compared: {found}; {kept}{_broken(guardrails)}"
    return Verdict(promotes=promotes, reason=reason, guardrails=guardrails)


def judge_unreadable_champion(guardrails: tuple[Guardrail, ...]) -> Verdict:
    """Return the verdict when this code cannot read the files of the champion."""
    reason = "not compared: the champion's files have an older format that this code does not read"
    return Verdict(promotes=True, reason=reason + _broken(guardrails), guardrails=guardrails)


def has_seen_the_week(champion_cut: date, challenger_cut: date) -> bool:
    """Return whether the champion was fitted on purchases of the challenger's test week."""
    return champion_cut > challenger_cut


def refuse_comparison(champion_cut: date, challenger_cut: date) -> Verdict:
    """Return the verdict when the champion already knows what the week will hold."""
    return Verdict(
        promotes=False,
        reason=f"not compared: the champion was fitted up to {champion_cut}, so it has seen the "
        f"test week from {challenger_cut} on",
    )


def refuse_rolled_back(why: str) -> Verdict:
    """Return the verdict on a version that a person took out of service."""
    return Verdict(
        promotes=False,
        reason=f"not compared: a person rolled this version back ({why}), and only a person can "
        "bring it back: hemline promote",
    )


def _outcome(seen: Comparison) -> str:
    if seen.low > 0:
        return "beats"
    if seen.high < 0:
        return "loses to"
    if seen.difference == 0:
        return "is level with"
    return f"is {'ahead' if seen.difference > 0 else 'behind'}, within the noise, of"


def _broken(guardrails: tuple[Guardrail, ...]) -> str:
    broken = [f"{one.name}: {one.sentence}" for one in guardrails if not one.passes]
    return f"; broken guardrails: {'; '.join(broken)}" if broken else ""
