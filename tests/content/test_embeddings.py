"""Pictures and texts to vectors, by encoders that are made here."""

import hashlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from hemline.content.embeddings import (
    EmbeddingsParams,
    embed_pictures,
    embed_texts,
    save_embeddings,
)
from hemline.content.encoder_file import open_encoder
from hemline.content.pictures import picture_paths, read_picture
from hemline.errors import BadInput
from hemline.models.embedding_neighbours import fit_content
from hemline.models.neighbours import Neighbours, load_similar

COLOURS = ("red", "green", "blue")
SHAPES = ("dress", "shirt", "hat", "sock")
ARTICLES = [f"{colour}{shape}" for shape in SHAPES for colour in COLOURS]
PRODUCTS = np.repeat(np.arange(4, dtype=np.int32), 3)
"""Each shape is a product that comes in three colours."""
NO_SCALING = {"picture_mean": (0.0, 0.0, 0.0), "picture_deviation": (1.0, 1.0, 1.0)}


class Thumbnail(nn.Module):
    """What is darker than white, on a coarse grid, by channel."""

    def forward(self, pictures: Tensor) -> Tensor:
        return nn.functional.adaptive_avg_pool2d(1 - pictures, 8).flatten(1)


class Letters(nn.Module):
    """Texts to counts of three letters, as a text encoder with a tokenizer inside."""

    def forward(self, texts: list[str]) -> Tensor:
        counts = torch.zeros(len(texts), 3)
        for row, text in enumerate(texts):
            for column, letter in enumerate(["r", "g", "b"]):
                counts[row, column] = float(text.count(letter))
        return counts


def exported(module: nn.Module, path: Path) -> str:
    """Save a module as TorchScript and return its SHA-256."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        script: Any = torch.jit.script(module)
        script.save(str(path))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def draw_tile(path: Path, colour: str, shape: str, size: tuple[int, int] = (60, 80)) -> None:
    picture = Image.new("RGB", size, "white")
    width, height = size
    boxes = {
        "dress": (0.3, 0.1, 0.7, 0.9),
        "shirt": (0.1, 0.2, 0.9, 0.6),
        "hat": (0.3, 0.0, 0.7, 0.3),
        "sock": (0.6, 0.6, 0.9, 1.0),
    }
    left, top, right, bottom = boxes[shape]
    ends = left * width, top * height, right * width, bottom * height
    ImageDraw.Draw(picture).rectangle(ends, fill=colour)
    picture.save(path)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A folder of tiles, one of them in a folder below, and two encoders."""
    folder = tmp_path / "content"
    (folder / "more").mkdir(parents=True)
    for shape in SHAPES:
        for colour in COLOURS:
            beside = folder / "more" if shape == "hat" else folder
            suffix = "png" if colour == "red" else "jpg"
            draw_tile(beside / f"{colour}{shape}.{suffix}", colour, shape)
    return folder


@pytest.fixture
def params(content: Path) -> EmbeddingsParams:
    return EmbeddingsParams(
        picture_encoder="tiles.pt",
        picture_encoder_sha256=exported(Thumbnail(), content / "tiles.pt"),
        picture_size=32,
        text_encoder="letters.ts",
        text_encoder_sha256=exported(Letters(), content / "letters.ts"),
        batch_size=5,
        **NO_SCALING,
    )


def test_pictures_of_the_same_shape_and_colour_are_near(
    content: Path, params: EmbeddingsParams
) -> None:
    vectors = embed_pictures(content, ARTICLES, params, content)
    assert vectors.shape == (12, 3 * 8 * 8)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    cosines = vectors @ vectors.T
    dress, sock = ARTICLES.index("reddress"), ARTICLES.index("redsock")
    assert cosines[dress, ARTICLES.index("greendress")] > cosines[dress, sock]
    alike = fit_content([vectors], PRODUCTS, 4)
    others, _ = alike.other_products or (np.empty(0), np.empty(0))
    # Of other shapes the same colour is nearest.
    assert {ARTICLES[other][:3] for other in others[dress] if other >= 0} == {"red"}


def test_an_article_without_a_picture_is_similar_to_nothing(
    content: Path, params: EmbeddingsParams
) -> None:
    ids = [*ARTICLES, "unknown"]
    vectors = embed_pictures(content, ids, params, content)
    assert not vectors[-1].any()
    alike = fit_content([vectors], np.arange(13, dtype=np.int32), 4)
    assert (alike.articles[-1] == -1).all()
    assert -1 not in alike.articles[0]
    assert 12 not in alike.articles


def test_texts_are_encoded_by_a_file_that_holds_its_tokenizer(
    content: Path, params: EmbeddingsParams
) -> None:
    vectors = embed_texts(["rrr", "rg", "b", "rr", "", "g"], params, content)
    assert np.allclose(vectors[0], [1, 0, 0])
    assert np.allclose(vectors[1], np.array([1, 1, 0]) / 2**0.5)
    assert not vectors[4].any()


def test_without_an_encoder_there_are_no_columns_and_no_neighbours(
    content: Path, tmp_path: Path
) -> None:
    nothing = (
        embed_pictures(content, ARTICLES, EmbeddingsParams(), content),
        embed_texts(ARTICLES, EmbeddingsParams(), content),
    )
    save_embeddings(tmp_path / "embeddings", nothing)
    loaded = [np.load(path) for path in sorted((tmp_path / "embeddings").glob("*.npy"))]
    assert [one.shape for one in loaded] == [(12, 0), (12, 0)]
    assert (fit_content(loaded, PRODUCTS, 4).articles == -1).all()


