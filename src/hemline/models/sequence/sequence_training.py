"""Training a sequence model: weekly baskets in, the best network by validation MAP@12 out.

The loss is the softmax over the articles on sale in the week of an example. Its normaliser is
estimated from a sample in which each term is divided by its probability to be in it (logQ
correction, cvae/sampled_softmax), and the logarithm of an article's share of recent purchases is a
fixed part of its logit. So negatives are calibrated: popular articles need not be learnt to be
popular, and an untrained network recommends by popularity.

An article's vector is the sum of one of its own and of those of its attributes, so that what is
learnt of a department holds for articles that are new in it. Own vectors start at zero and are
borrowed row by row (cvae/row_adagrad): a step costs what its batch reads and samples.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor

from hemline import columns
from hemline.data.article_attributes import as_categories, categories
from hemline.errors import BadInput
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.cvae.row_adagrad import RowAdagrad
from hemline.models.cvae.sampled_softmax import draw, inclusion
from hemline.models.recommender import Recommender
from hemline.models.sequence.batch_scores import BatchScores, SequenceNetwork
from hemline.models.sequence.encoders import EncoderName
from hemline.models.sequence.layer_arrays import layers_of
from hemline.models.sequence.sequence import SequenceArrays, SequenceModel, SequenceShape
from hemline.models.sequence.training_baskets import (
    Examples,
    OfferedWeek,
    TrainingBaskets,
    offered_at,
)
from hemline.params import Section

if TYPE_CHECKING:
    import pandas as pd

    from hemline.data.past_weeks import PurchaseLog

ATTRIBUTES: Final = (
    "product_type_name",
    "department_name",
    "section_name",
    "garment_group_name",
    "index_name",
    "colour_group_name",
    "graphical_appearance_name",
)
"""The usual attributes that articles share vectors by."""


class SequenceParams(Section):
    """Network, examples, optimisation and stopping."""

    section: ClassVar[str] = "sequence"
    encoder: EncoderName = "gru"
    width: PositiveInt = 64
    window: PositiveInt = 20
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    training_weeks: PositiveInt = 40
    max_customers: PositiveInt = 200_000
    epoch_examples: PositiveInt = 50_000
    validation_customers: PositiveInt = 20_000
    on_sale_days: PositiveInt = 28
    recent_half_life_days: PositiveFloat = 7.0
    softmax_samples: PositiveInt = 2000
    batch_size: PositiveInt = 256
    learning_rate: PositiveFloat = 0.003
    row_learning_rate: PositiveFloat = 0.03
    max_epochs: PositiveInt = 20
    patience: PositiveInt = 3
    final_epochs: NonNegativeInt = 2
    seed: int = 7


class SequenceEpoch(NamedTuple):
    """One line of the training curve; the loss is per example."""

    epoch: int
    loss: float
    validation_map_at_12: float


def fit_sequence(
    log: "PurchaseLog",
    articles: "pd.DataFrame",
    params: SequenceParams,
    *,
    validate: Callable[[Recommender], float],
    on_epoch: Callable[[SequenceEpoch], None] = lambda _: None,
) -> SequenceModel:
    """Return a model stopped on the week before the cut, and then trained on that week too.

    Args:
        log: all purchases before the cut.
        articles: as tables.read_described returns them.
        params: section `sequence`.
        validate: scores a model on the week before the cut; higher is better.
        on_epoch: called with each epoch as it ends.
    """
    weighting = params.on_sale_days, params.recent_half_life_days
    everything = TrainingBaskets.of(
        log, params.training_weeks + 1, params.max_customers, *weighting
    )
    known = everything.before_latest()
    if not known.n_examples:
        raise BadInput(
            "in some week before the validation week customers buy who had bought before",
            found=f"none in the {params.training_weeks} weeks before it",
            fix="raise sequence.training_weeks, or set data.cut to a later day",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        trainer = SequenceTrainer(log, articles, params)
        n_epochs = _train_until_stale(trainer, known, everything.offered[0], validate, on_epoch)
        for _ in range(params.final_epochs):
            trainer.run_epoch(everything)
    return trainer.model(offered_at(log, log.cut, *weighting), n_epochs)


class SequenceTrainer:
    """Network, own vectors, optimisers and random streams of one training."""

    def __init__(
        self, log: "PurchaseLog", articles: "pd.DataFrame", params: SequenceParams
    ) -> None:
        self.params = params
        self.n_articles = log.n_articles
        self.rng = np.random.default_rng(params.seed)
        self.read = np.unique(log.purchases[columns.ARTICLE].to_numpy()).astype(np.int32)
        self.codes, n_values = _attribute_codes(articles, self.read)
        self.network = SequenceNetwork(params.encoder, params.width, n_values)
        self.optimizer = torch.optim.Adam(self.network.parameters(), params.learning_rate)
        self.own = RowAdagrad(torch.zeros(len(self.read), params.width), params.row_learning_rate)

    def run_epoch(self, baskets: TrainingBaskets) -> float:
        """Return the mean loss of the examples."""
        params, total, n_examples = self.params, 0.0, 0
        self.network.train()
        sampled = [inclusion(week.share, params.softmax_samples) for week in baskets.offered]
        sizes = params.epoch_examples, params.batch_size, params.window
        for batch in baskets.epoch(*sizes, self.rng):
            if len(batch.targets):
                loss = self.step(batch, baskets.offered[batch.week], sampled[batch.week])
                total, n_examples = total + loss * len(batch.days), n_examples + len(batch.days)
        return total / max(n_examples, 1)

    def step(self, batch: Examples, week: OfferedWeek, included: npt.NDArray[np.float64]) -> float:
        """Update the network; return the mean loss of the examples."""
        candidates = draw(included, self.rng)
        bought = batch.articles[batch.articles != NO_ARTICLE]
        keys = np.unique(np.concatenate([week.articles[candidates], bought, batch.targets]))
        rows = torch.tensor(np.searchsorted(self.read, keys))
        vectors = self.own.borrow(rows) + self._shared(rows)
        scores = BatchScores(self.network, vectors, keys, batch, week, self.params.dropout)
        normaliser = scores.normaliser(candidates, included)
        row = torch.tensor(batch.target_row)
        n_targets = torch.bincount(row, minlength=len(batch.days))
        losses = (normaliser[row] - scores.of_targets()) / n_targets[row]
        loss = losses.sum() / (n_targets > 0).sum()
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.own.step()
        return float(loss.detach())

    @torch.no_grad()
    def model(self, offered: OfferedWeek, n_epochs: int) -> SequenceModel:
        """Return the model as it is now, for the catalogue of a day."""
        network, params = self.network, self.params
        vectors = self.own.table + self._shared(torch.arange(len(self.read)))
        arrays = SequenceArrays(
            self.read,
            vectors.numpy(),
            network.ages.numpy().copy(),
            network.raised_by_age.numpy().copy(),
            offered.articles,
            offered.log_share,
        )
        shape = SequenceShape(params.encoder, params.window, self.n_articles, n_epochs)
        return SequenceModel(shape, arrays, layers_of(network.encoder))

    def state(self) -> tuple[dict[str, Tensor], Tensor]:
        """Return a copy of all that is learnt."""
        return deepcopy(self.network.state_dict()), self.own.table.clone()

    def return_to(self, state: tuple[dict[str, Tensor], Tensor]) -> None:
        """Go back to what `state` returned."""
        self.network.load_state_dict(state[0])
        self.own.table.copy_(state[1])

    def _shared(self, rows: Tensor) -> Tensor:
        """Return the sum of the vectors of each article's attributes."""
        return self.network.attributes[self.codes[rows]].sum(dim=1)


