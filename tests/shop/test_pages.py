"""The pages as a program without script sees them: forms, redirects, errors, bytes."""

import asyncio
import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from hemline.errors import BadInput
from hemline.serving.answers import Answers
from hemline.serving.article_table import Article
from hemline.serving.layout import laid_out
from hemline.shop.app import ShopSettings, create_app
from hemline.shop.garments.product_types import DRAWINGS
from hemline.shop.garments.tile import tile
from hemline.shop.page_answers import ProblemPages, page
from hemline.shop.page_assets import assets
from hemline.shop.page_cards import Card, CardList, garment_of
from hemline.shop.page_requests import SentForm
from hemline.shop.page_texts import texts_in
from hemline.shop.page_views import Home, PageViews
from hemline.shop.page_words import Why
from hemline.shop.problem_answers import problem
from tests.serving.tiny_version import article_id, registered, write_version
from tests.shop.tiny_pages import ACTING, KNOWN, tiny_project

MOST_BYTES: Final = 120_000
MOST_COMPRESSED: Final = 15_000


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_project(tmp_path_factory.mktemp("pages") / "project")


@pytest.fixture(scope="module")
def app_client(project: Path) -> Iterator[TestClient]:
    app = create_app(ShopSettings(project))
    with TestClient(app, "http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def shop(app_client: TestClient) -> TestClient:
    """The shop for a visitor who has not been there."""
    app_client.cookies.clear()
    app_client.headers["accept"] = "text/html"
    return app_client


@pytest.mark.parametrize(("source", "is_said"), [("synthetic", True), ("mapped", False)])
def test_only_a_generated_shop_says_that_its_data_are_generated(
    tmp_path: Path, source: str, is_said: bool
) -> None:
    root = tiny_project(tmp_path / "project")
    (params,) = (root / ".hemline" / "serving").glob("*/params.yaml")
    params.write_text(params.read_text().replace("source: synthetic", f"source: {source}"))
    with TestClient(create_app(ShopSettings(root)), "http://127.0.0.1:8000") as client:
        shown = client.get("/", headers={"accept": "text/html"}).text
    assert "Welcome" in shown
    assert ("generated data" in shown) == is_said


def press(shop: TestClient, path: str, **fields: str) -> str:
    """Send a form from the page that has it, and return the page that follows."""
    shown = shop.get("/").text
    number = re.search(r'name="page" value="(\w+)"', shown)
    assert number
    reply = shop.post(path, data={"page": number[1], "back": "/", **fields})
    assert reply.status_code == 200, reply.text
    return reply.text


def listed(shown: str, name: str = "favourites") -> list[str]:
    return re.findall(rf'value="unlike (\d+) {name}-', shown)


def test_a_guest_sees_a_list_and_who_answered(shop: TestClient) -> None:
    shown = shop.get("/").text
    assert len(listed(shown)) >= 5
    for said in ("version 3", "arm champion", "popularity", " ms"):
        assert said in shown


def test_a_customer_is_welcomed_with_purchases_and_may_leave(shop: TestClient) -> None:
    shown = press(shop, "/customer", customer=KNOWN[:8] + KNOWN[8:])
    assert "Good to see you again" in shown
    assert "2 days ago" in shown
    assert "customers bought it with" in shown
    assert "Welcome" in press(shop, "/leave")


def test_an_article_that_is_not_liked_is_gone_until_it_is_taken_back(shop: TestClient) -> None:
    first = listed(shop.get("/").text)[0]
    shown = press(shop, "/act", do=f"unlike {first} favourites-1")
    assert first not in listed(shown)
    assert "will not be shown again" in shown
    assert first not in listed(shop.get("/").text)
    assert first in listed(press(shop, "/act", do=f"undo {first}"))


def test_a_basket_is_bought_and_empty_then(shop: TestClient) -> None:
    assert "Your basket is empty" in shop.get("/basket").text
    first = listed(shop.get("/").text)[0]
    assert "Basket, 1" in press(shop, "/act", do=f"basket {first} favourites-1")
    assert first in shop.get("/basket").text
    shown = press(shop, "/buy", back="/basket")
    assert "Thank you" in shown
    assert "Your basket is empty" in shown


def test_a_form_that_is_sent_twice_counts_once(shop: TestClient) -> None:
    shop.get("/")
    fields = {"page": "abc123", "back": "/", "do": f"basket {article_id(1)} favourites-1"}
    for _ in range(2):
        assert shop.post("/act", data=fields).status_code == 200
    log = shop.app.state.shop.log  # type: ignore[attr-defined]
    events = [one.event for one in log.since(0, 10_000)]
    assert sum(one.key.startswith("abc123:") for one in events) == 1


def test_what_a_guest_likes_changes_the_list(shop: TestClient) -> None:
    before = listed(shop.get("/").text)
    shown = press(shop, "/like", article=article_id(2))
    assert 'aria-pressed="true"' in shown
    assert listed(shown) != before
    assert 'aria-pressed="true"' not in press(shop, "/like", article=article_id(2))


def test_an_age_group_is_kept(shop: TestClient) -> None:
    assert "<option selected>30-39</option>" in press(shop, "/guest", age="30-39")
    assert "<option selected>" not in press(shop, "/guest", age="from elsewhere")


def test_the_language_follows_the_browser_and_the_switch(shop: TestClient) -> None:
    swedish = shop.get("/", headers={"accept-language": "sv"}).text
    assert '<html lang="sv">' in swedish
    assert "Välkommen" in swedish
    assert '<html lang="sv">' in press(shop, "/language", language="sv")
    assert '<html lang="sv">' in shop.get("/basket").text


def test_the_staff_see_the_models_and_another_list(shop: TestClient) -> None:
    press(shop, "/customer", customer=KNOWN)
    shown = shop.get("/staff?model=popularity").text
    assert "What the model saw" in shown
    assert "copurchase" in shown
    assert "<option selected>popularity</option>" in shown
    assert listed(shown, "other")
    assert shop.get("/staff?model=oracle").status_code == 422


def test_a_search_finds_words_and_says_when_it_finds_none(shop: TestClient) -> None:
    assert listed(shop.get("/search?q=model").text, "found")
    assert "No article has all of these words" in shop.get("/search?q=zebra").text
    assert "Write a word" in shop.get("/search").text


def test_a_search_shows_one_colour_of_each_product_unless_all_are_wanted(shop: TestClient) -> None:
    shown = shop.get("/search?q=model").text
    found = re.findall(r'<h3><a href="/article/(\w+)">', shown)
    assert len({one[:7] for one in found}) == len(found)
    assert "/search?q=model&amp;colours=all" in shown
    every = shop.get("/search?q=model&colours=all").text
    assert len(re.findall(r'<h3><a href="/article/(\w+)">', every)) > len(found)


def test_the_page_of_an_article_shows_its_other_colours(shop: TestClient) -> None:
    shown = shop.get(f"/article/{article_id(0)}").text
    assert "Other colours" in shown
    assert f'href="/article/{article_id(1)}"' in shown


def test_nothing_that_was_sent_or_stored_acts(shop: TestClient) -> None:
    for path in ("/", f"/article/{article_id(0)}", f"/search?q={ACTING}", "/staff"):
        reply = shop.get(path)
        assert reply.status_code == 200
        assert "<script>" not in reply.text
        assert "<img src=x" not in reply.text
        assert "script-src 'self'" in reply.headers["content-security-policy"]
        assert "unsafe" not in reply.headers["content-security-policy"]
    unknown = shop.post("/customer", data={"page": "a", "back": "/", "customer": ACTING})
    assert unknown.status_code == 404
    assert "<img src=x" not in unknown.text


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/article/0999999999", 404, "This article is not known"),
        ("/nowhere", 404, "There is no such page"),
        ("/recommendations/nobody", 404, "Send the whole customer_id"),
        ("/static/secret.txt", 404, "There is no such page"),
        ("/pictures/../params.yaml.jpg", 404, "There is no such page"),
    ],
)
def test_an_address_that_leads_nowhere_says_what_to_do(
    shop: TestClient, path: str, status: int, said: str
) -> None:
    reply = shop.get(path)
    assert reply.status_code == status
    assert said in reply.text
    assert 'href="/"' in reply.text


