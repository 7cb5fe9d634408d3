"""The pages in Chromium: every button, the keyboard alone, axe, hostile names, htmx."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from tests.browser import PageLeft, Tab, browser_tab, needs_chromium
from tests.processes import eventually
from tests.serving.tiny_version import article_id, customer_id
from tests.shop.tiny_pages import KNOWN, TinyShop, running_tiny_shop, tiny_project
from tests.tiny_project import REPOSITORY

AXE: Final = REPOSITORY / ".hemline" / "tools" / "axe.min.js"
needs_axe = pytest.mark.skipif(
    not AXE.exists(), reason="no .hemline/tools/axe.min.js (make tools): axe did not look at pages"
)
PAGES: Final = (
    "/",
    f"/article/{article_id(0)}",
    "/search?q=model",
    "/basket",
    "/staff",
    "/nowhere",
)
BUTTONS: Final = "[...document.querySelectorAll('button')]"
NAME: Final = """one => one.name === 'do' ? one.value.split(' ')[0] : one.name === 'article'
  ? one.name : one.value || new URL(one.form.action).pathname"""
BY_LOOK: Final = """{resultTypes: ['violations'], runOnly:
  ['color-contrast', 'target-size', 'scrollable-region-focusable', 'meta-viewport']}"""
LOOKS: Final = (
    (1360, "light", "{resultTypes: ['violations']}"),
    (1360, "dark", BY_LOOK),
    (360, "light", BY_LOOK),
    (360, "dark", BY_LOOK),
)
"""Width, colours, and rules: what does not depend on the first two is checked once."""
FILL: Final = f"for (const one of document.querySelectorAll('[required]')) one.value = '{KNOWN}';"
SEEN: Final = """(() => {
  const one = document.activeElement;
  const box = one.getBoundingClientRect();
  return {
    tag: one.tagName, text: (one.innerText || one.name || one.id).trim(),
    outline: getComputedStyle(one).outlineStyle, isInView: box.bottom > 0 && box.top < innerHeight,
    place: [...document.querySelectorAll('*')].indexOf(one),
  };
})()"""

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyShop]:
    with running_tiny_shop(tiny_project(tmp_path_factory.mktemp("browser") / "project")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Tab]:
    with browser_tab() as opened:
        yield opened


@pytest.fixture
def tab(browser: Tab) -> Tab:
    """A tab of somebody who has not been there, at 1360 pixels."""
    browser.ask("Network.clearBrowserCookies")
    browser.ask("Emulation.setScriptExecutionDisabled", value=False)
    look(browser, 1360, "light")
    browser.events.clear()
    return browser


def look(tab: Tab, width: int, scheme: str) -> None:
    tab.ask(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=900,
        deviceScaleFactor=1,
        mobile=False,
    )
    feature = {"name": "prefers-color-scheme", "value": scheme}
    tab.ask("Emulation.setEmulatedMedia", features=[feature])


def go(tab: Tab, address: str) -> None:
    """Open a page and wait until it is there."""
    tab.ask("Page.navigate", url=address)
    assert eventually(lambda: tab.run("document.readyState") == "complete", seconds=30)


def leave_by(tab: Tab, script: str) -> None:
    """Do what loads another page, and wait for that."""
    tab.run("window.before = 1")
    with suppress(PageLeft):
        tab.run(script)
    assert eventually(lambda: is_another_page(tab), seconds=30)


def is_another_page(tab: Tab) -> bool:
    try:
        return bool(tab.run("window.before !== 1 && document.readyState === 'complete'"))
    except PageLeft:  # between the two
        return False


def sign_in(tab: Tab, shop: TinyShop, customer: str = KNOWN) -> None:
    go(tab, shop.address)
    leave_by(
        tab,
        f"document.querySelector('#customer').value = '{customer}';"
        "document.querySelector('form[action=\"/customer\"] button').click()",
    )


def heading(tab: Tab) -> str:
    return str(tab.run("document.querySelector('h1').innerText"))


def complaints(tab: Tab) -> list[str]:
    """Return the errors of the console: what scripts throw, what the policy blocks."""
    entries = [one["params"]["entry"] for one in tab.events if one["method"] == "Log.entryAdded"]
    thrown = [one for one in tab.events if one["method"] == "Runtime.exceptionThrown"]
    errors = [one["text"] for one in entries if one["level"] == "error"]
    return errors + [json.dumps(one) for one in thrown]


def press(tab: Tab, key: str, code: int, text: str = "") -> None:
    for kind in ("keyDown", "keyUp"):
        more = {"text": text} if text and kind == "keyDown" else {}
        tab.ask(
            "Input.dispatchKeyEvent",
            type=kind,
            key=key,
            code=key,
            windowsVirtualKeyCode=code,
            **more,
        )


@pytest.mark.parametrize("customer", [None, customer_id(10)], ids=["guest", "customer"])
def test_every_button_does_something_and_leads_to_a_page(
    tab: Tab, shop: TinyShop, customer: str | None
) -> None:
    """Of buttons that do the same to different articles, each page's first one is pressed."""
    if customer is not None:
        sign_in(tab, shop, customer)
    pressed: set[str] = set()
    for path in PAGES if customer is None else ["/"]:
        on_page: set[str] = set()
        while True:
            go(tab, shop.address + path)
            names = tab.run(f"{BUTTONS}.map({NAME})")
            rest = [name for name in names if name not in on_page]
            if not rest:
                break
            on_page.add(rest[0])
            leave_by(tab, f"{FILL} {BUTTONS}[{names.index(rest[0])}].click()")
            assert heading(tab) not in {"This did not work", "Something went wrong on our side"}
            if rest[0] == "/customer":
                tab.ask("Network.clearBrowserCookies")
            if rest[0] == "/leave" and customer is not None:
                sign_in(tab, shop, customer)
        pressed |= on_page
    usual = {"/search", "sv", "basket", "unlike"}
    guest = {"article", "/customer", "/guest", "undo", "/buy", "/staff"}
    assert usual | (guest if customer is None else {"/leave"}) <= pressed
    assert [one for one in complaints(tab) if "404" not in one] == []


