"""A version with a damaged file is refused, whatever the file and the damage."""

import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hemline import integrity
from hemline.errors import BadInput
from hemline.integrity import FileHashes, file_md5, folder_md5
from hemline.serving.version_files import VersionFiles
from hemline.storefront import Storefront
from tests.tiny_project import git, run

PLACES = (
    "articles.parquet",
    "customer_keys.parquet",
    "segments.parquet",
    "histories.npz",
    "params.yaml",
    "models/als/vectors.npy",
    "models/als/fold_in.json",
    "models/rank/trees.txt",
    "models/cvae/weights.npz",
    "models/clusters/modes.json",
)


def write_version(folder: Path, content: str) -> VersionFiles:
    for place in PLACES:
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content} of {place}")
    names = {"models": "models"} | {Path(place).stem: place for place in PLACES[:5]}
    return VersionFiles.of({name: folder / path for name, path in names.items()})


@pytest.fixture
def files(tmp_path: Path) -> VersionFiles:
    return write_version(tmp_path / "ours", "the content")


def registered(files: VersionFiles) -> FileHashes:
    hashes = {place: file_md5(path) for place, path in files.by_place().items()}
    return FileHashes.from_tags({"stored_hashes": json.dumps(hashes)}, "version 3")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def extend(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def swap(path: Path) -> None:
    path.write_text("the same file of another version")


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: tuple[Callable[[Path], object], ...] = (
    flip,
    truncate,
    extend,
    swap,
    Path.unlink,
    replace_by_folder,
)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("place", PLACES)
def test_a_damaged_file_is_refused_by_name_with_the_way_back(
    files: VersionFiles, place: str, damage: Callable[[Path], object]
) -> None:
    hashes, path = registered(files), files.by_place()[place]
    expected = hashes.expected[place]
    damage(path)
    with pytest.raises(BadInput, match="the files of version 3 are those") as refusal:
        Storefront(files, hashes).require_intact()
    assert refusal.value.found.startswith(f"{place}: it ")
    assert str(path) in refusal.value.found
    assert expected in refusal.value.found
    assert "hemline rollback" in refusal.value.fix


def test_a_file_that_nobody_registered_is_refused(files: VersionFiles) -> None:
    # A model is loaded as sparse or dense by the file it finds.
    hashes = registered(files)
    for extra in (files.models / "als" / "weights.npz", files.models / "other" / "a.npy"):
        extra.parent.mkdir(exist_ok=True)
        extra.write_text("planted")
        with pytest.raises(BadInput, match="it was not registered"):
            Storefront(files, hashes).require_intact()
        extra.unlink()
    Storefront(files, hashes).require_intact()


def test_a_whole_model_that_is_missing_is_refused(files: VersionFiles) -> None:
    hashes = registered(files)
    shutil.rmtree(files.models)
    with pytest.raises(BadInput, match=r"models/als/fold_in\.json: it is missing"):
        Storefront(files, hashes).require_intact()


def test_a_file_is_hashed_once_per_process_and_again_when_it_changed(
    files: VersionFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = registered(files)
    files = write_version(tmp_path / "a copy that was not hashed yet", "the content")
    opened: list[Path] = []
    original = Path.open

    def counted(path: Path, *arguments: str, **named: str) -> object:
        opened.append(path)
        return original(path, *arguments, **named)  # type: ignore[call-overload]  (passed on as it is)

    monkeypatch.setattr(Path, "open", counted)
    for _ in range(3):
        Storefront(files, hashes).require_intact()
    assert len(opened) == len(set(opened)) == len(PLACES)
    monkeypatch.undo()
    flip(files.articles)
    with pytest.raises(BadInput, match=r"articles\.parquet"):
        Storefront(files, hashes).require_intact()


def test_a_file_that_dvc_has_cached_is_restored_by_the_command_of_the_refusal(
    files: VersionFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes, path = registered(files), files.by_place()["models/als/vectors.npy"]
    md5 = file_md5(path)
    monkeypatch.chdir(tmp_path)
    cached = Path(".dvc/cache/files/md5") / md5[:2] / md5[2:]
    cached.parent.mkdir(parents=True)
    shutil.copy(path, cached)
    flip(path)
    with pytest.raises(BadInput) as refusal:
        Storefront(files, hashes).require_intact()
    command = refusal.value.fix.partition(": ")[2].partition(";")[0]
    run(tmp_path, "sh", "-c", command)
    Storefront(files, hashes).require_intact()


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.WARNING, logger=integrity.__name__):
        yield caplog


def test_versions_of_an_earlier_hemline_are_checked_as_far_as_their_hashes_reach(
    files: VersionFiles, warned: pytest.LogCaptureFixture
) -> None:
    folders = {f"models/{name}": folder_md5(files.models / name) for name in ("als", "rank")}
    tags = {
        "file_hashes": json.dumps(
            {**folders, "data/segments/segments.parquet": file_md5(files.segments)}
        ),
        "table_hashes": json.dumps({"articles": file_md5(files.articles), "transactions": "x"}),
    }
    for _ in range(2):
        storefront = Storefront(files, FileHashes.from_tags(tags, "version 11"))
    assert len(warned.records) == 1
    assert "histories and params.yaml are used unchecked" in warned.text
    storefront.require_intact()
    flip(files.histories)
    storefront.require_intact()
    for path in (files.models / "als" / "vectors.npy", files.segments, files.articles):
        before = path.read_bytes()
        flip(path)
        with pytest.raises(BadInput, match="the files of version 11"):
            storefront.require_intact()
        path.write_bytes(before)


def test_versions_without_any_hash_are_used_with_a_warning(
    files: VersionFiles, warned: pytest.LogCaptureFixture
) -> None:
    flip(files.articles)
    Storefront(files, FileHashes.from_tags({}, "version 12")).require_intact()
    assert "its files are used unchecked" in warned.text


def test_a_folder_has_the_hash_that_dvc_gives_it(tmp_path: Path) -> None:
    write_version(tmp_path, "the content")
    git(tmp_path, "init", "--quiet")
    run(tmp_path, sys.executable, "-m", "dvc", "init", "--quiet")
    run(tmp_path, sys.executable, "-m", "dvc", "add", "--quiet", "models")
    assert folder_md5(tmp_path / "models") in (tmp_path / "models.dvc").read_text()
