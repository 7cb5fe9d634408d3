"""`python -m benchmarks.shop.some_lists FOLDER CUSTOMERS OUT`: export the lists of some customers.

An export of everybody takes long at full size. This one makes the same files for the first
customers, by the same lines, and prints as JSON the seconds and CPU seconds from when the version
is loaded; from there on the time of an export grows with its customers.
"""

import json
import time
from pathlib import Path
from typing import Final

import numpy as np
import typer

from benchmarks.shop.champion_parts import champion_storefront
from hemline.evaluation.protocol import SERVED
from hemline.export import ExportSpec, export_lists
from hemline.serving.answers_params import AnswersParams

_LENGTH: Final = 12
_PER_PART: Final = 20_000


def main(project: Path, customers: int, out: Path) -> None:
    """Export lists as `hemline export` does by default."""
    storefront = champion_storefront(project)
    storefront.histories = storefront.histories.rows(np.arange(customers))
    storefront.recommender()
    begin, cpu_begin = time.perf_counter(), time.process_time()
    spec = ExportSpec(
        version="0",
        models_hash="",
        data_hash="",
        model=SERVED,
        k=_LENGTH,
        without_bought=False,
        customers_per_part=_PER_PART,
        shop_rules=AnswersParams.load(project / "params.yaml").model_dump_json(),
    )
    export_lists(storefront, spec, out)
    seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu_begin
    typer.echo(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds}))


if __name__ == "__main__":
    typer.run(main)
