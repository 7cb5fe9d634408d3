"""Several networks as one, whose logits are the mean of theirs.

Networks that differ by their seed alone err differently, and their mean errs less. Side by side
they are a network again: hidden layers and codes follow each other, matrices between them are
block-diagonal, and the rows of the last table stand side by side, divided by their number. So the
mean is stored, served and exported like one network, at the cost of their number.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.linalg import block_diag

from hemline.models.cvae.cvae import Cvae

Floats = npt.NDArray[np.float32]


def averaged(models: Sequence[Cvae]) -> Cvae:
    """Return the model whose logits are the mean of those of the models; of one, itself.

    Args:
        models: of the same shape and articles, without a walk. The mean computes on the CPU.
    """
    if len(models) == 1:
        return models[0]
    first, stored = models[0], [model.weights for model in models]

    def joined(name: str) -> list[Floats]:
        return [weights[name] for weights in stored]

    latent = first.shape.latent
    posterior, code = joined("to_posterior.weight"), joined("from_latent.weight")
    biases = joined("to_posterior.bias")
    weights = {
        "articles_in": np.hstack(joined("articles_in")),
        "articles_out": np.hstack(joined("articles_out")) / np.float32(len(models)),
        "bias_out": np.mean(joined("bias_out"), axis=0),
        "condition_in": np.hstack(joined("condition_in")),
        "bias_in": np.concatenate(joined("bias_in")),
        "to_posterior.weight": np.vstack(
            [
                block_diag(*(each[:latent] for each in posterior)),
                block_diag(*(each[latent:] for each in posterior)),
            ]
        ),
        "to_posterior.bias": np.concatenate(
            [*(each[:latent] for each in biases), *(each[latent:] for each in biases)]
        ),
        "from_latent.weight": np.hstack(
            [
                block_diag(*(each[:, :latent] for each in code)),
                np.vstack([each[:, latent:] for each in code]),
            ]
        ),
        "from_latent.bias": np.concatenate(joined("from_latent.bias")),
    }
    shape = replace(
        first.shape, hidden=first.shape.hidden * len(models), latent=latent * len(models)
    )
    contiguous = {name: np.ascontiguousarray(part, np.float32) for name, part in weights.items()}
    return Cvae(shape, first.articles, contiguous)