def test_similar_articles_are_those_of_embeddings_where_there_are_any(tmp_path: Path) -> None:
    for name in ("content", "tfidf"):
        (tmp_path / name).mkdir()
    near = np.array([[1], [0]], np.int32)
    Neighbours("tfidf", near, np.ones((2, 1), np.float32), 5).save(tmp_path / "tfidf")
    Neighbours.none("content", 2).save(tmp_path / "content")
    read: list[str] = []
    assert load_similar(tmp_path, 2, check=read.append).name == "tfidf"
    assert read == ["content", "tfidf"]
    fit_content([np.ones((2, 1), np.float32)], np.arange(2, dtype=np.int32), 1).save(
        tmp_path / "content"
    )
    assert load_similar(tmp_path, 2).name == "content"
    assert load_similar(tmp_path / "none", 2).articles.tolist() == [[-1], [-1]]


@pytest.mark.parametrize("n_products", [5, 60, 300])
def test_neighbours_and_those_of_other_products_are_exact(n_products: int) -> None:
    rng = np.random.default_rng(1)
    kinds = [rng.normal(size=(300, d)).astype(np.float32) for d in (8, 3)]
    kinds = [kind / np.linalg.norm(kind, axis=1, keepdims=True) for kind in kinds]
    kinds[0][::7] = 0
    products = rng.integers(0, n_products, 300).astype(np.int32)
    alike = fit_content(kinds, products, 6)
    present = [np.asarray(kind.any(axis=1), np.int64) for kind in kinds]
    counts = np.sum([np.outer(one, one) for one in present], axis=0)
    cosines_of = [np.rint(kind @ kind.T * 2**16) / 2**16 for kind in kinds]
    mean = np.sum(cosines_of, axis=0) / np.maximum(counts, 1)
    others, _ = alike.other_products or (np.empty(0), np.empty(0))
    for article in range(300):
        cosines = mean[article].astype(np.float32)
        order = [one for one in np.lexsort((np.arange(300), -cosines)) if cosines[one] > 0]
        order.remove(article)
        assert alike.articles[article].tolist() == order[:6]
        first = {products[one]: one for one in order[::-1] if products[one] != products[article]}
        expected = sorted(first.values(), key=lambda one: (-cosines[one], products[one]))[:6]
        listed = others[article][others[article] != -1]
        assert sorted(listed.tolist()) == sorted(expected)


def test_a_file_with_another_hash_is_not_opened(content: Path, params: EmbeddingsParams) -> None:
    (content / "tiles.pt").write_bytes((content / "letters.ts").read_bytes())
    with pytest.raises(BadInput, match="to open it is to run it"):
        embed_pictures(content, ARTICLES, params, content)


def test_a_name_without_a_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="named together"):
        EmbeddingsParams(picture_encoder="tiles.pt")


def test_onnx_needs_its_runtime_and_other_files_are_refused(
    content: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, message in (("a.onnx", "onnxruntime"), ("a.pickle", "TorchScript file")):
        (content / name).write_bytes(b"x")
        monkeypatch.setattr("hemline.content.encoder_file.find_spec", lambda _name: None)
        with pytest.raises(BadInput, match=message):
            open_encoder(content / name, hashlib.sha256(b"x").hexdigest())
    with pytest.raises(BadInput, match="lies in data/content"):
        open_encoder(content / "absent.pt", "0" * 64)


def test_an_encoder_that_does_not_pool_is_refused(content: Path) -> None:
    sha256 = exported(nn.Identity(), content / "all.pt")
    params = EmbeddingsParams(picture_encoder="all.pt", picture_encoder_sha256=sha256)
    with pytest.raises(BadInput, match="a row of finite numbers for each"):
        embed_pictures(content, ARTICLES, params, content)


def test_a_picture_is_cut_to_its_middle_square_on_white(tmp_path: Path) -> None:
    wide = Image.new("RGBA", (90, 30), (0, 0, 0, 0))
    wide.paste((255, 0, 0, 255), (30, 0, 60, 30))
    wide.save(tmp_path / "wide.png")
    square = read_picture(tmp_path / "wide.png", 10)
    assert square.shape == (3, 10, 10)
    assert square.dtype == np.float32
    assert np.allclose(square[:, 5, 5], [1, 0, 0])
    Image.new("RGBA", (30, 30), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert np.allclose(read_picture(tmp_path / "clear.png", 4), 1)


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"no picture")
    with pytest.raises(BadInput, match=r"1\.jpg"):
        read_picture(tmp_path / "1.jpg", 8)
    draw_tile(tmp_path / "1.png", "red", "hat")
    with pytest.raises(BadInput, match="an article has one picture"):
        picture_paths(tmp_path, ["1"])
    truncated = tmp_path / "2.jpg"
    draw_tile(truncated, "red", "hat", size=(200, 200))
    truncated.write_bytes(truncated.read_bytes()[:700])
    with pytest.raises(BadInput, match=r"2\.jpg"):
        read_picture(truncated, 8)
