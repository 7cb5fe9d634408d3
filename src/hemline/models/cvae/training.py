"""Training the CVAE: weighted rows in, the best network by validation MAP@12 out.

A row's input fades slowly with the age of a purchase and its target fades fast, so the network
learns what customers buy *next* from what they bought so far, in one pass over sparse rows.
Each row counts with its total target weight, likelihood and KL alike: the per-row KL weight of
RecVAE (Shenbin et al. 2020), without which faded rows would be all prior.

A step costs what its batch bought: the two article tables are borrowed row by row (row_adagrad),
and the softmax of a large catalogue runs over a sample (candidates). The price is that row-wise
Adagrad has a learning rate of its own.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from scipy import sparse
from torch import Tensor

from hemline.data.histories import Histories
from hemline.models.cvae import losses
from hemline.models.cvae.candidates import draw, inclusion
from hemline.models.cvae.model import Cvae, Shape, build_network
from hemline.models.cvae.network import SparseRows, decayed, thinned, weighted_sums
from hemline.models.cvae.row_adagrad import RowAdagrad
from hemline.models.cvae.shelf import Shelf, ever_bought, log_shift, on_sale, shares
from hemline.params import Section


class CvaeParams(Section):
    """Network, weighting, optimisation and stopping."""

    section: ClassVar[str] = "cvae"
    loss: losses.LossName
    hidden: PositiveInt
    latent: PositiveInt
    dropout: Annotated[float, Field(ge=0, lt=1)]
    input_half_life_days: PositiveFloat
    target_half_life_days: PositiveFloat
    on_sale_days: PositiveInt
    recent_half_life_days: PositiveFloat
    shift: NonNegativeFloat
    softmax_samples: PositiveInt
    batch_size: PositiveInt
    learning_rate: PositiveFloat
    row_learning_rate: PositiveFloat
    kl_cap: NonNegativeFloat
    kl_anneal_epochs: PositiveInt
    max_epochs: PositiveInt
    patience: PositiveInt
    final_epochs: NonNegativeInt
    seed: int


class Epoch(NamedTuple):
    """One line of the training curve; losses are per unit of target weight."""

    epoch: int
    reconstruction: float
    kl: float
    kl_weight: float
    validation_map_at_12: float


def fit_cvae(
    known: Histories,
    everything: Histories,
    params: CvaeParams,
    *,
    n_conditions: int,
    validate: Callable[[Cvae], float],
    on_epoch: Callable[[Epoch], None],
) -> Cvae:
    """Return a CVAE stopped on validation and then taught the latest days.

    Args:
        known: histories before the validation week.
        everything: histories before the cut, the validation week included.
        params: section `cvae`.
        n_conditions: number of clusters; age bands are conditions too, as many as occur.
        validate: scores a model on the validation week; higher is better.
        on_epoch: told about each epoch as it ends.
    """
    with torch.random.fork_rng(devices=[]):
        trainer = _Trainer(_untrained(known, everything, params, n_conditions), params)
        trainer.start_from_shares(known)
        n_epochs = _train_until_stale(trainer, known, validate, on_epoch)
        for _ in range(params.final_epochs):
            trainer.run_epoch(everything, params.kl_cap)
    return _finished(trainer, everything, n_epochs)


def fit_cvae_for(
    histories: Histories, params: CvaeParams, *, n_conditions: int, n_epochs: int
) -> Cvae:
    """Return a CVAE after exactly n_epochs on all histories given, without a validation week.

    Args:
        histories: histories before the cut.
        params: section `cvae`; `max_epochs`, `patience` and `final_epochs` play no part.
        n_conditions: number of clusters.
        n_epochs: how long to train, for instance the `shape.n_epochs` an earlier fit found best.
    """
    with torch.random.fork_rng(devices=[]):
        trainer = _Trainer(_untrained(histories, histories, params, n_conditions), params)
        trainer.start_from_shares(histories)
        for epoch in range(1, n_epochs + 1):
            trainer.run_epoch(histories, _kl_weight(params, epoch))
    return _finished(trainer, histories, n_epochs)


class _Batch(NamedTuple):
    inputs: sparse.csr_matrix
    targets: sparse.csr_matrix
    condition: Tensor


class _Trainer:
    """Model, optimisers and random streams of one training."""

    def __init__(self, model: Cvae, params: CvaeParams) -> None:
        self.model = model
        self.network = model.network
        self.params = params
        self.rng = np.random.default_rng(params.seed)
        self.optimizer = torch.optim.Adam(self.network.parameters(), params.learning_rate)
        self.rows_in = RowAdagrad(self.network.articles_in, params.row_learning_rate)
        self.rows_out = RowAdagrad(self.network.articles_out, params.row_learning_rate)

    def start_from_shares(self, histories: Histories) -> None:
        """Let the untrained network answer with popularity: spares it the first epochs."""
        log_shares = np.log(shares(self._targets(histories)))
        self.network.bias_out.data = torch.tensor(log_shares, dtype=torch.float32)

    def run_epoch(self, histories: Histories, kl_weight: float) -> tuple[float, float]:
        """Return mean reconstruction loss and KL per unit of target weight over one epoch."""
        targets = self._targets(histories)
        n_samples = self.params.softmax_samples
        if self.params.loss != "multinomial":
            n_samples = targets.shape[1]
        included = inclusion(shares(targets), n_samples)
        totals = np.zeros(3)
        for batch in self._batches(histories, targets):
            totals += self._step(batch, included, kl_weight)
        return totals[0] / totals[2], totals[1] / totals[2]

    def _step(
        self, batch: _Batch, included: npt.NDArray[np.float64], kl_weight: float
    ) -> tuple[float, float, float]:
        weight = torch.tensor(np.asarray(batch.targets.sum(axis=1), np.float32).ravel())
        mean, log_variance = self._encode(batch)
        code = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        hidden = self.network.decode(code, batch.condition)
        loss = self._reconstruction(hidden, batch.targets, weight, included).sum()
        kl = (weight * losses.kl_to_standard_normal(mean, log_variance)).sum()
        self.optimizer.zero_grad()
        ((loss + kl_weight * kl) / weight.sum()).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.rows_in.step()
        self.rows_out.step()
        return loss.item(), kl.item(), weight.sum().item()

    def _encode(self, batch: _Batch) -> tuple[Tensor, Tensor]:
        inputs = thinned(batch.inputs, self.params.dropout, self.rng)
        articles, position = np.unique(inputs.indices, return_inverse=True)
        table = self.rows_in.borrow(torch.tensor(articles, dtype=torch.int64))
        bought = weighted_sums(table, SparseRows.of(inputs, position))
        return self.network.encode(bought, batch.condition)

    def _reconstruction(
        self,
        hidden: Tensor,
        targets: sparse.csr_matrix,
        weight: Tensor,
        included: npt.NDArray[np.float64],
    ) -> Tensor:
        candidates = draw(included, self.rng)
        articles = np.union1d(candidates, targets.indices)
        table = self.rows_out.borrow(torch.tensor(articles))
        bias = self.network.bias_out[torch.tensor(articles)]
        wanted = SparseRows.of(targets, np.searchsorted(articles, targets.indices))
        sampled = torch.tensor(np.searchsorted(articles, candidates))
        log_included = torch.tensor(np.log(included[candidates]), dtype=torch.float32)
        logits = torch.nn.functional.linear(hidden, table[sampled], bias[sampled] - log_included)
        if self.params.loss == "cosine_recall":
            return losses.cosine_recall(logits, wanted)
        return losses.multinomial(
            logits, losses.logits_of_targets(hidden, table, bias, wanted), weight
        )

    def _targets(self, histories: Histories) -> sparse.csr_matrix:
        faded = decayed(histories.days_ago, self.params.target_half_life_days)
        return sparse.csr_matrix(faded[:, self.model.shelf.offered])

    def _batches(self, histories: Histories, targets: sparse.csr_matrix) -> Iterator[_Batch]:
        inputs = self.model.inputs(histories)
        conditions = self.model.conditions(histories)
        weights = np.asarray(targets.sum(axis=1)).ravel()
        order = self.rng.permutation(np.flatnonzero(weights > _FADED))
        for start in range(0, len(order), self.params.batch_size):
            rows = order[start : start + self.params.batch_size]
            yield _Batch(inputs[rows], targets[rows], conditions[rows])


_FADED = 1e-3
"""Rows with less total target weight teach nothing and are left out of an epoch."""


def _untrained(
    known: Histories, everything: Histories, params: CvaeParams, n_conditions: int
) -> Cvae:
    shape = Shape(
        n_conditions,
        int(everything.age_bands.max(initial=-1)) + 1,
        params.hidden,
        params.latent,
        params.input_half_life_days,
        n_epochs=0,
    )
    torch.manual_seed(params.seed)
    offered = on_sale(everything, params.on_sale_days)
    shelf = Shelf(ever_bought(everything), offered, _shift_at(known, offered, params))
    return Cvae(shape, shelf, build_network(shape, shelf))


def _finished(trainer: _Trainer, histories: Histories, n_epochs: int) -> Cvae:
    shape, shelf = trainer.model.shape, trainer.model.shelf
    shift = _shift_at(histories, shelf.offered, trainer.params)
    return Cvae(replace(shape, n_epochs=n_epochs), replace(shelf, log_shift=shift), trainer.network)


def _shift_at(
    histories: Histories, offered: npt.NDArray[np.int32], params: CvaeParams
) -> npt.NDArray[np.float32]:
    return log_shift(
        histories,
        offered,
        recent_half_life_days=params.recent_half_life_days,
        target_half_life_days=params.target_half_life_days,
        on_sale_days=params.on_sale_days,
        strength=params.shift,
    )


def _train_until_stale(
    trainer: _Trainer,
    known: Histories,
    validate: Callable[[Cvae], float],
    on_epoch: Callable[[Epoch], None],
) -> int:
    """Leave the network at its best epoch and return the number of that epoch."""
    params, network = trainer.params, trainer.network
    best_score, best_epoch, best_weights = -np.inf, 0, deepcopy(network.state_dict())
    for epoch in range(1, params.max_epochs + 1):
        kl_weight = _kl_weight(params, epoch)
        loss, kl = trainer.run_epoch(known, kl_weight)
        score = validate(trainer.model)
        on_epoch(Epoch(epoch, loss, kl, kl_weight, score))
        if score > best_score:
            best_score, best_epoch = score, epoch
            best_weights = deepcopy(network.state_dict())
        elif epoch - best_epoch >= params.patience:
            break
    network.load_state_dict(best_weights)
    return best_epoch


def _kl_weight(params: CvaeParams, epoch: int) -> float:
    return params.kl_cap * min(1.0, epoch / params.kl_anneal_epochs)
