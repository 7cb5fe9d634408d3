"""An encoder from a file: pictures or texts in, vectors out. The one door to TorchScript and ONNX.

Both formats describe a computation that runs with the rights of who opens it, and TorchScript may
read and write files. So a file is used only if it has the SHA-256 that params.yaml names: whoever
sets it has decided to trust this file and no other.

torch marks TorchScript as deprecated, but it is what needs no library beside torch, and encoders
are exported in it. ONNX needs onnxruntime, which Hemline does not install.
"""

import hashlib
import importlib
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hemline.errors import BadInput

Batch = npt.NDArray[np.float32] | Sequence[str]
Encoder = Callable[[Batch], npt.NDArray[np.float32]]
"""From n pictures (float32 of shape (n, 3, size, size)) or n texts to float32 of shape (n, d)."""


def open_encoder(path: Path, sha256: str) -> Encoder:
    """Return the encoder in a TorchScript (.pt, .ts) or ONNX (.onnx) file.

    Args:
        path: of the file. A text encoder takes a list of texts (TorchScript) or a vector of
            strings (ONNX): it holds its tokenizer.
        sha256: what the file hashes to, 64 hexadecimal digits.

    Raises:
        BadInput: there is no such file, it is another one, its format is unknown, or onnxruntime
            is not installed.
    """
    content = _trusted(path, sha256)
    if path.suffix == ".onnx":
        return _checked(_onnx(content), path)
    if path.suffix in {".pt", ".ts"}:
        return _checked(_torchscript(content), path)
    raise BadInput(
        "an encoder is a TorchScript file (.pt, .ts) or an ONNX file (.onnx)",
        found=path.name,
        fix="export it again (docs/content.md)",
    )


def _trusted(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(
            "an encoder that params.yaml names lies in data/content",
            found=f"{path}: {error.strerror}",
            fix="copy it there, or leave the name empty",
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.lower():
        raise BadInput(
            "an encoder has the SHA-256 that params.yaml names, because to open it is to run it",
            found=f"{found} of {path}",
            fix="if you trust this file, set it in section embeddings of params.yaml",
        )
    return content


def _torchscript(content: bytes) -> Encoder:
    import torch  # noqa: PLC0415  (slow)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        load: Any = torch.jit.load
        module = load(BytesIO(content), map_location="cpu").eval()

    def encode(batch: Batch) -> npt.NDArray[np.float32]:
        given = torch.from_numpy(batch) if isinstance(batch, np.ndarray) else list(batch)
        with torch.inference_mode():
            return np.asarray(module(given).numpy(), np.float32)

    return encode


def _onnx(content: bytes) -> Encoder:
    if find_spec("onnxruntime") is None:
        raise BadInput(
            "an encoder in ONNX is run by onnxruntime",
            found="no such package",
            fix="pip install onnxruntime, or export the encoder as TorchScript",
        )
    runtime: Any = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def encode(batch: Batch) -> npt.NDArray[np.float32]:
        given = batch if isinstance(batch, np.ndarray) else np.array(list(batch), object)
        return np.asarray(session.run(None, {name: given})[0], np.float32)

    return encode


def _checked(encode: Encoder, path: Path) -> Encoder:
    def checked(batch: Batch) -> npt.NDArray[np.float32]:
        vectors = encode(batch)
        is_table = vectors.shape[:-1] == (len(batch),)
        if not is_table or not np.isfinite(vectors).all():
            raise BadInput(
                "an encoder returns a row of finite numbers for each picture or text",
                found=f"an array of shape {vectors.shape} for {len(batch)}, from {path.name}",
                fix="export it with one pooled vector as its only output (docs/content.md)",
            )
        return vectors

    return checked
