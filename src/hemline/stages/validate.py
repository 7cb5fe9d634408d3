"""Stage validate: typed tables to a summary and a page, or a refusal that stops the pipeline."""

import logging
from datetime import timedelta

from hemline.data.expectations.checkpoint import check_tables
from hemline.data.expectations.rules import list_rules
from hemline.data.expectations.thresholds import ValidateParams, has_kaggle_ids
from hemline.data.expectations.validation_report import refuse, write_report, write_summary
from hemline.data.split import DataParams, weeks_of
from hemline.engine.engine import EngineParams
from hemline.stages.command import InPath, OutPath, ParamsPath, run

logger = logging.getLogger(__name__)


def main(params: ParamsPath, tables: InPath, report: OutPath) -> None:
    """Check every rule; the report is written whether or not they hold."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)  # two lines per rule at INFO
    weeks = weeks_of(DataParams.load(params))
    rules = list_rules(
        ValidateParams.load(params),
        needed_through=weeks.test_end - timedelta(days=1),
        is_kaggle=has_kaggle_ids(params),
    )
    findings = check_tables(EngineParams.load(params), tables, rules, run_day=weeks.cut)
    write_summary(findings, report / "summary.json")
    write_report(findings, report)
    refuse(findings, report)
    logger.info("all %d rules hold: %s", len(rules), report / "index.html")


if __name__ == "__main__":
    run(main)
