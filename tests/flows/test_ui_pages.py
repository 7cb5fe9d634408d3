"""What `hemline ui` serves, in every state of a project: no link leads nowhere."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from flows.addresses import Addresses
from flows.project import ALARMS
from flows.ui_pages import publish, publish_project
from hemline.experiment_pages.refresh_pages import refresh_pages
from hemline.experiments.experiment_files import experiments_folder, plan_experiment
from hemline.pages.rendering import write_page
from monitoring.alerts.alert import KINDS, anchor
from tests.crawler import LinkReader, broken_links, foreign_assets
from tests.experiments.test_experiment_files import PLAN
from tests.tiny_project import REPOSITORY

WHERE = Addresses("http://p", "http://m", "http://pages", "http://e")
HOSTILE = "| <img src=x onerror=alert(1)> | [link](javascript:alert(1)) ![x](http://e.example/x) |"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A project whose flows have not run yet."""
    shutil.copytree(REPOSITORY / "docs", tmp_path / "docs")
    return tmp_path


def train(root: Path) -> None:
    """Put the files of a training where it leaves them."""
    for page in (root / "reports/fairness/index.html", root / "data/validation/index.html"):
        write_page(page, REPOSITORY / "flows/ui_document.html.j2", **document())
    (root / "reports/scores.md").write_text(f"| model | MAP@12 |\n|---|--:|\n{HOSTILE}\n", "utf-8")
    (root / "reports/scores.png").write_bytes(b"png")


def monitor(root: Path) -> None:
    """Put the pages of a week, and those of a replay, where the monitor leaves them."""
    folder = root / ".hemline/monitoring"
    for pages in (folder / "pages", folder / "replays/2020-09-02_2020-09-09_1/pages"):
        write_page(pages / "index.html", REPOSITORY / "flows/ui_document.html.j2", **document())
        for name in (f"{ALARMS}.md", f"{ALARMS}.csv"):
            (pages.parent / name).write_text("| a |\n|---|\n| · |\n", encoding="utf-8")


def document() -> dict[str, str]:
    return {"heading": "A page", "about": "", "body": "", "front": "index.html", "is_measured": ""}


def published(root: Path) -> Path:
    publish_project(root)
    return root / ".hemline" / "pages"


@pytest.mark.parametrize("done", [(), (train,), (train, monitor), (monitor,)])
def test_no_link_leads_nowhere_whatever_has_run(
    clone: Path, done: tuple[Callable[[Path], None], ...]
) -> None:
    assert broken_links(published(clone)) == []
    for step in done:
        step(clone)
    pages = published(clone)
    assert broken_links(pages) == []
    assert foreign_assets(pages) == []
    for address in (WHERE.scores, WHERE.validation, WHERE.monitoring, WHERE.runbook):
        assert (pages / urlsplit(address).path[1:]).is_file()


def test_a_report_that_is_missing_says_which_command_makes_it(clone: Path) -> None:
    pages = published(clone)
    for address, command in (
        (WHERE.scores, "hemline train"),
        (WHERE.validation, "hemline train"),
        (WHERE.monitoring, "hemline monitor"),
        ("http://pages/experiments/index.html", "hemline experiment readout NAME"),
        ("http://pages/customer_value.html", "hemline value"),
    ):
        page = (pages / urlsplit(address).path[1:]).read_text(encoding="utf-8")
        assert f"<code>{command}</code>" in page
    front = (pages / "index.html").read_text(encoding="utf-8")
    assert "<code>hemline backtest</code>" in front
    assert "<img" not in front
    train(clone)
    assert "<code>hemline train</code>" not in (published(clone) / "index.html").read_text("utf-8")


def test_only_what_is_named_is_served_and_a_project_may_move(clone: Path, tmp_path: Path) -> None:
    train(clone)
    monitor(clone)
    (clone / ".hemline" / "mlflow.db").touch()
    pages = tmp_path / "pages"
    for root in (tmp_path / "before it moved", clone):
        publish(root, pages, WHERE)
    served = {path.name: path.resolve() for path in pages.iterdir() if path.is_symlink()}
    assert served["monitoring"] == (clone / ".hemline" / "monitoring" / "pages").resolve()
    assert all(path.is_relative_to(clone.resolve()) for path in served.values())
    assert clone.resolve() / ".hemline" not in served.values()
    index = (pages / "index.html").read_text("utf-8")
    assert '<a href="http://e">Evidently</a>' in index
    assert broken_links(pages) == []


def test_pages_of_a_report_that_is_gone_are_gone(clone: Path) -> None:
    train(clone)
    published(clone)
    shutil.rmtree(clone / "data/validation")
    shutil.rmtree(clone / "reports")
    (clone / "docs/scale.md").unlink()
    pages = published(clone)
    assert "hemline train" in (pages / "validation/index.html").read_text("utf-8")
    assert "hemline train" in (pages / "scores.html").read_text("utf-8")
    assert not (pages / "docs/scale.html").exists()
    assert broken_links(pages) == []


def test_every_alert_finds_its_section_of_the_runbook(clone: Path) -> None:
    runbook = LinkReader(published(clone) / "docs/monitoring.html")
    assert {anchor(kind) for kind in KINDS} <= runbook.ids
    assert not runbook.styles


def test_markdown_runs_and_loads_nothing(clone: Path) -> None:
    train(clone)
    page = published(clone) / "scores.html"
    reader = LinkReader(page)
    assert not [one for one in (*reader.links, *reader.loads) if "index.html" not in one]
    assert "&lt;img src=x onerror=alert(1)&gt;" in page.read_text("utf-8")
    assert '<meta charset="utf-8">' in page.read_text("utf-8")


def test_the_page_of_a_week_is_where_alerts_say(clone: Path) -> None:
    monitor(clone)
    day = date(2020, 9, 23)
    week = clone / ".hemline/monitoring/pages" / str(day) / "index.html"
    week.parent.mkdir()
    week.write_text("a week", encoding="utf-8")
    assert (published(clone) / urlsplit(WHERE.week(day)).path[1:]).read_text("utf-8") == "a week"


def test_pages_of_experiments_and_customer_value_are_served_with_its_picture(clone: Path) -> None:
    train(clone)
    plan_experiment(experiments_folder(clone), PLAN)
    refresh_pages(clone, PLAN.planned_at)
    value = "# What customers spend\n\n![tenths](customer_value.png)\n"
    (clone / "reports/customer_value.md").write_text(value, encoding="utf-8")
    (clone / "reports/customer_value.png").write_bytes(b"png")
    pages = published(clone)
    assert "prices.html" in (pages / "experiments/index.html").read_text("utf-8")
    assert LinkReader(pages / "customer_value.html").loads == ["reports/customer_value.png"]
    front = LinkReader(pages / "index.html")
    assert "experiments/prices.html" in front.links
    assert "reports/customer_value.png" in front.loads
    assert broken_links(pages) == []
    assert foreign_assets(pages) == []
