"""Where the data comes from: links to the downloads, and one word in params.yaml."""

import shutil
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from flows.project import (
    Project,
    choose_cut,
    choose_size,
    choose_source,
    link_source_files,
    unlink_source_files,
)
from flows.resources import NEEDS, free_memory_gb, require_resources
from hemline.cli.flow_commands import Size
from hemline.data.synthetic.shop import SIZES
from hemline.errors import BadInput
from tests.tiny_project import REPOSITORY

NAMES = ("articles.csv", "customers.csv", "transactions_train.csv")


def ignore(_line: str) -> None:
    pass


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return write(tmp_path / "downloads", "new")


def link(data: Path, folder: Path) -> str:
    return link_source_files(data, folder, REPOSITORY / "params.yaml", None, ignore)


def write(folder: Path, text: str) -> Path:
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(text)
    return folder


def test_links_can_be_taken_away_again_and_files_stay(downloads: Path, tmp_path: Path) -> None:
    folder = tmp_path / "source"
    link(downloads, folder)
    (folder / "README.md").write_text("stays")
    unlink_source_files(folder, ignore)
    assert [path.name for path in folder.iterdir()] == ["README.md"]
    assert (downloads / "articles.csv").exists()


def test_the_cut_is_set_in_quotes_and_comments_stay(tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text("data:\n  cut: '2020-09-16'  # the cut\n")
    reported: list[str] = []
    choose_cut(params, date(2020, 9, 16), reported.append)
    assert not reported
    with params.open() as reader:
        choose_cut(params, date(2020, 9, 9), reported.append)
        assert reader.read() == "data:\n  cut: '2020-09-16'  # the cut\n", "changed while read"
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]
    assert params.read_text() == "data:\n  cut: '2020-09-09'  # the cut\n"
    assert reported == ["params.yaml: data.cut was 2020-09-16, is now 2020-09-09"]


def test_links_to_the_downloads_take_the_place_of_earlier_ones(
    downloads: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "source"
    link(write(tmp_path / "last-year", "old"), folder)
    link(downloads, folder)
    assert {path.name for path in folder.iterdir()} == set(NAMES)
    assert all((folder / name).read_text() == "new" for name in NAMES)


def test_linking_the_folder_of_links_to_itself_keeps_them(downloads: Path, tmp_path: Path) -> None:
    folder = tmp_path / "source"
    link(downloads, folder)
    link(folder, folder)
    assert all((folder / name).read_text() == "new" for name in NAMES)


def test_a_file_of_the_same_name_is_neither_lost_nor_read_instead(
    downloads: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "articles.csv").write_text("mine")
    with pytest.raises(BadInput, match="another file"):
        link(downloads, folder)
    assert (folder / "articles.csv").read_text() == "mine"


def describe(folder: Path, file: str) -> Path:
    """Return a params.yaml that describes one file as the transactions."""
    columns = "{t_dat: day, customer_id: who, article_id: what}"
    folder.joinpath("params.yaml").write_text(
        f"source:\n  transactions: {{file: {file}, columns: {columns}}}\n"
    )
    return folder / "params.yaml"


def test_the_described_file_is_linked_under_its_name_alone(tmp_path: Path) -> None:
    elsewhere, data, folder = (tmp_path / name for name in ("old-name.csv", "data", "source"))
    elsewhere.write_text("day,who,what\n2020-09-01,1,2\n")
    data.mkdir()
    (data / "sales.csv").symlink_to(elsewhere)
    (data / "notes.txt").touch()
    params = describe(tmp_path, "sales.csv")
    for given in (data, data / "sales.csv"):
        assert link_source_files(given, folder, params, None, ignore) == "mapped"
        assert {path.name: path.resolve() for path in folder.iterdir()} == {"sales.csv": elsewhere}


def test_another_export_does_not_get_the_deliveries_of_this_one(tmp_path: Path) -> None:
    params, folder = describe(tmp_path, "sales.csv"), tmp_path / "source"
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sales.csv").write_text("day,who,what\n2020-09-01,1,2\n")
    link_source_files(tmp_path / "a", folder, params, None, ignore)
    (folder / "deliveries" / "0001-0123456789ab").mkdir(parents=True)
    with pytest.raises(BadInput, match="1 deliveries, and another export"):
        link_source_files(tmp_path / "b", folder, params, None, ignore)
    assert (folder / "sales.csv").resolve() == tmp_path / "a" / "sales.csv"
    assert link_source_files(tmp_path / "a", folder, params, None, ignore) == "mapped"
    shutil.rmtree(folder / "deliveries")
    link_source_files(tmp_path / "b", folder, params, None, ignore)
    assert (folder / "sales.csv").resolve() == tmp_path / "b" / "sales.csv"


def test_kaggles_files_are_recognised_beside_a_description_of_others(
    downloads: Path, tmp_path: Path
) -> None:
    params = describe(tmp_path, "sales.csv")
    assert link_source_files(downloads, tmp_path / "source", params, None, ignore) == "kaggle"


def test_files_that_nothing_describes_are_refused_with_the_command_that_does(
    tmp_path: Path,
) -> None:
    (tmp_path / "sales.csv").touch()
    with pytest.raises(BadInput, match=f"hemline source init {tmp_path}"):
        link(tmp_path, tmp_path / "source")


def test_the_source_changes_and_the_comments_stay(tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    text = 'data:\n  cut: "2020-09-16"   # the cut\nacquire:\n  source: synthetic  # or kaggle\n'
    params.write_text(text)
    reported: list[str] = []
    choose_source(params, "synthetic", reported.append)
    assert (params.read_text(), reported) == (text, [])
    choose_source(params, "kaggle", reported.append)
    assert params.read_text() == text.replace("synthetic  #", "kaggle     #")
    assert reported == ["params.yaml: acquire.source was synthetic, is now kaggle"]


def test_a_size_is_reported_with_what_it_takes_until_its_tables_exist(tmp_path: Path) -> None:
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    project, reported = Project.at(tmp_path), list[str]()
    choose_size(project, "tiny", reported.append)
    assert "500 customers and 150 articles" in reported[0]
    assert "GB of memory" in reported[0]
    assert reported[1] == "params.yaml: synthetic.size was demo, is now tiny"
    choose_size(project, "tiny", reported.append)
    assert reported[2] == reported[0], "no table lies there, so it is still to be made"
    (tmp_path / "data" / "tables").mkdir(parents=True)
    choose_size(project, "tiny", reported.append)
    assert len(reported) == 3


def test_a_disk_too_small_for_the_size_is_refused_before_anything_changes(tmp_path: Path) -> None:
    room = {**NEEDS, "tiny": NEEDS["tiny"]._replace(disk_gb=10**6)}
    with pytest.raises(BadInput, match=rf"GB free for {tmp_path}"):
        require_resources(tmp_path, "tiny", ignore, room)


def test_a_machine_with_less_free_memory_than_the_size_needs_is_refused(tmp_path: Path) -> None:
    room = {**NEEDS, "tiny": NEEDS["tiny"]._replace(memory_gb=2 * free_memory_gb())}
    with pytest.raises(BadInput, match=r"memory for its largest stage\nfound: [\d.]+ GB free"):
        require_resources(tmp_path, "tiny", ignore, room)


def test_every_size_that_can_be_chosen_has_a_shop_and_its_needs() -> None:
    assert set(get_args(Size)) == set(SIZES) == set(NEEDS)
