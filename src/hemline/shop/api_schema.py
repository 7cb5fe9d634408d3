"""What callers send and get, as OpenAPI describes it.

What comes in is checked by these classes. What goes out is written directly as bytes (api_routes):
a second model of every answer would cost more than the web framework; tests hold the answers
against these classes instead.
"""

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from hemline.serving.list_rules import ListRules
from hemline.serving.reasons import ReasonKind
from hemline.shop.event_log import SentKind

_PLAIN = r"^[^\x00-\x20\x7f-\x9f]+$"
Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=_PLAIN)]
GuestId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{8,64}$")]
Text = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]

LONGEST: Final = 100
MOST_EVENTS: Final = 100


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class ListQuery(_Sent):
    """What a list may contain, and where it is shown."""

    k: Annotated[int, Field(ge=1, le=LONGEST, description="Length of the list, at most.")] = 12
    exclude: Annotated[
        list[Id], Field(max_length=200, description="article_ids that are not listed.")
    ] = []
    product_group: Annotated[
        list[Text], Field(max_length=50, description="List these product groups only.")
    ] = []
    min_price: Annotated[float | None, Field(ge=0, le=1e9)] = None
    max_price: Annotated[float | None, Field(ge=0, le=1e9)] = None
    in_stock: Annotated[bool, Field(description="List only what is in stock.")] = False
    per_product: Annotated[
        int | None,
        Field(
            ge=0,
            le=LONGEST,
            description="Articles of one product; 0: any number. Otherwise serve.per_product of "
            "the version, and one beside an article.",
        ),
    ] = None
    page: Annotated[Text, Field(description="Where it is shown; repeated in the answer.")] = ""
    slot: Text = ""


class CustomerQuery(ListQuery):
    """The same for a customer, and whether the challenger answers beside the champion."""

    compare: Annotated[
        Literal["challenger"] | None, Field(description="Also the challenger's list.")
    ] = None


class GuestQuery(CustomerQuery):
    """A visitor without an account: who it may be, and what it did."""

    guest: Annotated[
        GuestId | None, Field(description="Its id in events: what it did counts too.")
    ] = None
    age: Annotated[int | None, Field(ge=0, le=150)] = None
    club_member_status: Text | None = None
    fashion_news_frequency: Text | None = None
    fn: bool = False
    active: bool = False
    bought: Annotated[list[Id], Field(max_length=200)] = []
    basket: Annotated[list[Id], Field(max_length=200)] = []
    viewed: Annotated[list[Id], Field(max_length=200)] = []
    unliked: Annotated[list[Id], Field(max_length=200)] = []


class EventContext(_Sent):
    """Where it happened."""

    page: Text = ""
    slot: Text = ""
    position: Annotated[int | None, Field(ge=0, le=10_000)] = None
    request_id: Annotated[Text, Field(description="Of the answer that listed the article.")] = ""


class SentEvent(_Sent):
    """One thing that a visitor did, or that was shown to one."""

    key: Annotated[Key, Field(description="Idempotency key: the same again counts once.")]
    kind: SentKind
    article_id: Id
    customer_id: Id | None = None
    guest: Annotated[
        GuestId | None,
        Field(description="With customer_id: this guest is the customer from now on."),
    ] = None
    units: Annotated[int, Field(ge=1, le=1000)] = 1
    price: Annotated[
        float | None, Field(ge=0, le=1e9, description="Paid per unit; default: the shop's.")
    ] = None
    context: EventContext = EventContext()


class WhyListed(BaseModel):
    """An association, never a cause: why an article is listed."""

    kind: ReasonKind
    text: str
    article_id: str | None = None
    name: str | None = None
    count: int | None = None


class ListedArticle(BaseModel):
    """One article of a list."""

    rank: int
    article_id: str
    product_code: str
    name: str
    product_type: str
    product_group: str
    colour: str
    price: float | None
    currency: str | None
    source: str
    reason: WhyListed
    propensity: float | None = Field(
        None, description="With which it was drawn, where its place explores; null otherwise."
    )


class ArticleList(BaseModel):
    """A list, and which version of the model made it."""

    request_id: str
    version: int
    arm: str
    model: str
    milliseconds: float
    page: str
    slot: str
    articles: list[ListedArticle]


class VisitorList(ArticleList):
    """A list for a visitor.

    `remembered` is false while the store of events is away: what the visitor did is not in the list
    then. `challenger` is what the challenger would have listed; null without `compare`, or where
    there is no challenger beside the champion.
    """

    remembered: bool
    challenger: ArticleList | None = None


class RecordedEvent(BaseModel):
    """An event that is durable."""

    key: str
    sequence: int


class RecordedEvents(BaseModel):
    """The events of a request, in its order."""

    events: list[RecordedEvent]


class InForce(BaseModel):
    """Which version answers, and the share of the traffic of each experiment that runs."""

    version: int
    cut: date
    arm: str
    hemline: str
    experiments: dict[str, float]


class Health(BaseModel):
    """What works, and what does not: null where all is well."""

    status: Literal["ok", "degraded", "starting"]
    version: int | None
    registry: str | None
    stores: str | None
    stock: str | None = None
    experiments: str | None = None


def rules_of(query: ListQuery, exclude: frozenset[int]) -> ListRules:
    """Return the rules of a list, with the keys of the articles that are excluded."""
    return ListRules(
        k=query.k,
        exclude=exclude,
        product_groups=tuple(query.product_group),
        min_price=query.min_price,
        max_price=query.max_price,
        in_stock=query.in_stock,
        per_product=query.per_product,
    )
