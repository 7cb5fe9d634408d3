"""The pages of the shop. Every action is a form, which ends in a redirect to the page it was on."""

from dataclasses import replace
from time import perf_counter
from typing import Any, Final, cast

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, RedirectResponse, Response

from hemline.errors import BadInput
from hemline.shop.event_log import Kind, LogUnavailable
from hemline.shop.page_answers import PageProblem, PageRoute, page, texts_for
from hemline.shop.page_assets import assets
from hemline.shop.page_cards import picture_file
from hemline.shop.page_events import impressions, record_quietly
from hemline.shop.page_requests import SentForm
from hemline.shop.page_texts import LANGUAGES, Texts
from hemline.shop.page_views import AGES, Notice, PageViews
from hemline.shop.shop_service import ShopService
from hemline.shop.visits import Visit, visits_of

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)

_PRESSED: Final[tuple[Kind, ...]] = ("basket", "unlike", "undo")
_MOST_LIKED: Final = 12
_LONGEST_QUERY: Final = 80
_FOR_GOOD: Final = "public, max-age=31536000, immutable"


@router.get("/")
async def home(request: Request) -> Response:
    """Show a visitor's lists."""
    visit, texts, views = await _opened(request)
    compares = "compare" in request.query_params
    challenger = await _shop(request).watch.challenger() if compares else None
    shown = await views.home(await views.favourites(), challenger, compares=compares)
    shown_cards = shown.favourites.cards
    response = page(
        request,
        "home.html.j2",
        texts,
        background=impressions(request, visit, shown_cards),
        home=shown,
        ages=list(AGES),
        compares=compares,
        **_about(request, visit, texts),
    )
    visits_of(request).keep(visit, response)
    return response


@router.get("/article/{article_id:path}")
async def article(request: Request, article_id: str) -> Response:
    """Show an article, what others bought with it, and similar ones."""
    visit, texts, views = await _opened(request)
    key = _article(visit, article_id)
    card, lists = views.article(key)
    context = {"page": "article", "slot": "page"}
    await record_quietly(request, visit, "view", article_id, context)
    response = page(
        request, "article.html.j2", texts, card=card, lists=lists, **_about(request, visit, texts)
    )
    visits_of(request).keep(visit, response)
    return response


@router.get("/search")
async def search(request: Request) -> Response:
    """Show the articles whose name, type or colour has all words, one of each product.

    With `colours=all` any number of a product.
    """
    visit, texts, views = await _opened(request)
    query = request.query_params.get("q", "").strip()[:_LONGEST_QUERY]
    all_colours = request.query_params.get("colours") == "all"
    response = page(
        request,
        "search.html.j2",
        texts,
        query=query,
        cards=views.found(query, all_colours=all_colours),
        all_colours=all_colours,
        **_about(request, visit, texts),
    )
    visits_of(request).keep(visit, response)
    return response


@router.get("/basket")
async def basket(request: Request) -> Response:
    """Show what lies in the basket."""
    visit, texts, views = await _opened(request)
    response = page(
        request, "basket.html.j2", texts, cards=views.basket(), **_about(request, visit, texts)
    )
    visits_of(request).keep(visit, response)
    return response


@router.get("/staff")
async def staff(request: Request) -> Response:
    """Show what the models saw of the visitor and of each article of the list."""
    visit, texts, views = await _opened(request)
    model = request.query_params.get("model", "")[:_LONGEST_QUERY]
    shown = views.staff(await views.favourites(), model)
    response = page(request, "staff.html.j2", texts, staff=shown, **_about(request, visit, texts))
    visits_of(request).keep(visit, response)
    return response


@router.post("/act")
async def act(request: Request) -> Response:
    """Put an article into the basket, unlike it, or take either back."""
    form, visit = await SentForm.of(request), _visit(request)
    kind, article_id, place = form.action()
    if kind not in _PRESSED:
        raise PageProblem("page", 404, kind)
    _article(visit, article_id)
    context = {"page": form["back"].partition("?")[0] or "/", "slot": place}
    key = f"{form.page}:{kind}:{article_id}"
    await visits_of(request).record(visit, kind, article_id, key=key, context=context)
    return _redirected(request, visit, form.back(kind, article_id, place))


@router.post("/buy")
async def buy(request: Request) -> Response:
    """Record a purchase of everything in the basket."""
    form, visit = await SentForm.of(request), _visit(request)
    if not visit.is_remembered:
        raise LogUnavailable("the basket cannot be read")
    for key in visit.state.basket:
        article_id = visit.answers.articles.id_of(key)
        once = f"{form.page}:purchase:{article_id}"
        await visits_of(request).record(visit, "purchase", article_id, key=once)
    return _redirected(request, visit, form.back("purchase" if visit.state.basket else ""))


