"""What workers count of an experiment's answers, and what is left of it when one is killed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from hemline.serving.answers import Answers
from hemline.serving.listed import Listed, answer_of
from hemline.serving.reasons import Reason
from hemline.shop.arm_tallies import ArmTallies, read_tallies, tallies_file
from hemline.shop.event_log import GUEST
from tests.processes import eventually
from tests.shop.test_experiment_arms import GUESTS, NAME, ShopWithExperiment, shop

__all__ = ["shop"]

IDS = pa.array(["a", "b", "c"])
ANSWER = answer_of(tuple(Listed(key, "rank", Reason("like_yours")) for key in (0, 2)))
WORKER = """
import asyncio, sys
from pathlib import Path
from hemline.shop.arm_tallies import ArmTallies
from tests.shop.test_arm_tallies import ANSWER, IDS

async def main():
    tallies = ArmTallies(Path(sys.argv[1]))
    asyncio.create_task(tallies.write_often(0.1))
    while True:
        tallies.count("e", "treatment", ANSWER, IDS, 0.01, is_fallback=False)
        await asyncio.sleep(0.002)

asyncio.run(main())
"""


def test_answers_of_an_experiment_are_counted_by_arm_and_others_are_not(
    shop: ShopWithExperiment,
) -> None:
    for guest in (*GUESTS, *GUESTS[:10]):
        shop.list_for(guest)
    asyncio.run(shop.app.state.shop.tallies.write())
    arms = [shop.arm(GUEST + guest) for guest in (*GUESTS, *GUESTS[:10])]
    found = read_tallies(tallies_file(shop.root), NAME)
    for arm, tally in (("control", found.control), ("treatment", found.treatment)):
        assert tally.n_answers == arms.count(arm) > 0
        assert sum(tally.milliseconds.values()) == tally.n_answers
        assert 0 < max(tally.listed) <= tally.n_answers
        assert tally.n_fallbacks == 0  # both versions begin with popularity where nothing is known


def test_a_list_by_popularity_in_place_of_failed_models_is_a_fallback(
    shop: ShopWithExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    treated = next(guest for guest in GUESTS if shop.arm(GUEST + guest) == "treatment")

    def fail(*_arguments: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(Answers, "for_guest", fail)
    shop.list_for(treated)
    asyncio.run(shop.app.state.shop.tallies.write())
    found = read_tallies(tallies_file(shop.root), NAME)
    assert (found.treatment.n_answers, found.treatment.n_fallbacks) == (1, 1)


def test_what_workers_wrote_is_added_up_and_outlives_their_death(tmp_path: Path) -> None:
    path = tmp_path / "arms.db"
    command = [sys.executable, "-c", WORKER, str(path)]
    workers = [subprocess.Popen(command) for _ in range(2)]
    assert eventually(lambda: read_tallies(path, "e").treatment.n_answers > 200, seconds=60)
    for worker in workers:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    left = read_tallies(path, "e").treatment
    assert list(left.listed) == [left.n_answers, left.n_answers]
    tallies = ArmTallies(path)
    tallies.count("e", "treatment", ANSWER, IDS, 0.01, is_fallback=True)
    asyncio.run(tallies.write())
    asyncio.run(tallies.write())
    again = read_tallies(path, "e").treatment
    assert (again.n_answers, again.n_fallbacks) == (left.n_answers + 1, 1)


def test_counting_takes_no_time_of_an_answer(tmp_path: Path) -> None:
    tallies = ArmTallies(tmp_path / "arms.db")
    begun = time.process_time()
    for _ in range(2000):
        tallies.count("e", "control", ANSWER, IDS, 0.01, is_fallback=False)
    assert (time.process_time() - begun) / 2000 < 0.0005