@pytest.mark.parametrize(
    "fields",
    [
        {"page": "a", "back": "//evil.example/", "do": f"unlike {article_id(0)}"},
        {"page": "a", "back": "https://evil.example", "do": f"unlike {article_id(0)}"},
        {"page": "no number", "back": "/", "do": f"unlike {article_id(0)}"},
        {"page": "a", "back": "/", "do": "unlike"},
        {"page": "a", "back": "/", "do": f"purchase {article_id(0)}"},
        {"page": "a", "back": "/", "do": f"unlike {article_id(0)} <b>"},
        {"page": "a", "back": "/", "do": "unlike  favourites-1"},
        {},
    ],
)
def test_a_form_that_is_not_ours_does_nothing(shop: TestClient, fields: dict[str, str]) -> None:
    reply = shop.post("/act", data=fields, follow_redirects=False)
    assert reply.status_code in {404, 422}
    assert "<h1>" in reply.text
    assert article_id(0) in listed(shop.get("/").text) or not fields


def test_a_form_from_another_server_is_refused(shop: TestClient) -> None:
    fields = {"page": "a", "back": "/", "do": f"unlike {article_id(0)}"}
    for origin in ("http://evil.example", "null"):
        reply = shop.post("/act", data=fields, headers={"origin": origin})
        assert reply.status_code == 403


