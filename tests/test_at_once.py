"""A process that makes a week does not outlive the training that started it."""

import signal
import subprocess
import sys

from tests.processes import eventually, is_alive

TRAINING = """
import subprocess, sys
worker = "import time; from hemline.training.at_once import end_with_parent; end_with_parent(); "
worker += "print('works', flush=True); time.sleep(120)"
started = subprocess.Popen([sys.executable, "-c", worker], stdout=subprocess.PIPE, text=True)
started.stdout.readline()
print(started.pid, flush=True)
started.wait()
"""


def test_the_processes_of_a_killed_training_end() -> None:
    training = subprocess.Popen([sys.executable, "-c", TRAINING], stdout=subprocess.PIPE, text=True)
    assert training.stdout is not None
    worker = int(training.stdout.readline())
    assert is_alive(worker)
    training.send_signal(signal.SIGKILL)
    training.wait()
    training.stdout.close()
    assert eventually(lambda: not is_alive(worker), seconds=30)
