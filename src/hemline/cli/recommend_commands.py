"""Commands that print the champion's recommendations."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from hemline.cli.terminal import AsJson, open_registry, print_recommendations, say
from hemline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from hemline.storefront import Storefront

Length = Annotated[int, typer.Option("-n", min=1, max=500, help="Length of the list.")]
ArticleId = Annotated[str, typer.Option("--article", help="article_id, 10 digits.")]


def recommend(
    *,
    customer: Annotated[
        str | None, typer.Option(help="customer_id, or its first 8 or more characters.")
    ] = None,
    age: Annotated[int | None, typer.Option(help="Age of a cold customer, in years.")] = None,
    club_member_status: Annotated[
        str | None, typer.Option(help="Of a cold customer, such as ACTIVE.")
    ] = None,
    fashion_news_frequency: Annotated[
        str | None, typer.Option(help="Of a cold customer, such as NONE.")
    ] = None,
    fn: Annotated[bool, typer.Option("--fn", help="A cold customer with FN set.")] = False,
    active: Annotated[
        bool, typer.Option("--active", help="A cold customer with Active set.")
    ] = False,
    length: Length = 12,
    as_json: AsJson = False,
) -> None:
    """Recommend articles to a customer, or to a cold customer.

    A cold customer has bought nothing yet and is described by the other options, all optional.
    What these may be stands under `validate` in params.yaml.
    """
    described = (age, club_member_status, fashion_news_frequency, fn or None, active or None)

    def query(storefront: "Storefront") -> "pd.DataFrame":
        from hemline.segments.cold_customers import ColdCustomer  # noqa: PLC0415  (--help should not wait for it)

        if customer is None:
            cold_customer = ColdCustomer(
                age, club_member_status, fashion_news_frequency, fn, active
            )
            return storefront.for_cold_customer(cold_customer, length)
        if any(value is not None for value in described):
            raise BadInput(
                "a customer is named by --customer, a cold customer by attributes",
                found="both",
                fix="leave out --customer or the attributes",
            )
        return storefront.for_customer(customer, length)

    _recommend(query, as_json=as_json)


def similar(article: ArticleId, length: Length = 10, as_json: AsJson = False) -> None:
    """List the articles whose descriptions are most similar.

    text_cosine is the cosine of the TF-IDF vectors of both descriptions, 0 to 1.
    """
    _recommend(
        lambda storefront: storefront.similar(article, length),
        as_json=as_json,
        if_empty=f"No other article shares a distinctive word with the description of {article}.",
    )


def also_bought(article: ArticleId, length: Length = 10, as_json: AsJson = False) -> None:
    """List the articles that the same customers bought.

    buyer_cosine is the cosine of the buyers of both articles, pulled down where these are few.
    """
    _recommend(
        lambda storefront: storefront.also_bought(article, length),
        as_json=as_json,
        if_empty=f"Nobody who bought {article} bought another article that is still on sale.",
    )


def _recommend(
    query: "Callable[[Storefront], pd.DataFrame]",
    *,
    as_json: bool,
    if_empty: str = "There is nothing to recommend.",
) -> None:
    """Print what the champion recommends."""
    open_registry()
    from hemline.registry.versions import load_champion  # noqa: PLC0415  (as above)

    version, storefront = load_champion()
    recommendations = query(storefront)
    if as_json:
        rows = recommendations.to_dict("records")
        typer.echo(json.dumps({"version": version.number, "answers": rows}, indent=1))
    elif recommendations.empty:
        say(if_empty)
    else:
        print_recommendations(recommendations)
    if not as_json:
        typer.echo(f"champion: version {version.number}, fitted up to {version.cut}")
