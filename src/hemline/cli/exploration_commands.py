"""Commands of explored places: what they earned, and what another version would have earned."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hemline.cli.terminal import print_records, project_folder, say
from hemline.clock import now
from hemline.errors import BadInput, exit_on_bad_input

if TYPE_CHECKING:
    from hemline.experiments.off_policy import OffPolicyEstimate
    from hemline.experiments.slot_values import SlotValue
    from hemline.shop.event_log import EventLog
    from hemline.shop.shop_clock import ShopClock
    from hemline.shop.shop_params import ShopParams
    from hemline.shop.slot_readout import Interval, PlaceEarnings

commands = typer.Typer(
    help="Places of lists that are drawn, and what they teach (docs/experiments.md).",
    no_args_is_help=True,
)


@commands.command("readout")
@exit_on_bad_input()
def readout() -> None:
    """Say what drawn places earned, beside others, and what drawing them cost."""
    from hemline.shop.slot_log import read_slot_log  # noqa: PLC0415  (--help should not wait for it)
    from hemline.shop.slot_readout import read_out_slots  # noqa: PLC0415  (as above)

    with _events(project_folder()) as (params, log, _):
        found = read_out_slots(read_slot_log(log, now(), params.exploration.reward_days))
    say(found.sentence)
    if found.places:
        print_records([_line(each) for each in found.places])
        say(
            "Bought and revenue are per list. What stands beside was not drawn; above it is ranked "
            "better and seen earlier, so it should earn more."
        )
    if found.n_waiting:
        days = params.exploration.reward_days
        say(f"{found.n_waiting} more decisions are not over ({days} days).")


@commands.command("evaluate")
@exit_on_bad_input()
def evaluate(version: Annotated[int, typer.Argument(min=1, help="As in hemline history.")]) -> None:
    """Say what a version would have earned in the drawn places; the champion beside it."""
    from hemline.shop.registered_versions import (  # noqa: PLC0415  (--help should not wait for it)
        CHAMPION,
        RegistryUnreadable,
        registry_file,
        version_with_alias,
    )
    from hemline.shop.slot_evaluation import evaluate_version  # noqa: PLC0415  (as above)

    root = project_folder()
    try:
        champion = version_with_alias(registry_file(root), CHAMPION)
        numbers = [version] if champion is None else list(dict.fromkeys([version, champion.number]))
        with _events(root) as (_, log, clock):
            found = [evaluate_version(root, log, clock, number, now()) for number in numbers]
    except RegistryUnreadable as error:
        raise BadInput(
            "the registry can be read", found=str(error), fix="wait, or run: hemline history"
        ) from error
    for each in found:
        say(each.sentence)
    lines = [
        line
        for each in found
        for name, value in (("as drawn", each.as_drawn), ("best alone", each.best))
        if value is not None
        for line in _estimates(f"{each.version}, {name}", value)
    ]
    if lines:
        print_records(lines)
    for each in found:
        missing = ", ".join(f"{n} {why}" for why, n in each.left_out.items() if n)
        if missing:
            say(f"Left out for version {each.version}: {missing}.")


@contextmanager
def _events(root: Path) -> "Iterator[tuple[ShopParams, EventLog, ShopClock]]":
    """Give the events of the project's shop; raises BadInput where they cannot be read."""
    from hemline.shop.event_log import LogUnavailable  # noqa: PLC0415  (as above)
    from hemline.shop.session_stores import open_log  # noqa: PLC0415  (as above)
    from hemline.shop.shop_clock import ShopClock  # noqa: PLC0415  (as above)
    from hemline.shop.shop_params import ShopParams  # noqa: PLC0415  (as above)

    params = ShopParams.with_environment(root / "params.yaml")
    log = open_log(params.events, root)
    try:
        yield params, log, ShopClock.of(log, params.first_day)
    except LogUnavailable as error:
        raise BadInput(
            "the events of the shop can be read", found=str(error), fix="try again later"
        ) from error
    finally:
        log.close()


def _line(place: "PlaceEarnings") -> dict[str, object]:
    return {
        "place": place.name,
        "lists": place.n_decisions,
        "bought": _shown(place.bought),
        "beside": _shown(place.bought_beside),
        "revenue": _shown(place.revenue),
        "revenue beside": _shown(place.revenue_beside),
    }


def _shown(interval: "Interval") -> str:
    middle, low, high = interval
    return f"{middle:.4g} [{low:.4g}, {high:.4g}]"


def _estimates(name: str, value: "SlotValue") -> list[dict[str, object]]:
    return [
        {
            "version": name,
            "estimate": how,
            "sold per place": _estimate(estimate),
            "more than was drawn": _estimate(gain),
            "worth": f"{estimate.effective_sample:.0f}",
            "clipped": f"{estimate.clipped_share:.1%}",
        }
        for how, estimate, gain in (
            ("SNIPS", value.by_weights, value.gain_by_weights),
            ("DR", value.by_model, value.gain_by_model),
        )
    ]


def _estimate(estimate: "OffPolicyEstimate") -> str:
    if estimate.value is None:
        return "refused"
    return f"{estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]"


def add_to(app: typer.Typer, *, panel: str) -> None:
    """Add the commands to the application.

    Args:
        app: that gets them.
        panel: of the help that lists them.
    """
    app.add_typer(commands, name="exploration", rich_help_panel=panel)
