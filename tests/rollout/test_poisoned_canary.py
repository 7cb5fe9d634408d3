"""A poisoned challenger that passed the gate, met by the visitors of a running shop.

All of a day's visitors have a name, and the name alone says who meets the canary. Of the others,
who see the champion whatever happens, one in a hundred sends requests.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from hemline.experiments.assignment import TREATMENT, arm_of
from hemline.experiments.experiment_files import Experiment
from hemline.registry.versions import CANARY, CANARY_REASON, version_by_alias
from hemline.rollout.advance import advance_experiments
from hemline.shop.event_log import GUEST
from hemline.shop.session_stores import open_log
from tests.processes import eventually
from tests.rollout.small_rollout import EVENTS, SmallRollout, environment_of, small_rollout
from tests.running_shop import RunningShop, running_shop
from tests.shop.tiny_registry import stored_version
from tests.tiny_project import change_params

A_DAY = 30_000  # visitors: 150 of them meet the canary while it is shown to 1 %


@dataclass
class Street:
    """Everybody who comes by the shop, and what became of them."""

    shop: RunningShop
    rollout: SmallRollout
    dislikes: bool
    n_visitors: int = 0
    met: set[str] = field(default_factory=set)

    def spend_half_a_day(self, day: float) -> None:
        """Let visitors come, who unlike what the poisoned version lists to them."""
        self.rollout.at(day)
        experiment = self.rollout.experiment()
        names = [f"visitor-{self.n_visitors + number}" for number in range(A_DAY // 2)]
        self.n_visitors += len(names)
        with httpx.Client(base_url=self.shop.address, timeout=30) as client:
            for number, name in enumerate(names):
                arm = self.arm(name, experiment)
                if arm is not None or number % 100 == 0:
                    self._visit(client, name)

    def arm(self, name: str, experiment: Experiment) -> str | None:
        return arm_of(GUEST + name, experiment.plan.allocation, experiment.exposed)

    def _visit(self, client: httpx.Client, name: str) -> None:
        reply = client.post("/recommendations", json={"guest": name})
        assert reply.status_code == 200, reply.text
        listed = reply.json()
        if listed["version"] == 2:
            self.met.add(name)
        n_unlikes = 2 if listed["version"] == 2 and self.dislikes else int(name[-1] == "0")
        unliked = [one["article_id"] for one in listed["articles"][:n_unlikes]]
        events = [
            {"key": f"{name}-{place}", "kind": "unlike", "guest": name, "article_id": each}
            for place, each in enumerate(unliked)
        ]
        if events:
            assert client.post("/events", json=events).status_code == 201


@pytest.fixture
def rollout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallRollout:
    root = tmp_path / "project"
    (root / ".hemline").mkdir(parents=True)
    for name, value in environment_of(root).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(root)
    orders = {1: ("copurchase", "popularity"), 2: ("popularity",)}
    stored = [stored_version(root, number, warm) for number, warm in orders.items()]
    made = small_rollout(root, stored)
    change_params(root, {("shop", "poll_seconds"): 0.2, ("experiments", "check_minutes"): 0.02})
    [started] = advance_experiments(root)
    assert started.did == "started"
    return made


@pytest.fixture
def shop(rollout: SmallRollout) -> Iterator[RunningShop]:
    variables = {"HEMLINE_SHOP_EVENTS": EVENTS}
    with running_shop(rollout.root, workers=2, variables=variables) as running:
        yield running


def is_over(rollout: SmallRollout) -> bool:
    return rollout.experiment().state == "stopped"


def is_stopped_by_next_check(rollout: SmallRollout) -> bool:
    """Whether the check that the shop begins next stops the canary; the one after it has begun."""
    held = rollout.root / ".hemline" / "experiments" / "advance.lock"
    for _ in range(2):
        before = held.stat().st_mtime_ns
        assert eventually(
            lambda before=before: is_over(rollout) or held.stat().st_mtime_ns != before,
            seconds=120,
        )
    return is_over(rollout)


def champion() -> str:
    version = version_by_alias("champion")
    assert version is not None
    return version.number


def test_a_poisoned_canary_is_stopped_before_it_met_two_per_cent_and_the_shop_answers(
    shop: RunningShop, rollout: SmallRollout
) -> None:
    street = Street(shop, rollout, dislikes=True)
    for half in range(1, 13):
        street.spend_half_a_day(half / 2)
        if is_stopped_by_next_check(rollout):
            break
    assert is_over(rollout)
    assert 0 < len(street.met) <= 0.02 * street.n_visitors
    assert eventually(lambda: rollout.tags()[CANARY] == "refused", seconds=60)
    assert "worse in unlikes" in rollout.tags()[CANARY_REASON]
    assert champion() == "1"
    log = open_log(EVENTS, rollout.root)
    exposed = [each.event for each in log.since(0, 100_000) if each.event.kind == "exposure"]
    log.close()
    treated = {each.visitor for each in exposed if each.context["arm"] == TREATMENT}
    assert treated == {GUEST + name for name in street.met}

    def version_of(name: str) -> int:
        reply = httpx.post(f"{shop.address}/recommendations", json={"guest": name}, timeout=30)
        assert reply.status_code == 200, reply.text
        return int(reply.json()["version"])

    assert eventually(lambda: {version_of(name) for name in [*street.met][:20]} == {1}, seconds=30)


@pytest.mark.slow
def test_the_same_visitors_do_not_stop_a_canary_that_they_like_as_well(
    shop: RunningShop, rollout: SmallRollout
) -> None:
    street = Street(shop, rollout, dislikes=False)
    for half in range(1, 5):
        street.spend_half_a_day(half / 2)
        assert not is_stopped_by_next_check(rollout)
    assert rollout.experiment().exposed == 0.1
    assert len(street.met) > 200
