"""Markup in names, departments and reasons is shown wherever it ends up, and never run."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from flows.training_report import Training, failure_page, training_page
from hemline.errors import printable
from hemline.evaluation.score_report import grid, label
from hemline.pages.escaping import escape_markdown, spreadsheet_safe
from hemline.pages.rendering import render
from hemline.plots import literal, plot_curve, plot_scores
from tests.crawler import LinkReader
from tests.tiny_project import REPOSITORY

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[/red]",
    "[x](javascript:alert(1))",
    "![x](http://e.example/x.png)",
    "[x]: http://e.example",
    "http://127.0.0.1:9/x www.e.example x@e.example",
    "a | b",
    "a\\| b",
    "*a* _b_ __c__ ~~d~~",
    "`a` ```",
    "# a",
    "- a",
    "1. a",
    "[ ] a",
    "{{ 7 * 7 }} {% raw %}",
    "$x$ $\\frac$",
    "&lt;b&gt; &amp;",
    "\x1b[31mred\x1b[0m \x00 \u202etxt",
    "a\n\n## b",
    "=1+1",
]
ADDRESS = re.compile(r"(https?|ftp)://|www\.|@[\w-]+\.")  # what other readers make links of
PLACES = ("| {} | b |\n|---|---|\n| {} | c |\n", "- {}\n", "{}\n")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", PLACES, ids=["cell", "item", "line"])
def test_markdown_shows_text_as_it_is(text: str, place: str) -> None:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    assert not ADDRESS.search(escape_markdown(text))
    tokens = parser.parse(place.replace("{}", escape_markdown(text)))
    parts = [child for token in tokens for child in token.children or []]
    assert {part.type for part in parts} <= {"text", "text_special"}
    shown = ["".join(part.content for part in token.children or []) for token in tokens]
    assert " ".join(printable(text).split()) in shown
    assert len([one for one in shown if one]) == (4 if "---" in place else 1)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_template_shows_text_as_it_is(text: str, tmp_path: Path) -> None:
    context = {"heading": text, "about": text, "body": "", "front": "index.html", "is_measured": ""}
    page = tmp_path / "page.html"
    html = render(REPOSITORY / "flows" / "ui_document.html.j2", **context)
    page.write_text(html, encoding="utf-8")
    reader = LinkReader(page)
    assert reader.links == ["index.html"]
    assert not reader.loads
    assert "\x1b" not in html
    assert "\x00" not in html


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_training_reports_is_shown_as_it_is(text: str) -> None:
    scores = "\n".join(grid(["model", "MAP@12"], [[label(text), "0.1"]]))
    training = Training({text: "ran"}, "1", "1", is_new=True, reason=text, champion=text)
    links = {"scores": "http://127.0.0.1"}  # names of links are our own
    for markdown in (
        training_page(training, scores, links),
        failure_page(text, f"{text}\n```\n# out\n````", links),
    ):
        tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
        parts = [child for token in tokens for child in token.children or []]
        addresses = [str(part.attrs["href"]) for part in parts if part.type == "link_open"]
        assert [urlsplit(one).hostname for one in addresses] == ["127.0.0.1"]
        assert not [part for part in parts if part.type in {"image", "html_inline"}]
        assert not [token for token in tokens if token.type == "html_block"]
        assert "out" not in [token.content for token in tokens if token.type == "inline"]


def test_a_spreadsheet_computes_nothing() -> None:
    rows = pd.DataFrame({"name": ["=1+1", "@x", "-1", "a=b"], "gap": [-1.0, 0.0, 1.0, 2.0]})
    safe = spreadsheet_safe(rows)
    assert safe["name"].tolist() == ["'=1+1", "'@x", "'-1", "a=b"]
    assert safe["gap"].tolist() == rows["gap"].tolist()


@pytest.mark.parametrize("text", [*HOSTILE, "a\rb", "\r=1", "\u061cx"])
def test_a_csv_file_holds_every_name_on_its_line(text: str, tmp_path: Path) -> None:
    rows = pd.DataFrame({"lowest": [text, "25-34"], "gap": [0.5, 0.1]})
    spreadsheet_safe(rows).to_csv(tmp_path / "gaps.csv", index=False, lineterminator="\n")
    read = pd.read_csv(tmp_path / "gaps.csv")
    assert read["gap"].tolist() == [0.5, 0.1]
    assert read["lowest"].str.removeprefix("'").tolist() == [printable(text), "25-34"]
    assert "\x1b" not in (tmp_path / "gaps.csv").read_text()


def test_a_picture_draws_dollars_signs_for_controls_and_a_single_point(tmp_path: Path) -> None:
    assert literal("\u202e$live\x07") == r"\u202e\$live\x07"
    scores = pd.DataFrame({"slice": "all", "model": ["$\\frac$", "$x$"], "n_customers": 60})
    scores = scores.assign(value=0.1, low=0.05, high=0.2)
    plot_scores(scores, "map@12", tmp_path / "scores.png", min_customers=50)
    curve = pd.DataFrame({"epoch": [1], "reconstruction": 1.0, "kl": 1.0})
    pictures = []
    for value in (0.1, None):
        plot_curve(curve.assign(validation_map_at_12=value), tmp_path / "curve.png")
        pictures.append((tmp_path / "curve.png").read_bytes())
    assert pictures[0] != pictures[1]
    assert (tmp_path / "scores.png").stat().st_size > 1000