def test_the_keyboard_alone_is_enough(tab: Tab, shop: TinyShop) -> None:
    go(tab, shop.address)
    walked: list[dict[str, Any]] = []
    for _ in range(14):
        press(tab, "Tab", 9)
        walked.append(tab.run(SEEN))
    assert walked[0]["text"] == "Skip to the articles"
    assert all(one["outline"] != "none" for one in walked)
    assert all(one["isInView"] for one in walked)
    places = [one["place"] for one in walked]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
    go(tab, shop.address)
    press(tab, "Tab", 9)
    press(tab, "Enter", 13, "\r")
    assert tab.run("document.activeElement.id") == "main"
    while not tab.run("document.activeElement.value?.startsWith('basket ') ?? false"):
        press(tab, "Tab", 9)
    press(tab, "Enter", 13, "\r")
    assert eventually(lambda: "Basket, 1" in tab.text(), seconds=30)
    assert eventually(
        lambda: tab.run("document.activeElement.innerText").startswith("Undo"), seconds=10
    )


def test_an_unlike_takes_no_reload_once_htmx_is_there(tab: Tab, shop: TinyShop) -> None:
    go(tab, shop.address)
    assert not any("htmx" in address for address in tab.requested())
    tab.run("dispatchEvent(new PointerEvent('pointerover'))")
    assert eventually(
        lambda: tab.run("document.querySelector('[data-htmx-powered]') !== null"), seconds=30
    )
    article = tab.run("document.querySelector('button[value^=\"unlike \"]').value.split(' ')[1]")
    tab.run("window.before = 1; document.querySelector('button[value^=\"unlike \"]').click()")
    assert eventually(lambda: "will not be shown again" in tab.text(), seconds=30)
    listed = f"document.querySelector('button[value^=\"unlike {article} favourites\"]')"
    assert tab.run(f"{listed} === null")
    tab.run("document.querySelector('.notice button').click()")
    assert eventually(lambda: " is back." in tab.text(), seconds=30)
    assert tab.run(f"{listed} !== null")
    assert tab.run("window.before === 1")
    assert complaints(tab) == []


def test_without_script_everything_works(tab: Tab, shop: TinyShop) -> None:
    tab.ask("Emulation.setScriptExecutionDisabled", value=True)
    sign_in(tab, shop)
    assert heading(tab) == "Good to see you again"
    leave_by(tab, "document.querySelector('button[value^=\"basket \"]').click()")
    assert "Basket, 1" in tab.text()
    assert tab.run("document.querySelector('script[data-htmx]') === null")


def test_names_that_would_act_are_shown_and_do_not(tab: Tab, shop: TinyShop) -> None:
    for path in (*PAGES, "/search?q=%3Cimg%20src=x%20onerror=%22window.acted=1%22%3E"):
        go(tab, shop.address + path)
        assert tab.run("window.acted === undefined")
    go(tab, f"{shop.address}/article/{article_id(0)}")
    assert "<img src=x onerror=" in heading(tab)


@needs_axe
def test_axe_finds_nothing_serious(tab: Tab, shop: TinyShop) -> None:
    audit = Path(AXE).read_text("utf-8")
    found = []
    for path in (f"/?done=unlike&article={article_id(1)}", *PAGES):
        if path == "/":
            sign_in(tab, shop)
        go(tab, shop.address + path)
        tab.run(f"{audit};0")
        for width, scheme, rules in LOOKS:
            look(tab, width, scheme)
            found += [f"{path} {width} {scheme}: {one}" for one in serious(tab, rules)]
            assert tab.run("document.documentElement.scrollWidth <= innerWidth"), path
        look(tab, 1360, "light")
    assert found == []


def serious(tab: Tab, rules: str) -> list[str]:
    """Return what hinders people, and where."""
    script = f"axe.run({rules}).then(found => JSON.stringify(found.violations))"
    result = json.loads(tab.run(script))
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in result
        if one["impact"] in {"serious", "critical"}
    ]
