"""One visitor at one request: who it is, what it did, and the answers that are in force.

Routes of the page take a `Visit` from `visits_of(request).open(request)`, answer from it, and give
their response to `keep`, which sets the cookie. `record` is durable when it returns, and the next
`open`, in whatever worker, sees it. All answers of one visit are of one version.

The cookie holds a random guest id and our signature, nothing else. `page_routes.router` is included
by `app.create_app`.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, cast
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from hemline.clock import now
from hemline.shop.event_log import CUSTOMER, GUEST, Kind, ShopEvent
from hemline.shop.visitor_sessions import Session

if TYPE_CHECKING:
    from hemline.segments.cold_customers import ColdCustomer
    from hemline.serving.answers import Answers
    from hemline.serving.visitor_history import SessionState
    from hemline.shop.experiment_arms import Arm
    from hemline.shop.shop_service import ShopService
    from hemline.shop.visitor_state import Remembered

COOKIE: Final = "hemline_visit"


@dataclass(frozen=True)
class Visit:
    """One visitor at one request.

    Attributes:
        guest_id: from the cookie, or made now.
        session: what the visitor told; its `customer_id` says who a returning customer is.
        arm: what the visitor is answered with; what a request shows is all from it.
        customer: the customer's key in this version; None for a guest, and for a customer whom this
            version does not know yet.
        guest: attributes for `answers.for_guest`, where there is no key.
        remembered: what the log knows of the visitor.
        is_new: whether no valid cookie came, so that `keep` has to set one.
        is_remembered: False where the event log or the sessions are away: `state` is empty then,
            and the page should say that it does not know the visitor at the moment.
    """

    guest_id: str
    session: Session
    arm: "Arm"
    customer: int | None
    guest: "ColdCustomer"
    remembered: "Remembered"
    is_new: bool = False
    is_remembered: bool = True
    request_id: str = field(default_factory=lambda: uuid4().hex)

    @property
    def answers(self) -> "Answers":
        """The answers of the arm."""
        return self.arm.answers

    @property
    def state(self) -> "SessionState":
        """What the visitor did since the version's cut, for `answers.for_customer` and so on."""
        return self.remembered.state

    @property
    def visitor(self) -> str:
        """The name under which the visitor's events are recorded."""
        if self.session.customer_id is not None:
            return CUSTOMER + self.session.customer_id
        return GUEST + self.guest_id


class ShopVisits:
    """Makes visits from requests."""

    def __init__(self, shop: "ShopService", secret: bytes) -> None:
        self._shop = shop
        self._secret = secret

    def open(self, request: Request) -> Visit:
        """Return who sent a request; a new guest where no cookie of ours came.

        Raises:
            BadInput: no version is in force yet.
        """
        guest_id = self._guest_of(request.cookies.get(COOKIE, ""))
        name = guest_id or secrets.token_urlsafe(16)
        return self._shop.visit(name, is_new=guest_id is None)

    async def meet(self, request: Request) -> Visit:
        """Return who sent a request, exposed to its arm; see `open`."""
        await self._shop.prepare()
        visit = self.open(request)
        met = await self._shop.meet(visit.visitor)
        if met.experiment == visit.arm.experiment:
            return visit
        return self._shop.visit(visit.guest_id, is_new=visit.is_new, in_force=True)

    def keep(self, visit: Visit, response: Response) -> None:
        """Set the cookie, where the visitor has none."""
        if visit.is_new:
            response.set_cookie(
                COOKIE,
                f"{visit.guest_id}.{self._signature(visit.guest_id)}",
                max_age=self._shop.params.session_hours * 3600,
                httponly=True,
                samesite="lax",
                secure=self._shop.is_public,
            )

    async def record(
        self,
        visit: Visit,
        kind: Kind,
        article_id: str,
        *,
        key: str | None = None,
        units: int = 1,
        context: Mapping[str, str] | None = None,
    ) -> int:
        """Record what the visitor did, and return its sequence once it is durable.

        Args:
            visit: who did it.
            kind: what it was.
            article_id: of the article.
            key: the idempotency key; a form should carry one, so that a double click counts once.
            units: how many.
            context: page, slot, position, request_id.

        Raises:
            BadInput: the article is not one of the shop's, or the key belongs to another event.
            LogUnavailable: it could not be made durable.
        """
        article = visit.answers.articles.describe(visit.answers.find_article(article_id))
        event = ShopEvent(
            kind,
            visit.visitor,
            article_id,
            key or uuid4().hex,
            now(),
            units=units,
            price=article.price,
            context=context or {},
        )
        [sequence] = await self._shop.append([event])
        return sequence

    def change(self, visit: Visit, session: Session) -> None:
        """Store what the visitor told: `change(visit, replace(visit.session, liked=...))`."""
        self._shop.sessions.write(GUEST + visit.guest_id, session)

    async def sign_in(self, visit: Visit, customer_id: str) -> None:
        """Make the visitor a customer, who keeps what the guest did.

        Raises:
            BadInput: the version in force knows no such customer.
        """
        visit.answers.find_customer(customer_id)
        await self._shop.link(GUEST + visit.guest_id, CUSTOMER + customer_id)
        self.change(visit, replace(visit.session, customer_id=customer_id))

    def sign_out(self, response: Response) -> None:
        """Let the browser begin again as a new guest: the earlier one stays the customer's."""
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")

    def _guest_of(self, cookie: str) -> str | None:
        guest_id, _, signature = cookie.rpartition(".")
        is_ours = hmac.compare_digest(signature.encode(), self._signature(guest_id).encode())
        return guest_id if guest_id and is_ours else None

    def _signature(self, guest_id: str) -> str:
        return hmac.new(self._secret, guest_id.encode(), "sha256").hexdigest()


def visits_of(request: Request) -> ShopVisits:
    """Return what makes the visits of an application."""
    return cast(ShopVisits, request.app.state.visits)