def test_programs_get_refusals_as_before(shop: TestClient) -> None:
    reply = shop.get("/nowhere", headers={"accept": "application/json"})
    assert reply.headers["content-type"] == "application/problem+json"


def test_a_refusal_for_too_many_requests_is_a_page_for_browsers() -> None:
    async def refuse(_request: object) -> object:
        refusal = BadInput("a key asks 600 times a minute", found="more", fix="wait")
        return problem(429, refusal, headers={"retry-after": "1"})

    app = ProblemPages(Starlette(routes=[Route("/", refuse)]))  # type: ignore[arg-type]
    reply = TestClient(app).get("/", headers={"accept": "text/html"})
    assert reply.status_code == 429
    assert reply.headers["retry-after"] == "1"
    assert "Wait a few seconds" in reply.text


def test_without_a_challenger_the_page_says_so(shop: TestClient) -> None:
    assert "There is no challenger" in shop.get("/?compare=1").text


def test_champion_and_challenger_stand_side_by_side(shop: TestClient, tmp_path: Path) -> None:
    files = write_version(tmp_path, warm=("popularity",))
    other = Answers.open(laid_out(files, registered(files, 4), tmp_path / "serving"))
    service = shop.app.state.shop  # type: ignore[attr-defined]
    views = PageViews(service.visit("somebody"), service, texts_in("en"), None)
    answer = asyncio.run(views.favourites())
    home = asyncio.run(views.home(answer, other, compares=True))
    assert home.challenger is not None
    shared = {card.article.article_id for card in home.challenger.cards if card.note}
    assert shared == {card.article.article_id for card in home.favourites.cards if card.note}
    assert len(shared) == home.n_in_common > 0


def test_a_picture_is_shown_instead_of_a_drawing(project: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / f"{article_id(1)}.jpg").write_bytes(b"jpg")
    app = create_app(ShopSettings(project))
    app.state.pictures = pictures
    with TestClient(app, "http://127.0.0.1:8000") as shop:
        shown = shop.get(f"/article/{article_id(1)}").text
        assert f'<img src="/pictures/{article_id(1)}.jpg"' in shown
        reply = shop.get(f"/pictures/{article_id(1)}.jpg")
        assert (reply.content, reply.headers["content-type"]) == (b"jpg", "image/jpeg")


