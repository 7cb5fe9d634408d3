"""What files of others hold is printed as it is: it neither changes the terminal nor fails."""

import io
import json
import logging
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from flows.screen import Screen, Step
from flows.training_report import print_scores
from hemline.cli.terminal import print_recommendations, print_table, say
from hemline.errors import BadInput, fail, print_safely, printable

EVIL = "[/red][bold]vest[/] \x1b[2J\x1b]0;title\x07\r\x9b1A\u202e[link=x]"
SHOWN = r"[/red][bold]vest[/] \x1b[2J\x1b]0;title\x07\r\x9b1A\u202e[link=x]"


def console() -> tuple[Console, io.StringIO]:
    written = io.StringIO()
    return Console(file=written, width=400), written


def test_control_characters_are_shown_and_everything_else_stays() -> None:
    assert printable(EVIL) == SHOWN
    names = (
        "Käthe's \N{NO-BREAK SPACE}Jeans, 日本, \N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET}\n\tnext"
    )
    assert printable(names) == names
    assert printable("\udc80\u2028") == r"\udc80\u2028"
    marks = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    assert printable(marks) == marks.encode("unicode_escape").decode()


def test_a_table_shows_names_headings_and_titles_with_brackets() -> None:
    on, written = console()
    print_table(pd.DataFrame({EVIL: [EVIL]}), on, title=EVIL)
    assert written.getvalue().count(SHOWN.replace("_", " ")) == 3
    assert "\x1b" not in written.getvalue()


def test_a_recommended_article_may_have_any_name() -> None:
    on, written = console()
    row = {"rank": 1, "article_id": EVIL, "name": f"{EVIL}\n", "score": 0.5, "source": EVIL}
    print_recommendations(pd.DataFrame([row]), on, title=f"For customer {EVIL}")
    assert written.getvalue().count(SHOWN) == 4
    assert len(written.getvalue().splitlines()) == 6


def test_what_no_recommended_article_has_is_left_out() -> None:
    on, written = console()
    row = {"rank": 1, "article_id": "20133A", "name": "MUG", "product_type": "", "colour": None}
    other = {"rank": 2, "article_id": "20136", "name": "CARD", "product_type": "", "colour": "red"}
    lists = pd.DataFrame([row | {"source": "popularity"}, other | {"source": "popularity"}])
    print_recommendations(lists, on)
    assert "product type" not in written.getvalue()
    assert "colour" in written.getvalue()


def test_the_score_table_and_its_sentence_show_rows_of_any_name(tmp_path: Path) -> None:
    evil, shown = EVIL.replace("\r", ""), SHOWN.replace("\\r", "")
    rows = [("popularity", 0.1), (evil, 0.2)]
    named = {name: {"map@12": value, "recall@12": value} for name, value in rows}
    (tmp_path / "scores.json").write_text(json.dumps(named))
    maps = pd.DataFrame(rows, columns=["model", "map@12"])
    maps.assign(low=0.1, high=0.3).to_csv(tmp_path / "map_at_12.csv", index=False)
    lines = pd.DataFrame(rows, columns=["model", "value"]).assign(
        slice="all",
        metric="map@12",
        n_customers=60,
        over_popularity=0.1,
        over_popularity_low=0.05,
        over_popularity_high=0.2,
        over_popularity_p=0.01,
    )
    lines.to_csv(tmp_path / "scores.csv", index=False)
    on, written = console()
    print_scores(tmp_path, on, min_customers=50)
    assert written.getvalue().count(shown) == 2
    assert (
        f"Significantly different from popularity in MAP@12: {shown} (higher)."
        in written.getvalue()
    )


def test_a_screen_shows_messages_steps_and_results(caplog: pytest.LogCaptureFixture) -> None:
    on, written = console()
    lines: list[str] = []
    screen = Screen(on, None)
    step = Step(EVIL, lines.append, result=EVIL)
    screen.start(step)
    step.output(EVIL)
    screen.end(step, 1)
    assert lines == [SHOWN]
    assert written.getvalue() == f"{SHOWN}: started\n{SHOWN}: {SHOWN}, 1 s\n"
    logger = logging.getLogger("stored text")
    logger.addFilter(print_safely)
    logger.warning("reason %s", EVIL)
    assert caplog.messages == [f"reason {SHOWN}"]


def test_a_refusal_shows_what_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    refusal = BadInput(EVIL, found=EVIL, fix=EVIL)
    assert refusal.found == SHOWN
    with pytest.raises(SystemExit):
        fail(str(refusal))
    say(EVIL)
    say(f"{EVIL}\nversion 2: promoted\t", err=True)
    printed = capsys.readouterr()
    assert printed.out == f"{SHOWN}\n"
    assert printed.err.count(SHOWN) == 4
    assert printed.err.endswith(rf"{SHOWN}\nversion 2: promoted\t" + "\n")
