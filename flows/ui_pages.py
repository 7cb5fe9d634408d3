"""What `hemline ui` shows of the project's files: one folder of links and pages, and a first page.

Only what is linked here can be read through the browser, and nothing else of the project. Markdown
becomes pages of our own. An address that flows send always has a page: where its report is missing,
one that says which command makes it. Every flow publishes before it sends an address, so `hemline
ui` shows new reports without a restart.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from flows.addresses import Addresses, addresses
from flows.control_room import control_panels, note_run
from flows.project import ALARMS
from hemline.files import UNFINISHED, locked
from hemline.pages.markdown_page import Place, read_markdown
from hemline.pages.rendering import write_page
from monitoring.records import RunKind

_FRONT: Final = Path(__file__).with_name("ui.html.j2")
_DOCUMENT: Final = Path(__file__).with_name("ui_document.html.j2")
_REPLAYS_PAGE: Final = Path(__file__).with_name("ui_replays.html.j2")
_MISSING_PAGE: Final = Path(__file__).with_name("ui_missing.html.j2")
_MISSING, _VALUE = "missing", "customer_value"
_REPLAYS: Final = ".hemline/monitoring/replays"
_PICTURES: Final = (
    ("Models on the test week", "MAP@12 of every model", "scores.png"),
    ("Training of the CVAE", "loss and validation MAP@12 by epoch", "cvae_curve.png"),
    ("Number of clusters", "k-modes cost by number of clusters", "elbow.png"),
    ("Customer value", "predicted and observed spend of held-out weeks", "customer_value.png"),
)


@dataclass(frozen=True)
class _Entry:
    """A line of the first page.

    Attributes:
        name: of the link.
        about: what it shows.
        address: below the pages.
        source: file of the project that it shows.
        command: makes it.
    """

    name: str
    about: str
    address: str
    source: str
    command: str


_SECTIONS: Final = {
    "Monitoring": (
        _Entry(
            "All weeks",
            "decisions, verdicts, the champion, alerts",
            "monitoring/index.html",
            ".hemline/monitoring/pages/index.html",
            "hemline monitor",
        ),
        _Entry(
            "Replays",
            "past weeks, evaluated again",
            "replays.html",
            _REPLAYS,
            "hemline replay --help",
        ),
        _Entry(
            "What to do",
            "when an alert arrives",
            "docs/monitoring.html",
            "docs/monitoring.md",
            "git checkout docs",
        ),
    ),
    "Reports on the model": (
        _Entry(
            "Scores",
            "with intervals and slices",
            "scores.html",
            "reports/scores.md",
            "hemline train",
        ),
        _Entry(
            "Backtest",
            "scores of several weeks",
            "backtest.html",
            "reports/backtest/scores.md",
            "hemline backtest",
        ),
        _Entry(
            "Fairness",
            "of the served recommendations",
            "reports/fairness/index.html",
            "reports/fairness/index.html",
            "hemline train",
        ),
        _Entry(
            "Validation",
            "of the tables",
            "validation/index.html",
            "data/validation/index.html",
            "hemline train",
        ),
    ),
    "The shop": (
        _Entry(
            "Experiments",
            "what they show, and whether it is randomness",
            "experiments/index.html",
            "reports/experiments/index.html",
            "hemline experiment readout NAME",
        ),
        _Entry(
            "Customer value",
            "expected spend of the coming weeks, by cluster",
            "customer_value.html",
            "reports/customer_value.md",
            "hemline value",
        ),
    ),
}
_ENTRIES: Final = [entry for section in _SECTIONS.values() for entry in section]
_LINKED: Final = {
    "monitoring": (".hemline/monitoring/pages", "index.html"),
    "validation": ("data/validation", "index.html"),
    "experiments": ("reports/experiments", "index.html"),
    "replays": (_REPLAYS, ""),
    "reports": ("reports", ""),
    "docs/images": ("docs/images", ""),
}
"""By place below the pages, the folder that is linked there, and what it needs to have."""


def publish_project(root: Path) -> None:
    """Bring what `hemline ui` serves of a project up to date, whether or not it runs."""
    from prefect.runtime import flow_run  # noqa: PLC0415  (slow; `hemline ui` does not need it)

    if flow_run.id is not None:
        note_run(root, str(flow_run.flow_name), str(flow_run.id), datetime.now(UTC))
    publish(root, root / ".hemline" / "pages", addresses())


def publish(root: Path, pages: Path, where: Addresses) -> None:
    """Link and write what is shown into the folder that is served, and write its first page.

    Args:
        root: folder of the project.
        pages: folder that is served, made where it is missing.
        where: the servers, whose pages the first page links.
    """
    with locked(pages):
        if (pages / "docs").is_symlink():  # of earlier versions, which showed the folder itself
            (pages / "docs").unlink()
        made = _made(root)
        for entry in _ENTRIES:
            if entry not in made:
                _write_missing(pages, entry)
        for name, (folder, needed) in _LINKED.items():
            _link(pages, name, root / folder, needed)
        _write_documents(root, pages)
        _write_replays(pages)
        _write_front(root, pages, where, made)


def publish_front(root: Path, pages: Path, where: Addresses) -> None:
    """Write the first page again; the arguments are those of `publish`, which has run before."""
    with locked(pages):
        _write_front(root, pages, where, _made(root))


def _made(root: Path) -> set[_Entry]:
    return {entry for entry in _ENTRIES if (root / entry.source).exists()}


def _write_front(root: Path, pages: Path, where: Addresses, made: set[_Entry]) -> None:
    write_page(
        pages / "index.html",
        _FRONT,
        sections=_SECTIONS,
        made=made,
        panels=control_panels(root, where),
        as_of=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        evidently=where.evidently,
        pictures=[one for one in _PICTURES if (root / "reports" / one[2]).exists()],
    )


def _write_missing(pages: Path, entry: _Entry) -> None:
    """Write the page that says what is missing, for a linked folder in a folder of its own."""
    is_linked = any(entry.address.startswith(f"{place}/") for place in _LINKED)
    folder = pages / _MISSING if is_linked else pages
    write_page(folder / entry.address, _MISSING_PAGE, entry=entry, front=_front(entry.address))


def _link(pages: Path, name: str, folder: Path, needed: str) -> None:
    """Link a folder; without what it needs, link what says that it is missing, or nothing.

    A link of a project that has moved names a place that is gone, so it is always made anew. It is
    replaced in one step: a reader finds the folder of before or the new one.
    """
    place = pages / name
    if not (folder / needed).exists():
        folder = pages / _MISSING / name
    if not folder.exists():
        place.unlink(missing_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(f".{place.name}{UNFINISHED}")
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(folder.resolve())
    unfinished.replace(place)


def _write_documents(root: Path, pages: Path) -> None:
    """Write the pages that show markdown files of the project, and remove those that are gone."""
    docs = {text.stem: text for text in sorted((root / "docs").glob("*.md"))}

    def beside(address: str) -> str | None:
        path, mark, heading = address.partition("#")
        name, dot, kind = path.rpartition(".")
        if not path or "://" in path or (kind == "png" and (root / "docs" / path).is_file()):
            return address
        return f"{name}.html{mark}{heading}" if dot and name in docs and kind == "md" else None

    for name, text in docs.items():
        _write_document(pages / "docs" / f"{name}.html", text, name, beside, front="../index.html")
    for page in (pages / "docs").glob("*.html"):
        if page.stem not in {*docs, "monitoring"}:
            page.unlink()
    reports = {"scores": "scores.md", "backtest": "backtest/scores.md", _VALUE: f"{_VALUE}.md"}
    for name, source in reports.items():
        page, title = pages / f"{name}.html", name.capitalize().replace("_", " ")
        _write_document(page, root / "reports" / source, title, _of_reports, is_measured=True)


def _write_replays(pages: Path) -> None:
    """Write the list of replays and, of each, its table of alarms as a page."""
    replays = sorted((pages / "replays").glob("[!.]*/"), reverse=True)
    mark, meaning = RunKind.REPLAY.mark, RunKind.REPLAY.meaning
    for replay in replays:
        page = pages / f"replay-{replay.name}.html"
        title = f"{mark}verdicts and decisions of {replay.name}"
        _write_document(page, replay / f"{ALARMS}.md", title, _nowhere, about=meaning)
    if replays:
        has_pages = {replay.name: (replay / "pages/index.html").exists() for replay in replays}
        names = [replay.name for replay in replays if (replay / f"{ALARMS}.md").exists()]
        write_page(
            pages / "replays.html",
            _REPLAYS_PAGE,
            mark=mark,
            meaning=meaning,
            replays=names,
            has_pages=has_pages,
        )


def _write_document(
    page: Path,
    text: Path,
    title: str,
    place: Place,
    *,
    about: str = "",
    front: str = "index.html",
    is_measured: bool = False,
) -> None:
    """Write a markdown file as a page; where there is no such file, leave what is there.

    A page of measured numbers has each of them, with its interval, on one line.
    """
    if not text.exists():
        return
    document = read_markdown(text.read_text(encoding="utf-8"), place)
    write_page(
        page,
        _DOCUMENT,
        heading=document.title or title,
        about=about,
        body=document.body,
        front=front,
        is_measured=is_measured,
    )


def _nowhere(address: str) -> str | None:
    return address if address.startswith("#") else None


def _of_reports(address: str) -> str | None:
    """Return where a report's link leads; only customer value has a picture."""
    return f"reports/{address}" if address == f"{_VALUE}.png" else _nowhere(address)


def _front(address: str) -> str:
    return "../" * address.count("/") + "index.html"
