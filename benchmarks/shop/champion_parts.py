"""What is timed of an answer: the whole, its parts, and the pipeline's own way beside it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.shop.answer_costs import Parts
from hemline import columns
from hemline.errors import BadInput
from hemline.relocation import DATABASE
from hemline.serving.answers import Answers
from hemline.serving.layout import laid_out
from hemline.serving.list_rules import ListRules
from hemline.serving.listed import Answer
from hemline.serving.version_files import VersionFiles
from hemline.serving.visitor_history import SessionState
from hemline.shop.listed_bytes import json_answer, list_content
from hemline.shop.registered_versions import (
    CHAMPION,
    RegisteredVersion,
    version_with_alias,
)
from hemline.storefront import Storefront


def some_ids(root: Path, n: int, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Return the ids of n customers with a history, and of as many articles."""
    tables = root / "data" / "tables"
    segments = pq.read_table(root / "data" / "segments" / "segments.parquet")
    customers = pq.read_table(tables / "customer_keys.parquet")[columns.CUSTOMER_ID]
    articles = pq.read_table(tables / "articles.parquet")[columns.ARTICLE_ID]
    chosen = rng.choice(len(segments), n, replace=False)
    listed = rng.choice(len(articles), min(n, len(articles)), replace=False)
    return customers.take(chosen).to_pylist(), articles.take(listed).to_pylist()


def opened_champion(root: Path) -> Answers:
    """Return the champion of a project; raises BadInput where there is none."""
    version = _champion(root)
    return Answers.open(laid_out(version.files(), version.hashes, root / ".hemline" / "serving"))


def champion_storefront(root: Path) -> Storefront:
    """Return the champion as the pipeline reads it; raises BadInput where there is none."""
    version = _champion(root)
    return Storefront(VersionFiles.of(vars(version.files())), version.hashes)


def parts_of_an_answer(root: Path) -> Parts:
    """Return the champion's ways to answer, by name; each takes a customer_id.

    Raises:
        BadInput: there is no champion.
    """
    storefront = champion_storefront(root)
    return {
        **served_parts(opened_champion(root)),
        "Storefront.for_customer": lambda one: storefront.for_customer(one, 12),
    }


def served_parts(answers: Answers) -> Parts:
    """Return how the shop answers, whole and by part."""
    return {
        "id in, bytes out": _answered_in_bytes(answers),
        "the list": _list_of(answers),
        "the id looked up": answers.find_customer,
    }


def _champion(root: Path) -> RegisteredVersion:
    version = version_with_alias(root / ".hemline" / DATABASE, CHAMPION)
    if version is None:
        raise BadInput("the benchmark has a champion", found="none", fix="train one: make demo")
    return version


def _answered_in_bytes(answers: Answers) -> Callable[[str], object]:
    list_of = _list_of(answers)

    def answer(customer_id: str) -> object:
        content = list_content(
            answers, list_of(customer_id), arm=CHAMPION, request_id="0" * 32, milliseconds=0
        )
        return json_answer(content)

    return answer


def _list_of(answers: Answers) -> Callable[[str], Answer]:
    return lambda one: answers.for_customer(answers.find_customer(one), SessionState(), ListRules())
