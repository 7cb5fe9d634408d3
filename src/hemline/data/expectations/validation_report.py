"""The results of a validation: summary.json for DVC, a page for people, an error for the pipeline.

The page stands for Great Expectations' Data Docs: of every rule the expectation with its arguments,
what was observed, and rows at fault. It needs nothing but itself.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hemline.data.expectations.checkpoint import Finding
from hemline.errors import BadInput
from hemline.pages.rendering import write_page

_TEMPLATE: Final = Path(__file__).with_name("validation.html.j2")


def write_summary(findings: Sequence[Finding], path: Path) -> None:
    """Write the result of every rule; the same tables give the same bytes."""
    summary = {
        "passed": all(finding.passed for finding in findings),
        "rules": [
            {
                "table": finding.rule.table,
                "column": finding.rule.column,
                "rule": finding.rule.rule,
                "passed": finding.passed,
                "checked": finding.n_checked,
                "unexpected": finding.n_unexpected,
                "samples": finding.samples,
            }
            for finding in findings
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def write_report(findings: Sequence[Finding], report: Path) -> None:
    """Write report/index.html: broken rules first, then all rules by suite."""
    write_page(
        report / "index.html",
        _TEMPLATE,
        findings=findings,
        broken=[finding for finding in findings if not finding.passed],
    )


def refuse(findings: Sequence[Finding], report: Path) -> None:
    """Raise BadInput with table, column, rule, count and sample rows of every rule that failed."""
    failed = [finding for finding in findings if not finding.passed]
    if not failed:
        return
    fixes = dict.fromkeys(f"{finding.rule.column}: {finding.rule.fix}" for finding in failed)
    raise BadInput(
        f"the tables keep all {len(findings)} rules",
        found=f"{len(failed)} broken\n" + "\n".join(_paragraph(finding) for finding in failed),
        fix="\n  ".join([*fixes, f"all results: {report / 'index.html'}"]),
    )


def _paragraph(finding: Finding) -> str:
    rule = finding.rule
    head = (
        f"  {rule.table}.{rule.column}: {rule.rule}: "
        f"{finding.n_unexpected:,} at fault, the table has {finding.n_checked:,} rows"
    )
    rows = (", ".join(f"{name} {value}" for name, value in row.items()) for row in finding.samples)
    return "\n".join([head, *(f"    {row}" for row in rows)])
