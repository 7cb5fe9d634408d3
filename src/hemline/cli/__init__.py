"""`hemline`: ask the champion from the terminal, look at the versions, put another in its place.

Everything slow is imported when a question is asked, so `--help` takes a tenth of a second.
"""

import typer

from hemline.cli import answers, exports, versions, weeks

app = typer.Typer(
    help="Ask the champion for recommendations, and see to who is champion. "
    "Run it in the project folder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    answers.recommend,
    answers.similar,
    answers.also_bought,
    exports.export,
    weeks.backtest,
    versions.history,
    versions.promote,
    versions.rollback,
    versions.lineage,
):
    app.command()(command)
