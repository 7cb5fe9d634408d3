"""Commands that print the champion's recommendations."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hemline.cli.terminal import AsJson, open_registry, print_records, say
from hemline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from hemline.serving.answers import Answers
    from hemline.serving.listed import Answer, Listed

Length = Annotated[int, typer.Option("-n", min=1, max=500, help="Length of the list.")]
AllColours = Annotated[
    bool,
    typer.Option("--all-colours", help="List any number of colours of one product."),
]
ArticleId = Annotated[str, typer.Option("--article", help="article_id, as in the data.")]


def recommend(
    *,
    customer: Annotated[
        str | None,
        typer.Option(help="customer_id; of long ids the first 8 or more characters will do."),
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
    all_colours: AllColours = False,
    as_json: AsJson = False,
) -> None:
    """Recommend articles to a customer, or to a cold customer.

    A cold customer has bought nothing yet and is described by the other options, all optional.
    What these may be stands under `validate` in params.yaml.
    """
    described = (age, club_member_status, fashion_news_frequency, fn or None, active or None)

    def query(answers: "Answers") -> "Answer":
        from hemline.segments.cold_customers import ColdCustomer  # noqa: PLC0415  (--help should not wait for it)
        from hemline.serving.list_rules import ListRules  # noqa: PLC0415  (as above)
        from hemline.serving.visitor_history import SessionState  # noqa: PLC0415  (as above)

        session, rules = SessionState(), ListRules(k=length, per_product=0 if all_colours else None)
        if customer is None:
            guest = ColdCustomer(age, club_member_status, fashion_news_frequency, fn, active)
            return answers.for_guest(guest, session, rules)
        if any(value is not None for value in described):
            raise BadInput(
                "a customer is named by --customer, a cold customer by attributes",
                found="both",
                fix="leave out --customer or the attributes",
            )
        return answers.for_customer(answers.find_customer(customer), session, rules)

    _print(query, as_json=as_json)


def similar(
    article: ArticleId,
    length: Length = 10,
    all_colours: AllColours = False,
    as_json: AsJson = False,
) -> None:
    """List the most similar articles, one of each product.

    cosine is that of the vectors of both, 0 to 1: TF-IDF of their descriptions, or embeddings of
    pictures and texts where the version has any (docs/content.md). It is not known for articles
    that are similar to a similar one.
    """

    def query(answers: "Answers") -> "Answer":
        from hemline.serving.list_rules import ListRules  # noqa: PLC0415  (as above)

        rules = ListRules(k=length, per_product=0 if all_colours else None)
        return answers.similar(answers.find_article(article), rules)

    _print(
        query,
        similarity="cosine",
        as_json=as_json,
        if_empty=f"No other article is similar to {article}: none shares a distinctive word.",
    )


def also_bought(
    article: ArticleId,
    length: Length = 10,
    all_colours: AllColours = False,
    as_json: AsJson = False,
) -> None:
    """List the articles that the same customers bought, one of each product.

    buyer_cosine is the cosine of the buyers of both articles, pulled down where these are few;
    common_buyers is how many bought both. Fewer than answers.min_support of params.yaml are not
    enough to be listed.
    """

    def query(answers: "Answers") -> "Answer":
        from hemline.serving.list_rules import ListRules  # noqa: PLC0415  (as above)

        rules = ListRules(k=length, per_product=0 if all_colours else None)
        return answers.also_bought(answers.find_article(article), rules)

    _print(
        query,
        similarity="buyer_cosine",
        as_json=as_json,
        if_empty=f"Too few customers bought both {article} and another article that is still on "
        "sale (answers.min_support in params.yaml).",
    )


def other_colours(article: ArticleId, length: Length = 10, as_json: AsJson = False) -> None:
    """List the other articles of the article's product, best-selling first."""

    def query(answers: "Answers") -> "Answer":
        from hemline.serving.list_rules import ListRules  # noqa: PLC0415  (as above)

        return answers.other_colours(answers.find_article(article), ListRules(k=length))

    _print(query, as_json=as_json, if_empty=f"{article} is the only article of its product.")


def _print(
    query: "Callable[[Answers], Answer]",
    *,
    as_json: bool,
    similarity: str = "",
    if_empty: str = "There is nothing to recommend.",
) -> None:
    """Print what the champion answers."""
    open_registry()
    from hemline.cli.champion_answers import champion_answers  # noqa: PLC0415  (as above)

    answers = champion_answers(Path.cwd())
    listed = query(answers).listed
    rows = [_row(answers, rank, one, similarity) for rank, one in enumerate(listed, start=1)]
    if as_json:
        content = {"version": str(answers.version), "answers": rows}
        typer.echo(json.dumps(content, indent=1))
        return
    if rows:
        print_records(_without_empty_columns(rows))
    else:
        say(if_empty)
    typer.echo(f"champion: version {answers.version}, fitted up to {answers.cut}")


def _without_empty_columns(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the lines without what none of them has: a shop may have no types or colours."""
    shown = [name for name in rows[0] if any(row.get(name) != "" for row in rows)]
    return [{name: row[name] for name in shown if name in row} for row in rows]


def _row(answers: "Answers", rank: int, one: "Listed", similarity: str) -> dict[str, object]:
    """Return the line of a listed article; beside an article, how similar both are."""
    from hemline.serving.reasons import in_words  # noqa: PLC0415  (as above)

    shown = answers.articles.describe(one.article)
    row: dict[str, object] = {
        "rank": rank,
        "article_id": shown.article_id,
        "name": shown.name,
        "product_type": shown.product_type,
        "colour": shown.colour,
    }
    reason = one.reason
    if similarity:
        row[similarity] = one.similarity
        if reason.count is not None:
            row["common_buyers"] = reason.count
        return row | {"source": one.source}
    subject = "" if reason.article is None else answers.articles.describe(reason.article).name
    return row | {"source": one.source, "why": in_words(reason, subject)}