@router.post("/like")
async def like(request: Request) -> Response:
    """Choose an article as a guest's taste, or no longer."""
    form, visit = await SentForm.of(request), _visit(request)
    _article(visit, form["article"])
    liked = [one for one in visit.session.liked if one != form["article"]]
    if len(liked) == len(visit.session.liked):
        liked.append(form["article"])
    session = replace(visit.session, liked=tuple(liked[-_MOST_LIKED:]))
    visits_of(request).change(visit, session)
    return _redirected(request, visit, form.back("", "", "taste-1"))


@router.post("/customer")
async def customer(request: Request) -> Response:
    """Go on as a returning customer."""
    form, visit = await SentForm.of(request), _visit(request)
    try:
        key = visit.answers.find_customer(form["customer"])
    except BadInput as error:
        raise PageProblem("customer", 404, error.found) from None
    await visits_of(request).sign_in(visit, visit.answers.customer_id(key))
    return _redirected(request, visit, "/")


@router.post("/guest")
async def guest(request: Request) -> Response:
    """Go on as a guest of an age group."""
    form, visit = await SentForm.of(request), _visit(request)
    age = AGES.get(form["age"])
    about = {} if age is None else {"age": age}
    session = replace(
        visit.session,
        about=about,
        chosen={**visit.session.chosen, "age": form["age"] if about else ""},
    )
    visits_of(request).change(visit, session)
    return _redirected(request, visit, "/")


@router.post("/leave")
async def leave(request: Request) -> Response:
    """Begin again as a new guest."""
    await SentForm.of(request)
    response = RedirectResponse("/", 303)
    visits_of(request).sign_out(response)
    return response


@router.post("/language")
async def language(request: Request) -> Response:
    """Choose a language."""
    form, visit = await SentForm.of(request), _visit(request)
    if form["language"] not in LANGUAGES:
        raise PageProblem("page", 404, form["language"])
    chosen = {**visit.session.chosen, "language": form["language"]}
    visits_of(request).change(visit, replace(visit.session, chosen=chosen))
    return _redirected(request, visit, form.back(""))


@router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    """Send a file that the pages load."""
    asset = assets().get(name)
    if asset is None:
        raise PageProblem("page", 404, name)
    headers = {"cache-control": _FOR_GOOD, "vary": "accept-encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(asset.content, 200, headers, media_type=asset.media_type)
    headers["content-encoding"] = "gzip"
    return Response(asset.compressed, 200, headers, media_type=asset.media_type)


@router.get("/pictures/{article_id}.jpg")
async def picture(request: Request, article_id: str) -> Response:
    """Send the picture of an article, from the folder shop.pictures."""
    file = picture_file(request.app.state.pictures, article_id)
    if file is None:
        raise PageProblem("page", 404, article_id)
    return FileResponse(
        file, media_type="image/jpeg", headers={"cache-control": "public, max-age=3600"}
    )


async def _opened(request: Request) -> tuple[Visit, Texts, PageViews]:
    visit = await _met(request)
    texts = texts_for(request, visit.session.chosen.get("language", ""))
    shop = _shop(request)
    return visit, texts, PageViews(visit, shop, texts, request.app.state.pictures)


async def _met(request: Request) -> Visit:
    """Return the visit of a page that shows lists."""
    _refuse_without_champion(request)
    return await visits_of(request).meet(request)


def _visit(request: Request) -> Visit:
    _refuse_without_champion(request)
    return visits_of(request).open(request)


def _refuse_without_champion(request: Request) -> None:
    if not _shop(request).watch.is_ready:
        raise PageProblem("champion", 503, _shop(request).watch.problem or "")


def _about(request: Request, visit: Visit, texts: Texts) -> dict[str, Any]:
    """Return what every page of a visit shows."""
    return {
        "customer_id": visit.session.customer_id or "",
        "age": visit.session.chosen.get("age", ""),
        "n_in_basket": len(visit.state.basket),
        "is_remembered": visit.is_remembered,
        "version": visit.answers.version,
        "is_generated": visit.answers.is_generated,
        "arm": visit.arm.name,
        "milliseconds": f"{(perf_counter() - request.scope['hemline.begun']) * 1000:.1f}",
        "notice": _notice(request, visit, texts),
    }


def _notice(request: Request, visit: Visit, texts: Texts) -> Notice | None:
    """Return what the last action did, if the address says so and it is one of ours."""
    done = request.query_params.get("done", "")
    if done == "purchase":
        return Notice(texts("done_purchase"))
    if done not in _PRESSED:
        return None
    try:
        key = visit.answers.find_article(request.query_params.get("article", ""))
    except BadInput:  # an address that was typed, or is of another version
        return None
    found = visit.answers.articles.describe(key)
    undo = "" if done == "undo" else found.article_id
    return Notice(texts(f"done_{done}", article=found.name), undo, found.name)


def _article(visit: Visit, article_id: str) -> int:
    try:
        return visit.answers.find_article(article_id)
    except BadInput as error:
        raise PageProblem("article", 404, error.found) from None


def _redirected(request: Request, visit: Visit, address: str) -> Response:
    response = RedirectResponse(address, 303)
    visits_of(request).keep(visit, response)
    return response


def _shop(request: Request) -> ShopService:
    return cast(ShopService, request.app.state.shop)
