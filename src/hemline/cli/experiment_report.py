"""The verdict of an experiment in the terminal."""

from typing import TYPE_CHECKING

from hemline.cli.terminal import print_records, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hemline.experiments.guardrail_state import GuardrailState
    from hemline.experiments.looks import ExperimentVerdict
    from hemline.experiments.secondary_metrics import SecondaryMetric


def print_verdict(verdict: "ExperimentVerdict") -> None:
    """Print what an experiment shows: in words first, what decides nothing last."""
    say(verdict.sentence)
    found = verdict.now.comparison
    _print_lines(
        [
            {
                "look": f"{each.at:%Y-%m-%d}",
                "lift": f"{each.readout.comparison.lift:+.1%}",
                "z": f"{each.readout.comparison.z:.2f}",
                "boundary": f"{each.readout.boundary or 0:.2f}",
                "decision": each.readout.decision,
            }
            for each in verdict.looks
        ]
    )
    say(
        f"Now: {found.n_treatment} units against {found.n_control}, "
        f"{found.treatment:.4g} against {found.control:.4g} each ({found.lift:+.1%}); the interval "
        f"that holds at every moment is [{verdict.now.low:+.4g}, {verdict.now.high:+.4g}]. Their "
        f"past takes out {1 - found.variance_left:.0%} of the variance. Sizes of the arms: "
        f"p = {verdict.now.sample_ratio_p:.3g}."
    )
    if verdict.now.n_crossed:
        say(f"Left out, since they were in both arms: {verdict.now.n_crossed} units.")
    print_guardrails(verdict.now.guardrails, ("control", "treatment"))
    _print_lines(
        [
            {
                "segment": each.name,
                "lift": f"{each.comparison.lift:+.1%}",
                "differs from the others, p": f"{each.p_value:.3g}",
            }
            for each in verdict.now.segments
        ]
    )
    if verdict.now.novelty is not None:
        novelty = verdict.now.novelty
        shown = "falls" if novelty.z >= 2 else "does not fall"  # noqa: PLR2004  (two errors)
        say(f"After the first week the effect {shown} (p = {novelty.p_value:.3g}).")
    _print_secondary(verdict.secondary)


def print_guardrails(states: "Sequence[GuardrailState]", arms: tuple[str, str]) -> None:
    """Print how guardrails stand; nothing where there are none.

    Args:
        states: of the guardrails.
        arms: what the arm that is compared with and the other one are called.
    """
    _print_lines(
        [
            {
                "guardrail": each.name,
                arms[0]: f"{each.comparison.control:.4g}",
                arms[1]: f"{each.comparison.treatment:.4g}",
                "limit": f"{each.comparison.control + each.limit:.4g}",
                "broken": each.is_broken,
            }
            for each in states
        ]
    )


def print_long_run(metric: "SecondaryMetric") -> None:
    """Print what the arms are expected to spend in the long run."""
    say(
        "In the long run: an estimate of a model of customer value from what each unit has bought "
        "by now. It decides nothing, and the interval holds chance alone, no error of the model."
    )
    _print_lines([_secondary_line(metric)])


def _print_secondary(metrics: "Sequence[SecondaryMetric]") -> None:
    if not metrics:
        return
    say(
        "Beside the decision: these metrics decide nothing. Each interval is one of 95 % for a "
        "single look, so some of them exclude 0 by chance."
    )
    _print_lines([_secondary_line(each) for each in metrics])


def _secondary_line(metric: "SecondaryMetric") -> dict[str, object]:
    found, (low, high) = metric.comparison, metric.interval
    form = ".2%" if metric.is_share else ".4g"
    return {
        "beside the decision": metric.name,
        "control": f"{found.control:{form}}",
        "treatment": f"{found.treatment:{form}}",
        "difference": f"{found.difference:+{form}} [{low:+{form}}, {high:+{form}}]",
        "units": f"{found.n_control + found.n_treatment:,}",
    }


def _print_lines(lines: "Sequence[Mapping[str, object]]") -> None:
    if lines:
        print_records(lines)