def _train_until_stale(
    trainer: SequenceTrainer,
    known: TrainingBaskets,
    offered: OfferedWeek,
    validate: Callable[[Recommender], float],
    on_epoch: Callable[[SequenceEpoch], None],
) -> int:
    """Leave the network at its best epoch and return the number of that epoch."""
    best_score, best_epoch, best = -np.inf, 0, trainer.state()
    for epoch in range(1, trainer.params.max_epochs + 1):
        loss = trainer.run_epoch(known)
        score = validate(trainer.model(offered, epoch))
        on_epoch(SequenceEpoch(epoch, loss, score))
        if score > best_score:
            best_score, best_epoch, best = score, epoch, trainer.state()
        elif epoch - best_epoch >= trainer.params.patience:
            break
    trainer.return_to(best)
    return best_epoch


def _attribute_codes(articles: "pd.DataFrame", read: npt.NDArray[np.int32]) -> tuple[Tensor, int]:
    """Return the values of each article's attributes, int64 of shape (read, attributes).

    The values of all attributes are numbered in one row; an article without any has none.
    """
    codes, n_values = [], 0
    for name in categories(articles, ATTRIBUTES):
        values, code = np.unique(as_categories(articles[name]), return_inverse=True)
        codes.append(code[read] + n_values)
        n_values += len(values)
    stacked = np.stack(codes, axis=1) if codes else np.empty((len(read), 0), np.int64)
    return torch.tensor(stacked.astype(np.int64)), n_values
