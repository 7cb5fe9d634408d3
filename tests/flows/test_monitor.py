"""The monitoring flow on the tiny trained project."""

from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from flows.monitor import monitor
from hemline.data.split import DataParams

# Evidently 0.7.23 reaches for names that numpy and litestar have moved.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_the_week_after_the_cut_gets_a_page_a_table_and_an_artifact(trained: Path) -> None:
    lines = monitor(trained)
    as_of = DataParams.load(trained / "params.yaml").as_of
    page = trained / "reports" / "drift" / f"{as_of}.html"
    assert set(lines["column"]) >= {"price", "age_band", "colour_group_name"}
    assert "age_band" in page.read_text(encoding="utf-8")
    with get_client(sync_client=True) as client:
        key = ArtifactFilter(key=ArtifactFilterKey(any_=["drift"]))
        (artifact,) = client.read_artifacts(artifact_filter=key)
    assert "| price | wasserstein |" in str(artifact.data)
