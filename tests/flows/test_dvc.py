"""The door to DVC, on a scratch repository of three stages."""

import fcntl
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.dvc import StageFailed, TrainingLocked, reproduce, stage_graph, training_lock

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
    cmd: exec 3> running; echo "soaking $$"; sleep 300; touch soaked.txt
    deps: [in.txt]
    outs: [soaked.txt]
  dry:
    cmd: echo drying; cat; touch dried.txt
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


@pytest.fixture
def running(laundry: Path) -> Iterator[int]:
    """A pipe that every process of the stage holds open, so that it ends with the last of them."""
    path = laundry / "running"
    os.mkfifo(path)
    end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield end
    os.close(end)
    path.unlink()


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


def test_a_failed_stage_ends_with_its_own_output(laundry: Path) -> None:
    with pytest.raises(StageFailed) as failure:
        reproduce("dye", laundry, ignore)
    assert failure.value.stage == "dye"
    assert failure.value.output == "> is printed by stages too\nrule:  cotton only"


def test_where_dvc_itself_fails_its_line_is_the_cause(laundry: Path, tmp_path: Path) -> None:
    shutil.copytree(laundry, tmp_path / "{y}")  # DVC takes it for a field
    (tmp_path / "{y}" / "in.txt").write_text("linen\n")
    with pytest.raises(StageFailed, match=r"'wash' failed: failed to reproduce 'wash': 'y'$"):
        reproduce("wash", tmp_path / "{y}", ignore)


def test_a_killed_stage_names_its_memory_and_runs_again_while_the_others_are_skipped(
    laundry: Path,
) -> None:
    reproduce("wash", laundry, ignore)
    with pytest.raises(
        StageFailed, match="a stage has the memory it needs and is not killed"
    ) as failure:
        reproduce("press", laundry, ignore)
    observed = failure.value.output.splitlines()[1]
    assert re.search(r"killed \(signal 9\).* one process held up to [\d.]+ GB", observed)
    (laundry / "iron.cold").touch()
    assert reproduce("wash", laundry, ignore) == "skipped"
    assert reproduce("press", laundry, ignore) == "ran"


def test_an_interrupted_stage_leaves_no_process(laundry: Path, running: int) -> None:
    def interrupt(line: str) -> None:
        if line.startswith("soaking"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reproduce("soak", laundry, interrupt)
    assert has_ended(running)


def test_a_busy_dvc_is_waited_for_and_at_last_named(
    laundry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-m", "dvc", "repro", "--single-item", "dry"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=laundry, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert "drying\n" in other.stdout
        with monkeypatch.context() as patch:
            patch.setattr("flows.dvc._BUSY_WAITS_SECONDS", ())
            with pytest.raises(StageFailed) as failure:
                reproduce("dry", laundry, ignore)
        assert "one dvc command at a time" in str(failure.value)
        assert "fix:   let the other dvc command finish" in failure.value.output
        reported: list[str] = []

        def let_it_end(line: str) -> None:
            if "another dvc command is running here" in line:
                reported.append(line)
                other.stdin.close()

        assert reproduce("dry", laundry, let_it_end) == "skipped"
        assert reported
        assert other.wait() == 0


def test_a_second_training_run_waits_for_the_first_and_then_gives_up(tmp_path: Path) -> None:
    reported: list[str] = []
    with training_lock(tmp_path, ignore, wait_seconds=0):
        with (
            pytest.raises(TrainingLocked, match=f"process {os.getpid()}"),
            training_lock(tmp_path, reported.append, wait_seconds=0.1),
        ):
            pass
        assert "waiting for it to finish" in reported[0]
    with training_lock(tmp_path, ignore, wait_seconds=0):
        pass


def test_a_stage_whose_flow_and_dvc_were_killed_still_holds_the_lock(
    laundry: Path, running: int
) -> None:
    script = textwrap.dedent("""
        from pathlib import Path
        from flows.dvc import reproduce, training_lock
        with training_lock(Path(), print, wait_seconds=0) as lock:
            reproduce("soak", Path(), print, lock=lock)
    """)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    flow = subprocess.Popen(
        [sys.executable, "-u", "-c", script],
        cwd=laundry,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with flow:
        assert flow.stdout is not None
        stage = next(int(line.split()[1]) for line in flow.stdout if line.startswith("soaking "))
        stage_group = os.getpgid(stage)
        flow.kill()
    os.kill(stage_group, signal.SIGKILL)  # dvc leads the group
    try:
        assert not lock_is_free(laundry)
    finally:
        os.killpg(stage_group, signal.SIGKILL)
    assert has_ended(running)
    with (laundry / ".hemline" / "train.lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # returns once dvc, the last holder, is gone too


def has_ended(running: int) -> bool:
    """Wait for the end of a stage, for less than it takes to end by itself."""
    readable, _, _ = select.select([running], [], [], 100)
    return bool(readable) and os.read(running, 1) == b""


def lock_is_free(root: Path) -> bool:
    with (root / ".hemline" / "train.lock").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
