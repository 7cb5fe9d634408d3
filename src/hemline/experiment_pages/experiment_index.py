"""The index of all experiments: one line each, from the records beside their pages."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from hemline.errors import BadInput
from hemline.experiment_pages.page_files import (
    INDEX,
    experiment_names,
    page_file,
    pages_folder,
    read_record,
)
from hemline.experiments.experiment_files import Experiment, experiments_folder, read_experiment
from hemline.files import locked
from hemline.pages.rendering import write_page

_TEMPLATE: Final = Path(__file__).with_name("experiment_index.html.j2")


@dataclass(frozen=True)
class IndexLine:
    """An experiment in the index.

    Attributes:
        name: of it.
        page: address of its page; empty without one.
        experiment: None where its file is damaged.
        sentence: what it shows, in one sentence.
        tone: class of the style sheet.
        as_of: day of the sentence; empty without one.
    """

    name: str
    page: str
    experiment: Experiment | None
    sentence: str
    tone: str
    as_of: str

    @property
    def kind(self) -> str:
        """What is done with visitors; a canary is named as one."""
        if self.experiment is None:
            return ""
        plan = self.experiment.plan
        kind = "A/B test" if plan.kind == "ab" else plan.kind
        return kind if plan.canary_days is None else "canary"


def write_index(root: Path) -> Path:
    """Write the index, remove pages of experiments that are gone, and return the index."""
    folder, names = pages_folder(root), experiment_names(root)
    with locked(folder):
        known = {page_file(root, name).stem for name in names} | {INDEX}
        for file in (*folder.glob("*.html"), *folder.glob("*.json")):
            if file.stem not in known:
                file.unlink()
        lines = sorted((_line(root, name) for name in names), key=_order)
        write_page(folder / f"{INDEX}.html", _TEMPLATE, lines=lines)
    return folder / f"{INDEX}.html"


def _line(root: Path, name: str) -> IndexLine:
    page, record = page_file(root, name), read_record(root, name)
    address = quote(page.name) if page.exists() else ""
    try:
        experiment = read_experiment(experiments_folder(root), name)
    except BadInput as error:
        return IndexLine(name, address, None, f"It cannot be read: {error.found}.", "broken", "")
    if record is None:
        missing = f"No page yet: hemline experiment readout {name}."
        return IndexLine(name, "", experiment, missing, "none", "")
    sentence = first_sentence(str(record["sentence"]))
    return IndexLine(
        name, address, experiment, sentence, str(record["tone"]), str(record["as_of"])[:10]
    )


def first_sentence(text: str) -> str:
    """Return a text up to its first full stop.

    >>> first_sentence("No difference was shown: +1.5%. Keep the control.")
    'No difference was shown: +1.5%.'
    """
    return f"{text.partition('. ')[0].rstrip('.')}."


def _order(line: IndexLine) -> tuple[int, float]:
    """Return damaged ones first, then those that run, then the latest."""
    if line.experiment is None:
        return 0, 0.0
    is_running = line.experiment.state == "running"
    return 1 if is_running else 2, -line.experiment.plan.planned_at.timestamp()
