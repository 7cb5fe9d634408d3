"""Two versions at once: who sees which, and what is recorded of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from hemline.experiments.assignment import arm_of
from hemline.experiments.experiment_files import (
    Experiment,
    PlannedExperiment,
    add_step,
    experiments_folder,
    plan_experiment,
)
from hemline.shop.app import ShopSettings, create_app
from hemline.shop.event_log import CUSTOMER, GUEST, LogUnavailable, Recorded
from tests.processes import eventually
from tests.serving.tiny_version import customer_id
from tests.shop.tiny_registry import registry_project

NAME = "popular"
GUESTS = [f"guest-{number:04d}" for number in range(60)]


@dataclass(frozen=True)
class ShopWithExperiment:
    client: TestClient
    experiment: Experiment
    root: Path

    @property
    def app(self) -> Any:
        return self.client.app

    def list_for(self, guest: str) -> dict[str, Any]:
        reply = self.client.post("/recommendations", json={"guest": guest})
        assert reply.status_code == 200, reply.text
        content: dict[str, Any] = reply.json()
        return content

    def exposures(self) -> list[Recorded]:
        events = self.app.state.shop.log.since(0, 10_000)
        return [each for each in events if each.event.kind == "exposure"]

    def arm(self, visitor: str) -> str | None:
        return arm_of(visitor, self.experiment.plan.allocation, 0.5)


def planned(**changes: Any) -> PlannedExperiment:
    plan = PlannedExperiment(
        name=NAME, planned_at=datetime(2020, 9, 1, tzinfo=UTC), layer="versions", start=0.0,
        share=0.5, control=1, treatment=2, lift=0.05, alpha=0.05, power=0.8, weeks=2,
        look_days=(7.0, 14.0), cap=10.0, n_units=1000, planned_error=0.1, covariate_weeks=12,
        ramp=(0.1, 1.0), guardrails={"unlikes": 0.1, "returns": 0.1, "orders": 0.05},
    )  # fmt: skip
    return plan.model_copy(update=changes)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ShopWithExperiment]:
    root = registry_project(tmp_path / "project")
    folder = experiments_folder(root)
    plan_experiment(folder, planned())
    experiment = add_step(folder, NAME, "started", exposed=1.0, reason="test")
    app = create_app(ShopSettings(root))
    with TestClient(app, "http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield ShopWithExperiment(client, experiment, root)


def test_each_arm_is_answered_by_its_version_and_others_by_the_champion(
    shop: ShopWithExperiment,
) -> None:
    arms = {guest: shop.arm(GUEST + guest) for guest in GUESTS}
    assert {*arms.values()} == {"control", "treatment", None}
    for guest, arm in arms.items():
        found = shop.list_for(guest)
        assert found["arm"] == (arm or "champion")
        assert found["version"] == (2 if arm == "treatment" else 1)


def test_a_visitor_is_exposed_once_and_others_never(shop: ShopWithExperiment) -> None:
    for guest in (*GUESTS, *GUESTS[:20]):
        shop.list_for(guest)
    in_experiment = {GUEST + guest for guest in GUESTS if shop.arm(GUEST + guest)}
    found = shop.exposures()
    assert sorted(each.event.visitor for each in found) == sorted(in_experiment)
    for each in found:
        assert each.event.context["experiment"] == NAME
        assert each.event.context["arm"] == shop.arm(each.event.visitor)


def test_the_page_and_the_api_agree_on_a_customers_arm(shop: ShopWithExperiment) -> None:
    who = next(
        customer_id(key) for key in range(6) if shop.arm(CUSTOMER + customer_id(key)) is not None
    )
    by_api = shop.client.get(f"/recommendations/{who}").json()
    assert by_api["arm"] == shop.arm(CUSTOMER + who)
    shop.client.get("/")
    reply = shop.client.post("/customer", data={"customer": who, "back": "/"})
    assert reply.status_code in {200, 303}
    assert f"arm {by_api['arm']}" in shop.client.get("/").text


def test_an_exposure_is_no_act_of_the_visitor(shop: ShopWithExperiment) -> None:
    treated = next(guest for guest in GUESTS if shop.arm(GUEST + guest) == "treatment")
    first, second = (shop.list_for(treated)["articles"] for _ in range(2))
    assert first == second


def test_nobody_from_outside_can_expose_a_visitor(shop: ShopWithExperiment) -> None:
    article = shop.list_for("somebody-else")["articles"][0]["article_id"]
    event = {"key": "k", "kind": "exposure", "article_id": article, "guest": "somebody-else"}
    assert shop.client.post("/events", json=event).status_code == 422


def test_a_stopped_experiment_ends_in_all_workers(shop: ShopWithExperiment) -> None:
    treated = next(guest for guest in GUESTS if shop.arm(GUEST + guest) == "treatment")
    assert shop.list_for(treated)["version"] == 2
    add_step(experiments_folder(shop.root), NAME, "stopped", exposed=0.0, reason="enough")
    assert eventually(lambda: shop.list_for(treated)["version"] == 1, seconds=20)
    assert shop.list_for(treated)["arm"] == "champion"


def test_who_cannot_be_exposed_sees_the_champion(
    shop: ShopWithExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(_events: object) -> list[int]:
        raise LogUnavailable("the disk is full")

    treated = next(guest for guest in GUESTS if shop.arm(GUEST + guest) == "treatment")
    monkeypatch.setattr(shop.app.state.shop, "append", unavailable)
    found = shop.list_for(treated)
    assert (found["arm"], found["version"]) == ("champion", 1)


def test_an_experiment_that_cannot_be_run_exposes_nobody_and_the_health_says_why(
    shop: ShopWithExperiment,
) -> None:
    folder = experiments_folder(shop.root)
    plan_experiment(folder, planned(name="lost", treatment=9, start=0.5))
    add_step(folder, "lost", "started", exposed=1.0, reason="test")
    (folder / "damaged.json").write_text("{")

    def problem() -> str:
        return str(shop.client.get("/health").json()["experiments"])

    assert eventually(lambda: "damaged.json" in problem(), seconds=20)
    (folder / "damaged.json").unlink()
    assert eventually(lambda: "version 9" in problem(), seconds=20)
    assert shop.client.get("/health").json()["status"] == "degraded"
    for guest in GUESTS:
        assert shop.list_for(guest)["arm"] == (shop.arm(GUEST + guest) or "champion")
