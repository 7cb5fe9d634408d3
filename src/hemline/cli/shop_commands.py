"""Commands of the shop: serve it, give out keys, and take its events back into the data."""

from typing import Annotated

import typer

from hemline import environment
from hemline.cli.terminal import open_registry, project_folder, say
from hemline.errors import BadInput, exit_on_bad_input

Host = Annotated[str, typer.Option(help="Address to listen on; any but this machine's needs keys.")]
Port = Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")]
Workers = Annotated[
    int | None, typer.Option(min=1, max=256, help="Processes; default: shop.workers.")
]
KeyName = Annotated[str, typer.Argument(help="Whose key it is.")]


def serve(host: Host = "127.0.0.1", port: Port = 8000, workers: Workers = None) -> None:
    """Answer visitors with the champion, as API and as page, until Ctrl-C."""
    open_registry(to_write=True)
    chosen = () if workers is None else ("--workers", str(workers))
    arguments = ("--host", host, "--port", str(port), *chosen)
    environment.restart("hemline.shop.shop_server", arguments)


def add_to(app: typer.Typer, *, panel: str) -> None:
    """Add the commands to the application.

    Args:
        app: that gets them.
        panel: of the help that lists them.
    """
    app.command(rich_help_panel=panel)(exit_on_bad_input()(serve))
    for name, group in (("shop-key", _keys), ("feedback", _feedback)):
        app.add_typer(group, name=name, rich_help_panel=panel)


_keys = typer.Typer(help="Keys by which other machines may use the shop.", no_args_is_help=True)
_feedback = typer.Typer(help="What visitors did, as data to train on.", no_args_is_help=True)


@_feedback.command("export")
@exit_on_bad_input()
def export_feedback(
    *,
    close_today: Annotated[
        bool,
        typer.Option("--close-today", help="End today now: what comes later counts as tomorrow's."),
    ] = False,
) -> None:
    """Write what visitors did on each complete day to data/feedback, for the next training."""
    from hemline.clock import now  # noqa: PLC0415  (as above)
    from hemline.params import pipeline_paths  # noqa: PLC0415  (--help should not wait for it)
    from hemline.shop.feedback_export import export_days  # noqa: PLC0415  (as above)
    from hemline.shop.session_stores import open_log  # noqa: PLC0415  (as above)
    from hemline.shop.shop_clock import ShopClock  # noqa: PLC0415  (as above)
    from hemline.shop.shop_params import ShopParams  # noqa: PLC0415  (as above)

    root = project_folder()
    environment.require_writable(root)
    params = ShopParams.with_environment(root / "params.yaml")
    log = open_log(params.events, root)
    try:
        clock = ShopClock.of(log, params.first_day)
        written = export_days(
            log,
            root / pipeline_paths(root / "dvc.yaml")["feedback"],
            day_of=clock.day_of,
            today=clock.day_of(now()),
            close_today=close_today,
        )
    finally:
        log.close()
    for path in written:
        say(str(path.relative_to(root)))
    if not written:
        say("No day is complete that has new events; --close-today ends the present one.")


@_feedback.command("forget")
@exit_on_bad_input()
def forget(customer: Annotated[str, typer.Option(help="customer_id, in full.")]) -> None:
    """Remove all that a customer did from the event log and from the exported days.

    What the customer told in a session, such as the language, expires by itself
    (shop.session_hours).
    """
    from hemline.params import pipeline_paths  # noqa: PLC0415  (as above)
    from hemline.shop.event_log import CUSTOMER, LogUnavailable  # noqa: PLC0415  (as above)
    from hemline.shop.feedback_export import forget_in_days  # noqa: PLC0415  (as above)
    from hemline.shop.session_stores import open_log  # noqa: PLC0415  (as above)
    from hemline.shop.shop_params import ShopParams  # noqa: PLC0415  (as above)

    root = project_folder()
    environment.require_writable(root)
    log = open_log(ShopParams.with_environment(root / "params.yaml").events, root)
    try:
        n_events = log.forget(CUSTOMER + customer)
    except LogUnavailable as error:
        raise BadInput(
            "the event log removes a customer, from its files too",
            found=str(error),
            fix="mend the server of shop.events, then run this command again",
        ) from error
    finally:
        log.close()
    folder = root / pipeline_paths(root / "dvc.yaml")["feedback"]
    changed = forget_in_days(folder, CUSTOMER + customer)
    say(f"{n_events} events of the log and {len(changed)} exported days no longer name them.")


@_keys.command()
@exit_on_bad_input()
def create(name: KeyName) -> None:
    """Create a key and print it, this once: only its hash is stored."""
    from hemline.shop.api_keys import create_key  # noqa: PLC0415  (--help should not wait for it)

    typer.echo(create_key(project_folder(), name))


@_keys.command("list")
@exit_on_bad_input()
def list_keys() -> None:
    """List the names of the keys that are valid."""
    from hemline.shop.api_keys import stored_keys  # noqa: PLC0415  (as above)

    for key in stored_keys(project_folder()):
        say(f"{key.created}  {key.name}")


@_keys.command()
@exit_on_bad_input()
def remove(name: KeyName) -> None:
    """Make a key invalid, at once and in a service that runs."""
    from hemline.shop.api_keys import remove_key  # noqa: PLC0415  (as above)

    remove_key(project_folder(), name)
