"""Commands that run a flow: `python -m flows.<name>` takes the place of this process.

The flows belong to the project folder, not to the installed package, so nothing of them is imported
here. All but `demo` and `real` pass their options on, and the flow itself prints its `--help`.
"""

from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from hemline import environment, prefect_auth
from hemline.cli.terminal import project_folder, say
from hemline.errors import BadInput, exit_on_bad_input

Size = Literal["tiny", "demo", "full"]
"""Sizes of a generated shop."""

Shop = Literal["fashion", "gifts"]
"""Generated shops: one like H&M's, and the till of a gift shop, described as any file of yours."""

_FLOWS: Final = {
    "train": "Train on the current data and challenge the champion.",
    "monitor": "Evaluate the weeks that are due: pages, alerts, retraining.",
    "replay": "Evaluate past weeks again, as the monitor would have then.",
    "live": "Let a simulated shop live, and watch it.",
    "ui": "Serve all pages and run the schedule until Ctrl-C.",
    "deploy": "Hand the weekly runs to the server of 'hemline ui'.",
    "notify": "Set up, test and use mail and webhooks for alerts.",
}
_PASS_ON: Final = {"ignore_unknown_options": True, "allow_extra_args": True}


def add_to(app: typer.Typer, *, panel: str) -> None:
    """Add the commands to the application.

    Args:
        app: that gets them.
        panel: of the help that lists them.
    """
    for preset in (demo, real):
        app.command(rich_help_panel=panel)(exit_on_bad_input()(preset))
    for name, description in _FLOWS.items():
        app.command(
            name,
            help=description,
            rich_help_panel=panel,
            context_settings=_PASS_ON,
            add_help_option=False,
        )(exit_on_bad_input()(pass_on))


def demo(
    size: Annotated[Size, typer.Option(help="Size of the generated shop.")] = "demo",
    shop: Annotated[
        Shop, typer.Option(help="gifts: no demographics, guests, returns, quantities.")
    ] = "fashion",
) -> None:
    """Train, score and register a model on generated data."""
    if shop == "gifts":
        _start("train", "--data", str(gift_shop(size)))
    _start("train", "--source", "synthetic", "--size", size)


def gift_shop(size: Size) -> Path:
    """Write the gift shop's till, describe it in params.yaml, and return its folder.

    Raises:
        BadInput: params.yaml describes another shop.
    """
    from hemline.cli.source_commands import init  # noqa: PLC0415  (--help is fast)
    from hemline.data.acquire.source_params import SourceParams  # noqa: PLC0415  (as above)
    from hemline.data.gift_shop.till import END, FILE, write_gift_shop  # noqa: PLC0415  (as above)
    from hemline.edited_params import set_value  # noqa: PLC0415  (as above)

    root = project_folder()
    folder = root / ".hemline" / "shops" / f"gifts-{size}"
    described = SourceParams.load(root / "params.yaml").transactions
    if described and described.local_name("transactions") != FILE:
        raise BadInput(
            "section `source` of params.yaml is empty, or describes the generated gift shop",
            found=f"{described.local_name('transactions')}, not {FILE}",
            fix="keep a copy of params.yaml, then restore the first one: git checkout params.yaml",
        )
    if not (folder / FILE).exists():
        write_gift_shop(folder, size)
    if not described:
        init(str(folder))
        # As in the other generated shop: its customers buy today.
        say(set_value(root / "params.yaml", "shop", "first_day", END.isoformat()))
    return folder


def real(
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the files: Kaggle's, or those that `hemline source init` described. "
            "Not needed where section `source` names URLs."
        ),
    ] = None,
) -> None:
    """Train, score and register a model on a retailer's files, or on what lies behind URLs."""
    if data is not None:
        _start("train", "--data", str(data))
    from hemline.data.acquire.source_params import SourceParams  # noqa: PLC0415  (--help is fast)
    from hemline.data.fetch.fetched_tables import has_urls  # noqa: PLC0415  (as above)

    if not has_urls(SourceParams.load(project_folder() / "params.yaml")):
        raise BadInput(
            "the data lie in a folder, or section `source` of params.yaml names their URLs",
            found="no --data, and no url",
            fix="make real DATA=<the folder of the files>",
        )
    _start("train", "--source", "mapped", "--cut", "latest")


def pass_on(context: typer.Context) -> None:
    """Run the flow that the command is named for, with the options as they are."""
    _start(str(context.info_name), *context.args)


def _start(flow: str, *arguments: str) -> None:
    root = project_folder()
    environment.require_name_for_dvc(root)
    environment.require_writable(root)
    environment.apply(root)
    prefect_auth.apply(root)
    environment.restart(f"flows.{flow}", arguments)
