"""Champion or challenger: compared on the same week, customers and histories.

A challenger knows a later week, so a draw is reason enough to change: it is promoted unless it is
significantly worse, loses more than a set share on average (which the wide interval of a small week
would excuse), or fails a guardrail. The price: small losses that are not significant may add up
over many promotions. The guardrail on popularity sets an end to that, and the history shows it
before.

Where the week can tell nothing (`Comparison.is_conclusive`), the champion stays: that a draw was
not refuted is no draw. The price: a shop with very few buyers keeps its champion until a person
promotes another version.

Without a champion the version is compared with popularity on the same week. It serves only if it is
shown to be about as good: the paired 95 % interval of the difference rules out that it loses more
than `max_first_loss` of popularity's MAP@12 (a test of non-inferiority). Otherwise popularity alone
serves, which every shop has: that there was nobody to beat proves nothing. The price: in a shop
with few buyers popularity serves until a week can tell, or a person promotes the version.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from hemline.evaluation.gate.guardrails import POPULARITY, Guardrail
from hemline.evaluation.gate.version_comparison import Comparison

SYNTHETIC: Final = "synthetic"
NO_CHAMPION: Final = "there was no champion to compare with"
ONLY_POPULARITY: Final = "the champion is popularity alone"
UNREADABLE: Final = (
    "not compared: the champion's files have an older format that this code does not read"
)
ALREADY_CHAMPION: Final = "not compared: it was the champion before the gate judged it"


@dataclass(frozen=True)
class GateVerdict:
    """Whether the challenger becomes champion, and why.

    Attributes:
        promotes: the decision.
        reason: the same in words, numbers included.
        comparison: with the champion; None where there was none, or it would not be fair.
        guardrails: what was checked besides.
        map_at_12: of the challenger on the week; None where it was not measured.
        fallback: whether popularity alone is to serve in its place.
        champion: number of the champion at that time, "none" without one; None where it did not
            matter. The verdict holds only as long as that version is champion.
    """

    promotes: bool
    reason: str
    comparison: Comparison | None = None
    guardrails: tuple[Guardrail, ...] = ()
    map_at_12: float | None = None
    champion: str | None = None
    fallback: bool = False


def judge(
    comparison: Comparison, guardrails: tuple[Guardrail, ...], *, max_relative_loss: float
) -> GateVerdict:
    """Return whether the challenger replaces the champion."""
    loss = comparison.relative_loss
    reason = f"{comparison.outcome} the champion: {comparison.numbers}"
    if not comparison.is_conclusive:
        reason += "; the champion stays unless a person decides otherwise (hemline promote)"
    elif loss > max_relative_loss:
        reason += f"; a loss of {loss:.1%} is more than the {max_relative_loss:.1%} allowed"
    are_passed = all(guardrail.passes for guardrail in guardrails)
    may_serve = comparison.is_conclusive and not comparison.is_worse
    promotes = may_serve and loss <= max_relative_loss and are_passed
    return GateVerdict(promotes, reason + _failed(guardrails), comparison, guardrails)


def judge_unopposed(
    why: str, guardrails: tuple[Guardrail, ...], *, max_first_loss: float | None = None
) -> GateVerdict:
    """Return the verdict where no champion can be compared with: popularity stands in for it.

    Other guardrails that failed are named, so that a person can decide otherwise.

    Args:
        why: NO_CHAMPION, ONLY_POPULARITY or UNREADABLE.
        guardrails: what was checked, popularity among it.
        max_first_loss: share of popularity's MAP@12 that must be shown not to be lost; None: the
            version serves unless it is shown to be worse than popularity.
    """
    popularity = next((one for one in guardrails if one.name == POPULARITY), None)
    if popularity is None or popularity.comparison is None:
        raise ValueError("a version without a champion to compare with is compared with popularity")
    comparison = popularity.comparison
    reason = f"{why}; {comparison.outcome} popularity: {comparison.numbers}; "
    others = tuple(one for one in guardrails if one is not popularity)
    if max_first_loss is not None and not comparison.is_better:
        is_shown = comparison.rules_out_loss(max_first_loss)
        reason += (
            f"it serves: a loss of more than {max_first_loss:.0%} is ruled out"
            if is_shown
            else f"a loss of more than {max_first_loss:.0%} is not ruled out: popularity alone "
            "serves until a version is shown to be as good, or a person decides otherwise "
            "(hemline promote)"
        )
        failed = _failed(others)
        return GateVerdict(is_shown, reason + failed, guardrails=guardrails, fallback=not is_shown)
    reason += (
        "no version serves until one is not worse, or a person decides otherwise (hemline promote)"
        if comparison.is_worse
        else "it serves"
        if comparison.is_better
        else "it serves because no other version can"
    )
    return GateVerdict(not comparison.is_worse, reason + _failed(others), guardrails=guardrails)


def confirm_champion(guardrails: tuple[Guardrail, ...]) -> GateVerdict:
    """Return the verdict on a version that serves already; failed guardrails are named."""
    reason = ALREADY_CHAMPION + _failed(guardrails)
    return GateVerdict(promotes=True, reason=reason, guardrails=guardrails)


def judge_other_data(
    champion_source: str,
    challenger_source: str,
    guardrails: tuple[Guardrail, ...],
    *,
    max_first_loss: float | None = None,
) -> GateVerdict:
    """Return the verdict when the champion was fitted on another shop's customers and articles.

    A shop's own data replace generated data, as if there were no champion, and never the other way
    round.
    """
    promotes = challenger_source != SYNTHETIC
    replaces = "a shop's own data replace" if promotes else "generated data never replace"
    why = (
        f"not compared: the champion was fitted on {champion_source} data, this version on "
        f"{challenger_source} data; {replaces} {champion_source} data"
    )
    if promotes:
        return judge_unopposed(why, guardrails, max_first_loss=max_first_loss)
    return GateVerdict(promotes=False, reason=why + _failed(guardrails), guardrails=guardrails)


def has_seen_the_week(champion_cut: date, challenger_cut: date) -> bool:
    """Return whether the champion was fitted on purchases of the challenger's test week."""
    return champion_cut > challenger_cut


def refuse_comparison(champion_cut: date, challenger_cut: date) -> GateVerdict:
    """Return the verdict when the champion was fitted on the week it would be judged on."""
    return GateVerdict(
        promotes=False,
        reason=f"not compared: the champion was fitted on purchases up to {champion_cut}, so it "
        f"has seen the test week from {challenger_cut} on",
    )


def refuse_rolled_back(why: str) -> GateVerdict:
    """Return the verdict on a version that a person took out of service."""
    return GateVerdict(
        promotes=False,
        reason=f"not compared: a person rolled this version back ({why}), and only a person can "
        "bring it back: hemline promote",
    )


def _failed(guardrails: tuple[Guardrail, ...]) -> str:
    failed = [f"{one.name}: {one.sentence}" for one in guardrails if not one.passes]
    return f"; failed guardrails: {'; '.join(failed)}" if failed else ""
