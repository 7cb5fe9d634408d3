"""Which Prefect server a run by hand belongs to: that of `make ui`, while it answers.

A run outside of it has a server of its own for as long as it lives: its page is found later, but no
automation ever sees what it says. Prefect reads the address when it is imported, so the process
starts again with it.
"""

import os
import sys
from pathlib import Path
from typing import Final

from flows.ui import addresses, responds
from hemline import environment

API_URL: Final = "PREFECT_API_URL"


def join_running_server(root: Path, module: str) -> None:
    """Start `python -m module` anew with the variables it lacks, the server's address among them.

    An address that is set already is left as it is.
    """
    lacks = environment.apply(root)
    api = f"{addresses().prefect}/api"
    if API_URL not in os.environ and responds(f"{api}/health"):
        os.environ[API_URL] = api
        lacks = True
    if lacks:
        again = [sys.executable, "-m", module, *sys.argv[1:]]
        os.execv(sys.executable, again)  # noqa: S606  (replaces this process, no shell wanted)
