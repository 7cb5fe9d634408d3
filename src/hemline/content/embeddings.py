"""Embeddings of articles: what encoders make of their pictures and texts.

Off unless params.yaml names an encoder. A row is a vector of length 1, so that a product of two is
their cosine; an article without a picture has a row of zeros, which is similar to nothing.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from hemline.content.encoder_file import open_encoder
from hemline.params import Section

Vectors = npt.NDArray[np.float32]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
Channels = tuple[float, float, float]

KINDS: Final = ("pictures", "texts")
"""Names of the files of embeddings, without their ending."""


class EmbeddingsParams(Section):
    """Which files encode pictures and texts, by their names in data/content; empty: none."""

    section: ClassVar[str] = "embeddings"
    picture_encoder: str | None = None
    picture_encoder_sha256: Sha256 | None = None
    picture_size: PositiveInt = 224
    picture_mean: Channels = (0.485, 0.456, 0.406)
    picture_deviation: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = (0.229, 0.224, 0.225)
    text_encoder: str | None = None
    text_encoder_sha256: Sha256 | None = None
    batch_size: PositiveInt = 64
    neighbours: PositiveInt = 10

    @model_validator(mode="after")
    def _named_with_hash(self) -> Self:
        for name in ("picture_encoder", "text_encoder"):
            if (getattr(self, name) is None) != (getattr(self, f"{name}_sha256") is None):
                raise ValueError(f"{name} and {name}_sha256 are named together")
        return self


def embed_pictures(
    folder: Path, article_ids: Sequence[str], params: EmbeddingsParams, encoders: Path
) -> Vectors:
    """Return float32 of shape (articles, d); d is 0 without an encoder.

    Args:
        folder: with a picture named after each article_id.
        article_ids: in the order of the keys.
        params: section `embeddings`.
        encoders: folder of the encoder file.

    Raises:
        BadInput: the encoder or a picture cannot be used.
    """
    if params.picture_encoder is None or params.picture_encoder_sha256 is None:
        return np.zeros((len(article_ids), 0), np.float32)
    from hemline.content.pictures import batches_of, picture_paths  # noqa: PLC0415  (Pillow)

    encode = open_encoder(encoders / params.picture_encoder, params.picture_encoder_sha256)
    paths = picture_paths(folder, article_ids)
    mean, deviation = (
        np.array(channels, np.float32)[:, None, None]
        for channels in (params.picture_mean, params.picture_deviation)
    )
    has_one = np.flatnonzero([path is not None for path in paths])
    read = batches_of([path for path in paths if path], params.picture_size, params.batch_size)
    encoded = (encode((batch - mean) / deviation) for batch in read)
    return _as_rows(encoded, has_one, len(article_ids))


def embed_texts(texts: Sequence[str], params: EmbeddingsParams, encoders: Path) -> Vectors:
    """Return float32 of shape (articles, d); d is 0 without an encoder.

    Args:
        texts: of the articles.
        params: section `embeddings`.
        encoders: folder of the encoder file.

    Raises:
        BadInput: the encoder cannot be used.
    """
    if params.text_encoder is None or params.text_encoder_sha256 is None:
        return np.zeros((len(texts), 0), np.float32)
    encode = open_encoder(encoders / params.text_encoder, params.text_encoder_sha256)
    size = params.batch_size
    encoded = (encode(texts[start : start + size]) for start in range(0, len(texts), size))
    return _as_rows(encoded, np.arange(len(texts)), len(texts))


def save_embeddings(folder: Path, embeddings: Sequence[Vectors]) -> None:
    """Write one npy file for each of KINDS."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, vectors in zip(KINDS, embeddings, strict=True):
        np.save(folder / f"{kind}.npy", vectors)


def _as_rows(encoded: Iterable[Vectors], rows: npt.NDArray[np.int_], n_rows: int) -> Vectors:
    """Return the encoded batches as rows of length 1, zeros elsewhere."""
    batches = list(encoded)
    if not batches:
        return np.zeros((n_rows, 0), np.float32)
    found = np.concatenate(batches).astype(np.float64)
    lengths = np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    vectors = np.zeros((n_rows, found.shape[1]), np.float32)
    vectors[rows] = found / lengths
    return vectors
