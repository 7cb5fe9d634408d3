"""`hemline`: ask the champion from the terminal, look at the versions, put another in its place.

Everything slow is imported when a question is asked, so `--help` takes a tenth of a second.
"""

import typer

from hemline.cli import backtest_commands, export_commands, recommend_commands, version_commands

app = typer.Typer(
    help="Ask the champion for recommendations, and see to who is champion. "
    "Run it in the project folder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    recommend_commands.recommend,
    recommend_commands.similar,
    recommend_commands.also_bought,
    export_commands.export,
    backtest_commands.backtest,
    version_commands.history,
    version_commands.promote,
    version_commands.rollback,
    version_commands.lineage,
):
    app.command()(command)
