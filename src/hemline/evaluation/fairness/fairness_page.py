"""The audit as one page that needs nothing but itself: sentences, pictures, tables, definitions."""

from base64 import b64encode
from collections.abc import Mapping
from html import escape
from string import Template
from typing import Final

from hemline.evaluation.fairness.audit import Audit, FairnessParams
from hemline.evaluation.fairness.fairness_tables import (
    composition_table,
    concentration_table,
    exposure_table,
    group_table,
    outcome_table,
    reranking_table,
)
from hemline.evaluation.fairness.fairness_text import summarise

_PAGE: Final = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Fairness of what is served</title>
<meta name="viewport" content="width=device-width"><style>
body { font: 15px/1.55 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem;
  color: #222 }
h1 { margin-bottom: 0 } h2 { margin-top: 2.5rem; border-bottom: 2px solid #3b6ea5 }
.said { background: #f3f6fa; border-left: 4px solid #3b6ea5; padding: .6rem 1.2rem }
.said dt { float: left; clear: left; width: 6.5rem; font-weight: 600 }
.said dd { margin: .35rem 0 .35rem 7rem }
figure { margin: 1rem 0 } img { max-width: 100% } figcaption, .note { color: #666 }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; margin: .6rem 0 }
th { text-align: left; vertical-align: bottom }
td, th { padding: .25rem .5rem; border-bottom: 1px solid #ddd }
.n { text-align: right } td.n { white-space: nowrap }
.real { background: #fdf1e3 } .small { color: #999 }
.words dt { font-weight: 600; margin-top: .6rem }
details { margin: 1rem 0 } summary { cursor: pointer; color: #3b6ea5 }
</style></head><body>
<h1>Fairness of what is served</h1>
<p class="note">Test week from $cut. Every number stands in the csv files beside this page.</p>
<dl class="said">$said</dl>

<h2>Who is served how well: separation and sufficiency</h2>
<figure><img alt="recall and precision by group" src="$outcomes"><figcaption>Dots are means over a
group's buyers, bars 95 % intervals, the dashed line is everybody. Grey groups have fewer than
$min_group buyers and are not compared.</figcaption></figure>
$outcome_table
<p class="note">Shaded rows and stars are real gaps. <i>Chance</i>: 95 in 100 random splits into
groups of the same sizes show a gap below this; a true gap below it would mostly go unnoticed.
<i>p</i> holds for all tests of a row together (Holm). <i>p, same history</i> (not corrected) deals
the groups among customers who bought about as many articles before: if it is large while p is
small, history explains the gap. <i>Ratio</i>: worst group over best (fairlearn's MetricFrame).
<i>Miscalibration</i>: how far lists depart from their customers' own mix of product groups.</p>

<h2>What stands in the lists: independence</h2>
<figure><img alt="index groups by customer group" src="$composition"><figcaption>Left: how the
places of the served lists divide among index groups. Right: the same for what these customers
bought in the test week. A difference that stands on both sides is one of taste; one on the left
alone is the lists' own.</figcaption></figure>
$composition_table
<p class="note"><i>Gap</i>: total variation distance of the most unlike group's lists from
everybody's, the share of their places that would have to change hands. Noise alone makes it larger
than zero, in purchases more than in lists: hold it against <i>chance</i>. A star marks what is real
in purchases.</p>

<h2>Which articles get the places</h2>
<figure><img alt="places over sales" src="$exposure"><figcaption>Share of the served places over
share of the last $recent_days days' sales, with 95 % intervals. Red: under-exposed, blue:
over-exposed, grey: in proportion. Prices and popularity are cut into parts of equal sales.
</figcaption></figure>
$concentration_table
<details><summary>Every kind of article</summary>$exposure_table</details>

<h2>What evening out would cost</h2>
<figure><img alt="MAP@12 against calibration" src="$reranking"><figcaption>Lists of $list_length
picked from the first $candidates, trading rank against the customer's own mix of product groups
(Steck 2018). Left: accuracy against the mean departure from the own mix, a point per strength; bars
are paired 95 % intervals of the change. Right: how that departure differs between groups.
</figcaption></figure>
$reranking_table
<p class="note">Nobody is served these lists. The curve is drawn on the test week: choose a strength
on the validation week.</p>

<h2>All groups</h2>
<details><summary>Every group's recall, precision and miscalibration</summary>$group_table</details>

<h2>What the words mean</h2>
<dl class="words">
<dt>Independence, separation, sufficiency</dt><dd>Three ways to be fair that can hardly hold at once
(Barocas, Hardt &amp; Narayanan, <i>Fairness and Machine Learning</i>, 2023, chapter 3). Here: lists
made of the same things for every group; the same share of what a group buys is listed (recall); the
same share of what is listed is bought (precision). One list for everybody is independent, and
serves the majority's taste best. Where tastes differ, lists that follow them are not independent,
and may serve every group as well.</dd>
<dt>Calibration</dt><dd>Kullback-Leibler divergence of a list's product groups from the customer's
own purchases, which lean on everybody's as if $prior_articles more had been bought (Steck,
<i>Calibrated Recommendations</i>, RecSys 2018).</dd>
<dt>Exposure</dt><dd>Every place counts alike. Proportion to sales is a yardstick and not an ideal:
earlier lists made those sales too. Under-exposed is less than $tolerance of the proportion (the
four-fifths rule), over-exposed more than $inverse times, with the whole interval on the same side
of 1.</dd>
<dt>Groups</dt><dd>Age bands, club status and k-modes clusters come from the customers table; every
customer is in one group of each, &ldquo;unknown&rdquo; included. Earlier purchases are no protected
attribute: they show whether newcomers are worse off.</dd>
<dt>Limits</dt><dd>Buyers of one week only: nothing is known of those whom a bad list kept away.
Purchases stand for wishes. No attribute of origin, disability or income is in the data, so nothing
is said about them.</dd>
</dl></body></html>
""")


def render_page(
    audit: Audit, params: FairnessParams, pictures: Mapping[str, bytes], cut: str
) -> str:
    """Return the page as html.

    Args:
        audit: what was found.
        params: how it was judged.
        pictures: png bytes of outcomes, composition, exposure and reranking.
        cut: first day of the test week.
    """
    said = summarise(audit, params)
    return _PAGE.substitute(
        {name: _data_url(picture) for name, picture in pictures.items()},
        cut=cut,
        said="".join(f"<dt>{topic}</dt><dd>{escape(text)}</dd>" for topic, text in said.items()),
        outcome_table=outcome_table(audit),
        composition_table=composition_table(audit),
        exposure_table=exposure_table(audit.exposure),
        concentration_table=concentration_table(audit.concentration),
        reranking_table=reranking_table(audit.reranking),
        group_table=group_table(audit, params.min_group),
        min_group=params.min_group,
        recent_days=params.recent_days,
        tolerance=f"{params.tolerance:g}",
        inverse=f"{1 / params.tolerance:g}",
        list_length=params.list_length,
        candidates=params.rerank.candidates,
        prior_articles=f"{params.rerank.prior_articles:g}",
    )


def _data_url(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode('ascii')}"
