"""The CVAE as torch computes with it: to train, and to recommend on a GPU."""

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.models.cvae.network import (
    Network,
    SparseRows,
    one_hot,
    reindexed,
    unit_rows,
    weighted_sums,
)
from hemline.models.cvae.network_shape import OfferedArticles, Shape
from hemline.models.label_shift import decayed

if TYPE_CHECKING:
    from scipy import sparse

    from hemline.models.cvae.cvae import Cvae

DeviceName = Literal["auto", "cpu", "cuda"]


def decoded(model: "Cvae", histories: Histories) -> Tensor:
    """Return what the decoder makes of each customer, shape (customers, hidden)."""
    with torch.inference_mode():
        inputs = SparseRows.of(inputs_of(model, histories), device=model.device)
        conditions = conditions_of(model, histories)
        bought = weighted_sums(model.network.articles_in, inputs)
        mean, _ = model.network.encode(bought, conditions)
        return model.network.decode(mean, conditions)


def best_on_device(model: "Cvae", histories: Histories, k: int) -> tuple[Tensor, Tensor]:
    """Return scores and positions in `offered`, best first, without leaving the device."""
    with torch.inference_mode():
        shift = torch.tensor(model.articles.log_shift, device=model.device)
        shifted = model.network.logits(decoded(model, histories)) + shift
        scores, position = shifted.topk(min(k, len(shift)), dim=1)
    return scores, position


def inputs_of(model: "Cvae", histories: Histories) -> "sparse.csr_matrix":
    """Return the histories as the encoder reads them, CSR of shape (customers, len(read))."""
    read = model.articles.read
    # Column of the input by article; -1 for one not read, at the end for all unknown ones.
    positions = np.full(int(read.max(initial=-1)) + 2, -1, np.int32)
    positions[read] = np.arange(len(read))
    bought = decayed(histories.days_ago, model.shape.input_half_life_days)
    return unit_rows(reindexed(bought, positions, len(read)))


def conditions_of(model: "Cvae", histories: Histories) -> Tensor:
    """Return cluster and age band side by side, one-hot; zeros for what is not known."""
    cluster = one_hot(histories.clusters, model.shape.n_clusters)
    age_band = one_hot(histories.age_bands, model.shape.n_bands)
    return torch.tensor(np.hstack([cluster, age_band]), device=model.device)


def network_of(model: "Cvae") -> Network:
    """Return the network of a loaded model."""
    network = build_network(model.shape, model.articles)
    network.load_state_dict({name: torch.tensor(part) for name, part in model.weights.items()})
    return network


def chosen_device(name: DeviceName) -> torch.device:
    """Return the device of that name; for auto the GPU where there is one.

    `CUDA_VISIBLE_DEVICES=` in the environment keeps auto on the CPU.

    Raises:
        BadInput: a GPU is requested and there is none.
    """
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        raise BadInput(
            "cvae.device is cuda where torch sees a GPU",
            found=f"none (torch {torch.__version__})",
            fix="set cvae.device to auto, or install a driver and a torch built for it",
        )
    return torch.device("cuda" if has_gpu and name != "cpu" else "cpu")


def build_network(shape: Shape, articles: OfferedArticles) -> Network:
    """Return an untrained network of the given shape for the given articles."""
    return Network(
        len(articles.read),
        len(articles.offered),
        shape.n_clusters + shape.n_bands,
        hidden=shape.hidden,
        latent=shape.latent,
    )
