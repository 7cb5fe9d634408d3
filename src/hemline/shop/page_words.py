"""Why an article is listed, in words: an association, never a cause and never a trait."""

from dataclasses import dataclass

from hemline.serving.article_table import Article, ArticleTable
from hemline.serving.reasons import Reason
from hemline.shop.page_texts import Texts


@dataclass(frozen=True)
class Why:
    """A reason as a sentence: what stands before and after the article that it names, if any."""

    before: str
    article: Article | None = None
    after: str = ""


def why_for_visitor(reason: Reason, articles: ArticleTable, texts: Texts) -> Why:
    """Return a reason in a list for a visitor, which may name an article of the visitor's own."""
    if reason.article is None or reason.kind == "bought_before":
        return Why(texts(f"reason_{reason.kind}"))
    key = f"reason_{reason.kind}" + ("" if reason.count is None else "_n")
    before, after = texts.around_article(key, count=reason.count)
    return Why(before, articles.describe(reason.article), after)


def why_on_page(reason: Reason, texts: Texts) -> Why:
    """Return a reason in a list about one article, which stands above the list."""
    if reason.article is None:
        return Why(texts(f"reason_{reason.kind}"))
    return Why(texts(f"reason_{reason.kind}_page", count=reason.count))
