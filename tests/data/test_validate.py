"""Every rule of the validation, broken once: one run finds them all and shows the rows."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from hemline.data.acquire.kaggle_files import find_sources
from hemline.data.acquire.typed_tables import read_tables, write_tables
from hemline.data.expectations.checkpoint import Finding, check_tables
from hemline.data.expectations.rule import min_rows
from hemline.data.expectations.thresholds import ValidateParams
from hemline.data.expectations.validation_report import write_report
from hemline.engine.engine import Engine, EngineParams
from hemline.errors import BadInput
from hemline.stages import validate as stage
from tests.crawler import foreign_assets

PARAMS = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
SMALL: dict[str, Any] = PARAMS["validate"] | {
    "min_rows": {"articles": 3, "customers": 4, "transactions": 20},
    "max_null_share": {
        "articles": {"detail_desc": 0.5, "department_name": 0},
        "customers": {"age": 0.3, "club_member_status": 0.3, "fashion_news_frequency": 0.3},
        "transactions": {"t_dat": 0, "price": 0, "sales_channel_id": 0},
    },
    "max_missing_days": 1,
    "max_units": 5,
}


EVIL = "<script>alert(1)</script>"
STRICT = SMALL | {"min_rows": {"articles": 50, "customers": 4, "transactions": 20}}
DUCKDB = EngineParams.load(Path("params.yaml"))


@dataclass(frozen=True)
class Run:
    """What a run of the stage left behind."""

    report: Path
    summary: dict[str, Any]
    refusal: BadInput | None


def validate(engine: Engine, kaggle: Path, folder: Path, thresholds: dict[str, Any] = SMALL) -> Run:
    sources = find_sources(kaggle, keep_postal_code=True)
    write_tables(engine, read_tables(engine, sources), folder / "tables")
    params = folder / "params.yaml"
    engine_params = PARAMS["engine"] | {"name": engine.name, "spill": str(folder / "spill")}
    sections = {
        "acquire": PARAMS["acquire"],
        "data": PARAMS["data"],
        "validate": thresholds,
        "engine": engine_params,
    }
    params.write_text(yaml.safe_dump(sections))
    refusal = None
    try:
        stage.main(params, folder / "tables", folder / "report")
    except BadInput as error:
        refusal = error
    report = folder / "report"
    return Run(report, json.loads((report / "summary.json").read_text()), refusal)


@pytest.fixture(scope="module")
def flawless_run(
    on_duckdb: Engine, flawless: Path, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    return validate(on_duckdb, flawless, tmp_path_factory.mktemp("flawless_run"))


@pytest.fixture(scope="module")
def broken_run(on_duckdb: Engine, flawless: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("broken_run")
    shutil.copytree(flawless, folder / "kaggle")
    for name, break_rows in (
        ("articles", broken_articles),
        ("customers", broken_customers),
        ("transactions_train", broken_transactions),
    ):
        path = folder / "kaggle" / f"{name}.csv"
        lines = break_rows(path.read_text(encoding="utf-8").splitlines())
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return validate(on_duckdb, folder / "kaggle", folder, STRICT)


def broken_articles(lines: list[str]) -> list[str]:
    first = lines[1]
    return [
        *lines,
        lines[3],  # 0110065001 a second time
        first.replace("0108775015", "108775099"),
        first.replace("0108775015", "01087750XY"),
        first.replace("0108775015", "0208775015"),  # its product code is still 0108775
        first.replace("0108775015", "0108775077").replace("253,Vest", "253,Sock"),
        first.replace("0108775015", "0108775078").replace("16,Jersey,A", "17,,A"),
    ]


def broken_customers(lines: list[str]) -> list[str]:
    return [
        *lines,
        lines[1],  # 0000... a second time
        "not-hexadecimal,,,ACTIVE,NONE,30,p",
        f"{'b' * 63},,,ACTIVE,NONE,30,p",
        f"{'1' * 64},,,ACTIVE,NONE,203,p",
        f"{'2' * 64},,,ACTIVE,NONE,5,p",
        f"{'4' * 64},2.0,,ACTIVE,NONE,30,p",
        f"{'5' * 64},,7.0,ACTIVE,NONE,30,p",
        f"{'6' * 64},,,GOLD,NONE,30,p",
        f"{'7' * 64},,,ACTIVE,Hourly,30,p",
        *(f"{digit * 64},,,ACTIVE,NONE,,p" for digit in "8bcde"),
    ]


def broken_transactions(lines: list[str]) -> list[str]:
    known = f"{'a' * 64},0108775044"
    gone = ("2020-09-10", "2020-09-11", "2020-09-21", "2020-09-22")
    return [
        *(line for line in lines if not line.startswith(gone)),
        "2020-09-03," + "a" * 64 + ",108775044,0.02,1",  # 0108775044 read as a number
        "2020-09-03," + "a" * 64 + ",0999999999,0.02,1",
        "2020-09-03," + "9" * 64 + ",0108775044,0.02,1",
        f"2020-09-03,{known},-0.02,1",
        f"2020-09-04,{known},2.5,1",
        f"2020-09-05,{known},nan,1",
        f"2020-09-06,{known},,1",
        f"2020-09-07,{known},0.02,0",
        f"2020-09-07,{known},0.02,",
        f"1920-09-07,{known},0.02,1",
        f",{known},0.02,1",
        *[f"2020-09-08,{'f' * 64},0110065001,0.02,1"] * 9,
    ]


SPAN = (date(2020, 9, 20) - date(1920, 9, 7)).days + 1  # 18 days of September and one of 1920 sold
BROKEN = [
    ("articles", "*", "at least 50 rows", 1, "9"),
    ("articles", "article_id", "occurs once", 2, "0110065001"),
    ("articles", "article_id", "keeps its leading zero", 1, "108775099"),
    ("articles", "article_id", "is 10 digits", 1, "01087750XY"),
    ("articles", "product_code", "first 7 digits", 1, "0208775015"),
    (
        "articles",
        "product_type_no",
        "always has the same product_type_name",
        1,
        "Sock, usually Vest",
    ),
    ("articles", "department_name", "is missing in no row", 1, "0108775078"),
    ("customers", "customer_id", "occurs once", 2, "0" * 64),
    ("customers", "customer_id", "64 hexadecimal digits", 2, "not-hexadecimal"),
    ("customers", "age", "between 16 and 99", 2, "203"),
    ("customers", "age", "is missing in at most 30.0% of", 6, "8" * 64),
    ("customers", "FN", "FN is one of 0, 1", 1, "4" * 64),
    ("customers", "Active", "Active is one of 0, 1", 1, "5" * 64),
    ("customers", "club_member_status", "is one of ACTIVE, PRE-CREATE", 1, "GOLD"),
    ("customers", "fashion_news_frequency", "is one of NONE, Regularly", 1, "Hourly"),
    ("transactions", "article_id", "keeps its leading zero", 1, "108775044"),
    ("transactions", "article_id", "stands in articles", 1, "0999999999"),
    ("transactions", "customer_id", "stands in customers", 1, "9" * 64),
    ("transactions", "price", "between 1e-05 and 1.0", 3, "price -0.02"),
    ("transactions", "price", "is missing in no row", 1, "2020-09-06"),
    ("transactions", "sales_channel_id", "is one of 1, 2", 1, "2020-09-07"),
    ("transactions", "sales_channel_id", "is missing in no row", 1, "2020-09-07"),
    ("transactions", "t_dat", "between 2018-09-20", 1, "1920-09-07"),
    ("transactions", "t_dat", "is missing in no row", 1, "t_dat None"),
    ("transactions", "t_dat", "reach 2020-09-22", 1, "2020-09-20"),
    ("transactions", "t_dat", "at most 1 days of the span", SPAN - 19, "1920-09-08"),
    ("transactions", "*", "rows repeat an article", 3, "n_rows 9"),
    ("transactions", "*", "at most 5 units", 1, "f" * 64),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: " ".join(broken[:3]))
def test_a_broken_rule_is_named_counted_and_shown(
    broken_run: Run, broken: tuple[str, str, str, int, str]
) -> None:
    table, column, rule, n_unexpected, shown = broken
    (finding,) = (
        finding
        for finding in broken_run.summary["rules"]
        if (finding["table"], finding["column"]) == (table, column) and rule in finding["rule"]
    )
    assert not finding["passed"]
    assert finding["unexpected"] == n_unexpected
    assert 1 <= len(finding["samples"]) <= 5
    samples = [
        ", ".join(f"{name} {value}" for name, value in row.items()) for row in finding["samples"]
    ]
    assert shown in " ".join(samples)
    assert broken_run.refusal is not None
    head = f"{table}.{column}: {finding['rule']}: {n_unexpected:,} at fault, the table has "
    assert head in broken_run.refusal.found
    assert all(row in broken_run.refusal.found for row in samples)


def test_no_other_rule_is_reported_as_broken(broken_run: Run) -> None:
    failed = [finding for finding in broken_run.summary["rules"] if not finding["passed"]]
    assert len(failed) == len(BROKEN)
    assert not broken_run.summary["passed"]


def test_a_refusal_names_the_fix_and_the_report(broken_run: Run) -> None:
    assert broken_run.refusal is not None
    fix = broken_run.refusal.fix
    assert "lost its leading zero: export ids as text" in fix
    assert "change min_price, max_price under validate in params.yaml" in fix
    assert "get newer transactions, or set data.cut back" in fix
    assert str(broken_run.report / "index.html") in fix


def test_a_postal_code_is_never_shown(broken_run: Run) -> None:
    assert "postal_code" not in str(broken_run.refusal)


def test_the_page_shows_what_great_expectations_checked_and_observed(broken_run: Run) -> None:
    page = unescape((broken_run.report / "index.html").read_text(encoding="utf-8"))
    assert f"{len(BROKEN)} of " in page
    assert "0999999999" in page
    for suite in ("across", "articles", "customers", "transactions"):
        assert f"<summary>{suite}: " in page
    expectation = "expect_column_values_to_be_in_set"
    assert f'{expectation} {{"column": "club_member_status", "value_set": ["ACTIVE", ' in page
    clubs = next(one for one in broken_run.summary["rules"] if "PRE-CREATE" in one["rule"])
    assert f"1 of {clubs['checked']} values ({1 / clubs['checked']:.2%})" in page
    assert "the query returned 1 rows" in page
    assert "2020-09-20" in page
    assert foreign_assets(broken_run.report) == []


def test_rows_that_a_threshold_allows_are_shown_too(flawless_run: Run) -> None:
    allowed = [one for one in flawless_run.summary["rules"] if one["unexpected"]]
    assert allowed
    assert all(one["passed"] and one["samples"] for one in allowed)


def test_values_of_the_data_are_shown_and_not_executed(tmp_path: Path) -> None:
    rule = min_rows("articles", 3)
    samples = [{"department_name": EVIL}]
    shown = {"expectation": EVIL, "query": EVIL, "observed": EVIL}
    finding = Finding(rule, passed=False, n_checked=3, n_unexpected=1, samples=samples, **shown)
    write_report([finding], tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert EVIL not in page
    assert f"department_name {escape(EVIL)}" in page
    assert page.count(escape(EVIL)) == 4


def test_a_flawless_shop_passes(flawless_run: Run) -> None:
    assert flawless_run.refusal is None
    assert flawless_run.summary["passed"]
    assert all(finding["passed"] for finding in flawless_run.summary["rules"])
    assert {finding["checked"] for finding in flawless_run.summary["rules"]} == {3, 4, 23}
    assert "All rules hold" in (flawless_run.report / "index.html").read_text()


def test_the_same_tables_give_the_same_report(
    on_duckdb: Engine, flawless: Path, flawless_run: Run, tmp_path: Path
) -> None:
    again = validate(on_duckdb, flawless, tmp_path)
    pages = [path for path in flawless_run.report.rglob("*") if path.is_file()]
    assert len(pages) == 2
    for path in pages:
        other = again.report / path.relative_to(flawless_run.report)
        assert other.read_bytes() == path.read_bytes()


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pyspark leaves them open
@pytest.mark.slow
def test_spark_has_the_same_findings_as_duckdb(
    on_spark: Engine, broken_run: Run, tmp_path: Path
) -> None:
    kaggle = broken_run.report.parent / "kaggle"
    run = validate(on_spark, kaggle, tmp_path, STRICT)
    assert run.summary == broken_run.summary
    page = (run.report / "index.html").read_text(encoding="utf-8")
    assert page == (broken_run.report / "index.html").read_text(encoding="utf-8")


def without_days(kaggle: Path, folder: Path, is_closed: Callable[[date], bool]) -> Path:
    """Write the flawless shop with one sale a day from July on, without the closed days."""
    shutil.copytree(kaggle, folder)
    transactions = folder / "transactions_train.csv"
    header, *sales = transactions.read_text().splitlines()
    days = [date(2020, 7, 1) + timedelta(days=number) for number in range(84)]
    sold = [
        f"{day},{sale.split(',', 1)[1]}"
        for day, sale in zip(days, sales * 4, strict=False)
        if not is_closed(day)
    ]
    transactions.write_text("\n".join([header, *sold]) + "\n")
    return folder


TUESDAY = 1


def is_tuesday_or_too_much(day: date) -> bool:
    """A weekly closing day, two holidays, and an end one day too early: on Sunday 20 September."""
    holidays = {date(2020, 8, 3), date(2020, 8, 15)}
    return day.weekday() == TUESDAY or day in holidays or day > date(2020, 9, 20)


def test_a_weekly_closing_day_is_not_missing_even_as_the_last_day_of_the_test_week(
    on_duckdb: Engine, flawless: Path, tmp_path: Path
) -> None:
    kaggle = without_days(flawless, tmp_path / "kaggle", lambda day: day.weekday() == TUESDAY)
    assert validate(on_duckdb, kaggle, tmp_path).refusal is None


def test_beside_closing_days_holidays_count_and_an_early_end_is_refused(
    on_duckdb: Engine, flawless: Path, tmp_path: Path
) -> None:
    run = validate(
        on_duckdb, without_days(flawless, tmp_path / "kaggle", is_tuesday_or_too_much), tmp_path
    )
    broken = {
        finding["rule"]: [sorted(row.values()) for row in finding["samples"]]
        for finding in run.summary["rules"]
        if not finding["passed"]
    }
    assert broken == {
        "at most 1 days of the span have no transaction, closing days of the week aside": [
            ["2020-08-03"],
            ["2020-08-15"],
        ],
        "the transactions reach 2020-09-22, the last day of the test week": [["2020-09-20"]],
    }


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pyspark leaves them open
@pytest.mark.slow
def test_spark_knows_the_same_closing_days(
    on_duckdb: Engine, on_spark: Engine, flawless: Path, tmp_path: Path
) -> None:
    kaggle = without_days(flawless, tmp_path / "kaggle", is_tuesday_or_too_much)
    runs = [validate(engine, kaggle, tmp_path / engine.name) for engine in (on_duckdb, on_spark)]
    assert runs[0].summary == runs[1].summary


def test_an_incomplete_set_of_tables_is_refused(
    on_duckdb: Engine, flawless: Path, tmp_path: Path
) -> None:
    sources = find_sources(flawless, keep_postal_code=False)
    write_tables(on_duckdb, read_tables(on_duckdb, sources), tmp_path)
    (tmp_path / "customer_keys.parquet").unlink()
    with pytest.raises(BadInput, match=r"no customer_keys\.parquet"):
        check_tables(DUCKDB, tmp_path, [], run_day=date(2020, 9, 16))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda params: params["max_null_share"]["customers"].update(adress=0), "no column adress"),
        (lambda params: params["min_rows"].update(shops=3), "validate.min_rows.shops"),
        (lambda params: params.update(max_age="old"), "validate.max_age"),
        (lambda params: params.pop("max_units"), "validate.max_units"),
    ],
)
def test_a_threshold_for_nothing_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], key: str
) -> None:
    thresholds = json.loads(json.dumps(SMALL, default=str))
    change(thresholds)
    params = tmp_path / "params.yaml"
    params.write_text(yaml.safe_dump({"validate": thresholds}))
    with pytest.raises(BadInput, match=key):
        ValidateParams.load(params)


@pytest.mark.parametrize("price", [-0.01, float("inf"), float("nan")])
@pytest.mark.parametrize("bound", ["min_price", "max_price"])
def test_no_threshold_lets_a_negative_or_infinite_price_pass(bound: str, price: float) -> None:
    with pytest.raises(ValidationError, match=bound):
        ValidateParams.model_validate(SMALL | {bound: price})
