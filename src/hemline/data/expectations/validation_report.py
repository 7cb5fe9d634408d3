"""What a validation says: summary.json to DVC, a page to people, a refusal to the pipeline.

Great Expectations' own index page is built by scripts from CDNs and is empty without a network, so
a page of our own stands before it and needs nothing but itself.
"""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from hemline.data.expectations.checkpoint import Finding
from hemline.errors import BadInput

_PAGE: Final = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Validation: $verdict</title><style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; color: #222 }
table { border-collapse: collapse; width: 100% } th { text-align: left }
td, th { padding: .3rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top }
.n { text-align: right } .failed { background: #fdecea } small { display: block; color: #666 }
</style></head><body>
<h1>$verdict</h1>
<p>Great Expectations Data Docs: $links</p>
<table><tr><th>Table</th><th>Column</th><th>Rule</th><th class="n">At fault</th>
<th class="n">Rows</th><th>Result</th></tr>
$rows
</table></body></html>
""")


def write_summary(findings: Sequence[Finding], path: Path) -> None:
    """Write what was found about every rule; the same tables give the same bytes."""
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


def write_page(findings: Sequence[Finding], report: Path, docs: Path) -> None:
    """Write report/index.html: broken rules first, and a link to each suite's Data Docs page."""
    n_failed = sum(not finding.passed for finding in findings)
    verdict = f"{n_failed} of {len(findings)} rules broken" if n_failed else "All rules hold"
    pages = [page.relative_to(report) for page in sorted(docs.glob("validations/**/*.html"))]
    links = ", ".join(f'<a href="{escape(page.as_posix())}">{page.parts[2]}</a>' for page in pages)
    rows = "\n".join(_row(finding) for finding in sorted(findings, key=lambda one: one.passed))
    page = _PAGE.substitute(verdict=verdict, links=links, rows=rows)
    (report / "index.html").write_text(page, encoding="utf-8")


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


def _row(finding: Finding) -> str:
    rule, samples = (
        finding.rule,
        "".join(f"<small>{escape(row)}</small>" for row in _shown(finding)),
    )
    return (
        f'<tr class="{"passed" if finding.passed else "failed"}"><td>{rule.table}</td>'
        f"<td>{rule.column}</td><td>{escape(rule.rule)}{samples}</td>"
        f'<td class="n">{finding.n_unexpected:,}</td><td class="n">{finding.n_checked:,}</td>'
        f"<td>{'holds' if finding.passed else 'broken'}</td></tr>"
    )


def _paragraph(finding: Finding) -> str:
    rule = finding.rule
    head = (
        f"  {rule.table}.{rule.column}: {rule.rule}: "
        f"{finding.n_unexpected:,} at fault, the table has {finding.n_checked:,} rows"
    )
    return "\n".join([head, *(f"    {row}" for row in _shown(finding))])


def _shown(finding: Finding) -> list[str]:
    return [", ".join(f"{name} {value}" for name, value in row.items()) for row in finding.samples]
