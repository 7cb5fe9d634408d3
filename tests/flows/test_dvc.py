"""The door to DVC, on a scratch repository of three stages."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from flows.dvc import StageFailed, TrainingLocked, reproduce, stage_graph, training_lock
from tests.processes import eventually, is_alive

PIPELINE = """
stages:
  wash:
    cmd: tr a-z A-Z < in.txt > washed.txt
    deps: [in.txt]
    outs: [washed.txt]
  iron:
    cmd: cat washed.txt; cp washed.txt ironed.txt
    deps: [washed.txt]
    outs: [ironed.txt]
  dye:
    cmd: |-
      echo '> is printed by stages too'; echo 'rule:  cotton only' >&2; exit 1
    deps: [washed.txt]
    outs: [dyed.txt]
  soak:
    cmd: sleep 300 & echo $! > s && mv s soaking; wait
    deps: [in.txt]
    outs: [soaked.txt]
  dry:
    cmd: touch drying; until test -e told; do sleep 0.1; done; touch dried.txt
    outs: [dried.txt]
  press:
    cmd: test -e iron.cold || kill -9 $$; touch pressed.txt
    deps: [washed.txt]
    outs: [pressed.txt]
  fold:
    cmd: cat ironed.txt > folded.txt
    deps: [ironed.txt]
    outs: [folded.txt]
"""


@pytest.fixture(scope="module")
def laundry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("laundry")
    command = [sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"]
    subprocess.run(command, cwd=root, check=True)
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / "in.txt").write_text("wool\n")
    return root


def ignore(_line: str) -> None:
    pass


def test_the_order_is_dvcs_and_ties_are_alphabetical(laundry: Path) -> None:
    assert list(stage_graph(laundry).items()) == [
        ("dry", ()),
        ("soak", ()),
        ("wash", ()),
        ("dye", ("wash",)),
        ("iron", ("wash",)),
        ("press", ("wash",)),
        ("fold", ("iron",)),
    ]


def test_a_stage_is_ran_then_skipped_and_restored_when_its_input_comes_back(laundry: Path) -> None:
    lines: list[str] = []
    assert reproduce("wash", laundry, ignore) == "ran"
    assert reproduce("iron", laundry, lines.append) == "ran"
    assert "WOOL" in lines
    assert reproduce("wash", laundry, ignore) == "skipped"
    (laundry / "in.txt").write_text("silk\n")
    assert reproduce("wash", laundry, ignore) == "ran"
    (laundry / "in.txt").write_text("wool\n")
    assert reproduce("wash", laundry, ignore) == "restored"
    assert (laundry / "washed.txt").read_text() == "WOOL\n"


def test_a_failed_stage_says_its_own_words_last(laundry: Path) -> None:
    with pytest.raises(StageFailed) as failure:
        reproduce("dye", laundry, ignore)
    assert failure.value.stage == "dye"
    assert failure.value.said == "> is printed by stages too\nrule:  cotton only"


def test_a_killed_stage_says_what_it_held_and_runs_again_while_the_others_are_kept(
    laundry: Path,
) -> None:
    reproduce("wash", laundry, ignore)
    with pytest.raises(
        StageFailed, match="a stage has the memory it needs, and nobody kills it"
    ) as failure:
        reproduce("press", laundry, ignore)
    found = failure.value.said.splitlines()[1]
    assert re.search(r"killed \(signal 9\).* [\d.]+ GB is the most that one process held", found)
    (laundry / "iron.cold").touch()
    assert reproduce("wash", laundry, ignore) == "skipped"
    assert reproduce("press", laundry, ignore) == "ran"


def test_an_interrupted_stage_leaves_no_process(laundry: Path) -> None:
    def interrupt(_line: str) -> None:
        soaking_process(laundry)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reproduce("soak", laundry, interrupt)
    sleeper = soaking_process(laundry)
    assert eventually(lambda: not is_alive(sleeper), seconds=10)
    (laundry / "soaking").unlink()


def test_a_busy_dvc_is_waited_for(laundry: Path) -> None:
    command = [sys.executable, "-m", "dvc", "repro", "--single-item", "dry"]
    other = subprocess.Popen(command, cwd=laundry, stdout=subprocess.DEVNULL)
    wait_for(laundry / "drying")

    def let_it_end(line: str) -> None:
        if "another dvc is working here" in line:
            (laundry / "told").touch()

    assert reproduce("dry", laundry, let_it_end) == "skipped"
    assert other.wait() == 0
    assert (laundry / "told").exists()


def test_a_second_training_run_waits_for_the_first_and_then_gives_up(tmp_path: Path) -> None:
    told: list[str] = []
    with training_lock(tmp_path, ignore, wait_seconds=0):
        with (
            pytest.raises(TrainingLocked, match=f"process {os.getpid()}"),
            training_lock(tmp_path, told.append, wait_seconds=0.1),
        ):
            pass
        assert "waiting for it to finish" in told[0]
    with training_lock(tmp_path, ignore, wait_seconds=0):
        pass


def test_a_stage_whose_flow_and_dvc_were_killed_still_holds_the_lock(laundry: Path) -> None:
    script = textwrap.dedent("""
        from pathlib import Path
        from flows.dvc import reproduce, training_lock
        with training_lock(Path(), print, wait_seconds=0) as lock:
            reproduce("soak", Path(), print, lock=lock)
    """)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    flow = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=laundry,
        env=environment,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    sleeper = soaking_process(laundry)
    stage_group = os.getpgid(sleeper)
    flow.kill()
    flow.wait()
    os.kill(stage_group, signal.SIGKILL)  # dvc leads the group
    try:
        assert not lock_is_free(laundry)
    finally:
        os.killpg(stage_group, signal.SIGKILL)
    assert eventually(lambda: not is_alive(sleeper), seconds=10)
    assert eventually(lambda: lock_is_free(laundry), seconds=10)


def soaking_process(root: Path) -> int:
    wait_for(root / "soaking")
    return int((root / "soaking").read_text())


def wait_for(path: Path) -> None:
    assert eventually(path.exists, seconds=20), f"{path.name} never appeared"


def lock_is_free(root: Path) -> bool:
    with (root / ".hemline" / "train.lock").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