def test_the_first_view_is_small() -> None:
    """A full page of 32 drawings with patterns, its style sheet, its script and its icon."""
    patterns = ("All over pattern", "Stripe", "Solid", "Lace", "Front print", "Denim")
    types = sorted(DRAWINGS)

    def card(number: int, name: str) -> Card:
        article = Article(
            f"{100000000 + number * 7919:010d}", f"{number * 7919:07d}", f"A longer name {number}",
            types[number * 5 % len(types)], "Garment", "Dark Blue", patterns[number % 6],
            "Department", "With a round neckline and long sleeves.", None,
        )  # fmt: skip
        why = Why("Often bought with ", article, "")
        return Card(article, f"{name}-{number}", tile(garment_of(article), name[0]), why=why)

    def cards(name: str, n: int, first: int) -> CardList:
        made = tuple(card(first + number, name) for number in range(n))
        return CardList(name, "Selected favourites", Why("about"), made)

    recent = tuple((card(number, "recent"), "111 days ago") for number in range(8))
    others = (cards("also", 6, 40), cards("similar", 6, 60))
    home = Home(cards("favourites", 12, 10), "rank", others, recent=recent)
    about = {
        "customer_id": KNOWN, "age": "", "is_remembered": True, "version": 1, "arm": "champion",
        "milliseconds": "3.1", "notice": None, "ages": [], "compares": False,
    }  # fmt: skip

    async def show(request: object) -> object:
        return page(request, "home.html.j2", texts_in("en"), home=home, **about)  # type: ignore[arg-type]

    view = TestClient(Starlette(routes=[Route("/", show)]))  # type: ignore[arg-type]
    html = view.get("/", headers={"accept-encoding": "identity"}).content
    loaded = [assets()[name] for name in ("shop.css", "lazy.js", "icon.svg")]
    assert html.count(b'class="tile') == 32
    assert len(html) + sum(len(one.content) for one in loaded) <= MOST_BYTES
    compressed = len(gzip.compress(html, 6)) + sum(len(one.compressed) for one in loaded)
    assert compressed <= MOST_COMPRESSED


def test_pages_are_sent_compressed_and_files_are_kept(shop: TestClient) -> None:
    reply = shop.get("/")
    assert reply.headers["content-encoding"] == "gzip"
    assert reply.headers["cache-control"] == "private, no-store"
    address = re.search(r'href="(/static/shop\.css\?v=\w+)"', reply.text)
    assert address
    css = shop.get(address[1])
    assert "immutable" in css.headers["cache-control"]
    assert ".cards" in css.text


def test_htmx_is_the_pinned_one_with_its_licence_and_only_loaded_when_the_page_is_used(
    shop: TestClient,
) -> None:
    shown = shop.get("/").text
    [script] = re.findall(r"<script[^>]*>", shown)
    assert script.startswith('<script src="/static/lazy.js?v=')
    assert b'version="4.0.1"' in assets()["htmx.min.js"].content
    licence = Path("src/hemline/shop/static/htmx_licence.txt").read_text("utf-8")
    assert licence.startswith("Zero-Clause BSD")


def test_any_id_of_an_article_goes_into_an_address_and_back() -> None:
    form = SentForm({"do": "unlike a b/c?d&e 7 favourites-3", "back": "/article/a%20b/c%3Fd"})
    assert form.action() == ("unlike", "a b/c?d&e 7", "favourites-3")
    assert form.back("unlike", "a b/c?d&e 7", "favourites-3") == (
        "/article/a%20b/c%3Fd?done=unlike&article=a+b%2Fc%3Fd%26e+7#favourites-3"
    )
    assert SentForm({"do": "undo 0123"}).action() == ("undo", "0123", "")
