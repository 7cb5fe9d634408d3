"""Training the CVAE: weighted rows in, the best network by validation MAP@12 out.

A row's input fades slowly with the age of a purchase and its target fades fast, so the network
learns what customers buy *next* from what they bought so far, in one pass over sparse rows.
Each row counts with its total target weight, likelihood and KL alike: the per-row KL weight of
RecVAE (Shenbin et al. 2020), without which faded rows would be all prior.

What is on sale changes within weeks while training averages over months. The logits are therefore
moved by log(share of recent buyers) - log(share in the training targets), the correction for label
shift (Saerens et al. 2002), and articles no longer sold are taken out.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.models.cvae.losses import LossName, kl_to_standard_normal, reconstruction
from hemline.models.cvae.model import Cvae, Shape, Shelf, build_network
from hemline.models.cvae.network import SparseRows, decayed
from hemline.params import Section


class CvaeParams(Section):
    """Network, weighting, optimisation and stopping."""

    section: ClassVar[str] = "cvae"
    loss: LossName
    hidden: PositiveInt
    latent: PositiveInt
    dropout: Annotated[float, Field(ge=0, lt=1)]
    input_half_life_days: PositiveFloat
    target_half_life_days: PositiveFloat
    on_sale_days: PositiveInt
    recent_half_life_days: PositiveFloat
    shift: NonNegativeFloat
    batch_size: PositiveInt
    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat
    kl_cap: NonNegativeFloat
    kl_anneal_epochs: PositiveInt
    max_epochs: PositiveInt
    patience: PositiveInt
    final_epochs: NonNegativeInt
    cold_samples: PositiveInt
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
        n_conditions: number of clusters.
        validate: scores a model on the validation week; higher is better.
        on_epoch: told about each epoch as it ends.
    """
    shape = Shape(
        n_conditions,
        params.hidden,
        params.latent,
        params.input_half_life_days,
        params.cold_samples,
        params.seed,
    )
    read = np.unique(everything.units.indices).astype(np.int32)
    offered = _on_sale(everything, params.on_sale_days)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        shelf = Shelf(read, offered, log_shift(known, offered, params))
        network = build_network(shape, shelf, dropout=params.dropout)
        trainer = _Trainer(Cvae(shape, shelf, network), params)
        trainer.start_from_shares(known)
        _train_until_stale(trainer, known, validate, on_epoch)
        for _ in range(params.final_epochs):
            trainer.run_epoch(everything, params.kl_cap)
    return Cvae(shape, Shelf(read, offered, log_shift(everything, offered, params)), network)


def log_shift(
    histories: Histories, offered: npt.NDArray[np.int32], params: CvaeParams
) -> npt.NDArray[np.float32]:
    """Return what to add to each offered article's logit for the catalogue at the cut.

    -inf for an article that was not sold in the last `on_sale_days`.
    """
    recent = _shares(decayed(histories.days_ago, params.recent_half_life_days), offered)
    trained = _shares(decayed(histories.days_ago, params.target_half_life_days), offered)
    shift = params.shift * (np.log(recent) - np.log(trained))
    is_on_sale = np.isin(offered, _on_sale(histories, params.on_sale_days))
    return np.where(is_on_sale, shift, -np.inf).astype(np.float32)


class _Trainer:
    """Model, optimiser and random stream of one training."""

    def __init__(self, model: Cvae, params: CvaeParams) -> None:
        self.model = model
        self.network = model.network
        self.params = params
        self.rng = np.random.default_rng(params.seed)
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), params.learning_rate, weight_decay=params.weight_decay
        )

    def start_from_shares(self, histories: Histories) -> None:
        """Let the untrained network answer with popularity: spares it the first epochs."""
        targets = decayed(histories.days_ago, self.params.target_half_life_days)
        shares = np.log(_shares(targets, self.model.shelf.offered))
        self.network.articles_out.bias.data = torch.tensor(shares, dtype=torch.float32)

    def run_epoch(self, histories: Histories, kl_weight: float) -> tuple[float, float]:
        """Return mean reconstruction loss and KL per unit of target weight over one epoch."""
        self.network.train()
        totals = np.zeros(3)
        for inputs, targets, condition in self._batches(histories):
            weight = torch.tensor(np.asarray(targets.sum(axis=1), np.float32).ravel())
            mean, log_variance = self.network.encode(SparseRows.of(inputs), condition)
            code = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
            logits = self.network.decode(code, condition)
            loss = reconstruction(self.params.loss, logits, SparseRows.of(targets)).sum()
            kl = (weight * kl_to_standard_normal(mean, log_variance)).sum()
            self.optimizer.zero_grad()
            ((loss + kl_weight * kl) / weight.sum()).backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            totals += loss.item(), kl.item(), weight.sum().item()
        self.network.eval()
        return totals[0] / totals[2], totals[1] / totals[2]

    def _batches(
        self, histories: Histories
    ) -> Iterator[tuple[sparse.csr_matrix, sparse.csr_matrix, torch.Tensor]]:
        inputs = self.model.inputs(histories)
        faded = decayed(histories.days_ago, self.params.target_half_life_days)
        targets = sparse.csr_matrix(faded[:, self.model.shelf.offered])
        weights = np.asarray(targets.sum(axis=1)).ravel()
        order = self.rng.permutation(np.flatnonzero(weights > _FADED))
        for start in range(0, len(order), self.params.batch_size):
            rows = order[start : start + self.params.batch_size]
            yield inputs[rows], targets[rows], self.network.one_hot(histories.clusters[rows])


_FADED = 1e-3
"""Rows with less total target weight teach nothing and are left out of an epoch."""


def _train_until_stale(
    trainer: _Trainer,
    known: Histories,
    validate: Callable[[Cvae], float],
    on_epoch: Callable[[Epoch], None],
) -> None:
    params, network = trainer.params, trainer.network
    best_score, best_epoch, best_weights = -np.inf, 0, copy.deepcopy(network.state_dict())
    for epoch in range(1, params.max_epochs + 1):
        kl_weight = params.kl_cap * min(1.0, epoch / params.kl_anneal_epochs)
        loss, kl = trainer.run_epoch(known, kl_weight)
        score = validate(trainer.model)
        on_epoch(Epoch(epoch, loss, kl, kl_weight, score))
        if score > best_score:
            best_score, best_epoch = score, epoch
            best_weights = copy.deepcopy(network.state_dict())
        elif epoch - best_epoch >= params.patience:
            break
    network.load_state_dict(best_weights)


def _on_sale(histories: Histories, days: int) -> npt.NDArray[np.int32]:
    recent = histories.days_ago.indices[histories.days_ago.data <= days]
    return np.unique(recent).astype(np.int32)


def _shares(weights: sparse.csr_matrix, offered: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    mass = np.asarray(weights.sum(axis=0), np.float64).ravel()[offered] + 0.5
    return np.asarray(mass / mass.sum())
