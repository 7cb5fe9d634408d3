"""The network of a sequence model, and the logits of one batch: of its week's articles and targets.

The normaliser of the softmax is estimated from a sample of the week's articles, each term divided
by its probability to be in it. The articles that a customer bought lately are always in, and exact,
because only these are raised.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from hemline.models.sequence.encoders import EncoderName, build_encoder
from hemline.models.sequence.training_baskets import N_AGES, Examples, OfferedWeek

_SPREAD: Final = 0.05
"""Standard deviation of untrained vectors."""
_FASTER: Final = 10.0
"""A raise goes from 0 to 5 in as few steps as a weight goes from 0 to 0.5."""


class SequenceNetwork(nn.Module):
    """All that is learnt but the own vectors of articles, which an optimiser of their own moves."""

    def __init__(self, encoder: EncoderName, width: int, n_attribute_values: int) -> None:
        super().__init__()
        self.encoder = build_encoder(encoder, width)
        self.ages = nn.Parameter(torch.randn(N_AGES, width) * _SPREAD)
        self.attributes = nn.Parameter(torch.randn(n_attribute_values, width) * _SPREAD)
        self.raise_of_age = nn.Parameter(torch.zeros(N_AGES))

    def encode(self, vectors: Tensor, ages: Tensor, days: Tensor) -> Tensor:
        """Return what the encoder makes of purchases, shape (rows, width).

        Args:
            vectors: of the articles, float32 of shape (rows, window, width), oldest first.
            ages: int64 of shape (rows, window).
            days: int64 of shape (rows, window); days ago, 0 after the last.
        """
        encoded: Tensor = self.encoder(vectors + self.ages[ages], ages, days)
        return encoded

    @property
    def raised_by_age(self) -> Tensor:
        """What an article among the latest is raised by, by its age; at least 0."""
        return nn.functional.softplus(_FASTER * self.raise_of_age)


class BatchScores:
    """Logits of one batch."""

    def __init__(
        self,
        network: SequenceNetwork,
        vectors: Tensor,
        keys: npt.NDArray[np.int32],
        batch: Examples,
        week: OfferedWeek,
        dropout: float,
    ) -> None:
        self.vectors, self.keys, self.batch, self.week = vectors, keys, batch, week
        self.log_share = torch.tensor(week.log_share)
        self.ages = torch.tensor(batch.ages)
        self.raised = network.raised_by_age
        self.latest = vectors[self._rows(np.maximum(batch.articles, 0))]
        dropped = nn.functional.dropout(self.latest, dropout)
        self.encoded = network.encode(dropped, self.ages, torch.tensor(batch.days))

    def normaliser(
        self, candidates: npt.NDArray[np.int64], included: npt.NDArray[np.float64]
    ) -> Tensor:
        """Return the logarithm of the sum over the week's articles; exact for the latest ones."""
        corrected = self.week.log_share[candidates] - np.log(included[candidates])
        table = self.vectors[self._rows(self.week.articles[candidates])]
        bias = torch.tensor(corrected.astype(np.float32))
        logits = nn.functional.linear(self.encoded, table, bias)
        place, on_sale = _places(self.week.articles, self.batch.articles)
        place_of = np.full(len(self.week.articles), -1)
        place_of[candidates] = np.arange(len(candidates))
        column = np.where(on_sale, place_of[place], -1)
        is_own = np.zeros(logits.shape, np.bool_)
        row, entry = np.nonzero(column >= 0)
        is_own[row, column[row, entry]] = True
        own = (self.encoded.unsqueeze(1) * self.latest).sum(dim=2)
        own = own + self.log_share[torch.tensor(place)] + self.raised[self.ages]
        own = own.masked_fill(torch.tensor(~on_sale), -torch.inf)
        others = logits.masked_fill(torch.tensor(is_own), -torch.inf)
        return torch.cat([others, own], dim=1).logsumexp(dim=1)

    def of_targets(self) -> Tensor:
        """Return the logit of each target, raised where it is among the latest articles."""
        batch = self.batch
        place, _ = _places(self.week.articles, batch.targets)
        product = (self.encoded[batch.target_row] * self.vectors[self._rows(batch.targets)]).sum(1)
        is_own = torch.tensor(batch.articles[batch.target_row] == batch.targets[:, None])
        raised = (is_own * self.raised[self.ages[batch.target_row]]).sum(dim=1)
        return product + self.log_share[torch.tensor(place)] + raised

    def _rows(self, articles: npt.NDArray[np.int32]) -> Tensor:
        return torch.tensor(np.minimum(np.searchsorted(self.keys, articles), len(self.keys) - 1))


def _places(
    offered: npt.NDArray[np.int32], articles: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the place of each article among those offered, and whether it is there."""
    place = np.minimum(np.searchsorted(offered, articles), len(offered) - 1)
    return place, np.asarray(offered[place] == articles)
