"""`hemline`: train, monitor, and use the champion from the terminal.

Everything slow is imported inside the commands, so that `--help` comes at once.
"""

import typer

from hemline.cli import (
    backtest_commands,
    experiment_commands,
    exploration_commands,
    export_commands,
    flow_commands,
    recommend_commands,
    shop_commands,
    source_commands,
    tune_commands,
    value_commands,
    version_commands,
)
from hemline.errors import exit_on_bad_input

app = typer.Typer(
    help="Train and monitor recommendation models, ask the champion for recommendations, and "
    "manage the champion version. Run it in the project folder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
flow_commands.add_to(app, panel="Train and monitor")
source_commands.add_to(app, panel="Train and monitor")
for panel, command in (
    ("Train and monitor", backtest_commands.backtest),
    ("Train and monitor", tune_commands.tune),
    ("Train and monitor", value_commands.value),
    ("Ask the champion", recommend_commands.recommend),
    ("Ask the champion", recommend_commands.similar),
    ("Ask the champion", recommend_commands.also_bought),
    ("Ask the champion", recommend_commands.other_colours),
    ("Ask the champion", export_commands.export),
    ("Manage versions", version_commands.history),
    ("Manage versions", version_commands.promote),
    ("Manage versions", version_commands.rollback),
    ("Manage versions", version_commands.lineage),
):
    app.command(rich_help_panel=panel)(exit_on_bad_input()(command))
shop_commands.add_to(app, panel="Serve")
experiment_commands.add_to(app, panel="Serve")
exploration_commands.add_to(app, panel="Serve")
