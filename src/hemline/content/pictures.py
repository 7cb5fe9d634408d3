"""Pictures of articles as arrays, from a folder. The one module that knows Pillow.

A picture is scaled so that its shorter side fits and cut to the middle square, as the usual image
encoders were trained. Transparent pixels become white, which is what a shop shows behind them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from hemline.errors import BadInput

_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")
_MOST_PIXELS: Final = 50_000_000
"""Of one picture: more are a mistake, or meant to fill the memory."""


def picture_paths(folder: Path, article_ids: Sequence[str]) -> list[Path | None]:
    """Return the picture of each article, None where there is none.

    A picture is `<article_id>.jpg` (or .jpeg, .png, .webp) in the folder or in any folder below
    it, as Kaggle has them.

    Raises:
        BadInput: an article has two pictures.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in _SUFFIXES:
            if path.stem in found:
                raise BadInput(
                    "an article has one picture, named after its article_id",
                    found=f"{found[path.stem]} and {path}",
                    fix="delete one of them",
                )
            found[path.stem] = path
    return [found.get(article_id) for article_id in article_ids]


def batches_of(
    paths: Sequence[Path], size: int, n_pictures: int
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the pictures, up to n_pictures at a time.

    Args:
        paths: of pictures.
        size: width and height that they are scaled to, in pixels.
        n_pictures: of one batch.

    Yields:
        float32 of shape (n, 3, size, size): red, green and blue from 0 to 1.
    """
    for start in range(0, len(paths), n_pictures):
        yield np.stack([read_picture(path, size) for path in paths[start : start + n_pictures]])


def read_picture(path: Path, size: int) -> npt.NDArray[np.float32]:
    """Return the middle square of a picture, float32 of shape (3, size, size) from 0 to 1.

    Raises:
        BadInput: the file is no picture, is damaged, or has more than 50 million pixels.
    """
    try:
        with Image.open(path) as picture:
            n_pixels = picture.width * picture.height
            if n_pixels <= _MOST_PIXELS:
                square = ImageOps.fit(_on_white(picture), (size, size), Image.Resampling.BICUBIC)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _refused(path, str(error)) from error
    if n_pixels > _MOST_PIXELS:
        raise _refused(path, f"{n_pixels:,} pixels")
    return np.moveaxis(np.asarray(square, np.float32) / np.float32(255), -1, 0)


def _on_white(picture: Image.Image) -> Image.Image:
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture.convert("RGBA"))
    return white.convert("RGB")


def _refused(path: Path, found: str) -> BadInput:
    return BadInput(
        "pictures are whole image files of at most 50 million pixels",
        found=f"{path}: {found}",
        fix="replace the file, or delete it: an article needs no picture",
    )
