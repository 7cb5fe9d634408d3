"""What a network is built for: its sizes, and the articles that it deals with.

Both are saved beside its arrays, and neither needs torch.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hemline.models.label_shift import NO_DECAY_DAYS


@dataclass(frozen=True)
class Shape:
    """What it takes to build the network again, and to weight its input as in training.

    `n_epochs` is the number of epochs after which it was best on the validation week,
    `walk_weight` how far the walk raises logits, and `walk_half_life_days` how fast purchases decay
    on their way into it. Versions that were saved without the two have no walk, and those without
    `n_articles`, how many articles it was trained on, do not say so.
    """

    n_clusters: int
    n_bands: int
    hidden: int
    latent: int
    input_half_life_days: float
    n_epochs: int
    walk_weight: float = 0.0
    walk_half_life_days: float = NO_DECAY_DAYS
    n_articles: int | None = None


@dataclass(frozen=True)
class OfferedArticles:
    """The articles the network deals with, as sorted int32 keys.

    Most of a fashion catalogue is gone, so both tables of the network are a fraction of what they
    would be with a row for every article.

    Attributes:
        read: articles that count when they stand in a history: those anybody bought.
        offered: articles that may be recommended, one logit each: those still on sale.
        log_shift: float32 beside `offered`, added to the logits; -inf keeps an article out of
            every list.
    """

    read: npt.NDArray[np.int32]
    offered: npt.NDArray[np.int32]
    log_shift: npt.NDArray[np.float32]
