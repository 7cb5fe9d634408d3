"""Training the CVAE: weighted rows in, the best network by validation MAP@12 out.

A row's input decays slowly with the age of a purchase and its target decays fast, so the network
learns what customers buy *next* from what they bought so far, in one pass over sparse rows.
Each row counts with its total target weight, likelihood and KL alike: the per-row KL weight of
RecVAE (Shenbin et al. 2020), without which decayed rows would be all prior.

A step costs what its batch bought: the two article tables are borrowed row by row (row_adagrad),
and the softmax of a large catalogue runs over a sample (sampled_softmax). The price is that
row-wise Adagrad has a learning rate of its own.

All that is random is drawn on the CPU, wherever the network computes: a GPU sees the same batches,
samples and noise and ends within rounding of the CPU. The same bytes come only from a CPU, and from
the same number of threads.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor

from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.models.cvae import losses, torch_inference
from hemline.models.cvae.averaged_networks import averaged
from hemline.models.cvae.batches import Batch, TrainingBatches
from hemline.models.cvae.blas_products import same_everywhere
from hemline.models.cvae.cvae import Cvae
from hemline.models.cvae.cvae_params import CvaeParams
from hemline.models.cvae.logit_shift import log_shift_of
from hemline.models.cvae.network import SparseRows, dropout, weighted_sums
from hemline.models.cvae.network_shape import OfferedArticles, Shape
from hemline.models.cvae.row_adagrad import RowAdagrad
from hemline.models.cvae.sampled_softmax import draw, inclusion
from hemline.models.cvae.walk_fitting import best_walk_weight, fit_walk
from hemline.models.label_shift import ever_bought, on_sale


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
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> Cvae:
    """Return a CVAE stopped on validation and then trained on the latest days too.

    Args:
        known: histories before the validation week.
        everything: histories before the cut, the validation week included.
        params: section `cvae`.
        n_conditions: number of clusters; age bands are conditions too, as many as occur.
        validate: scores a model on the validation week; higher is better.
        on_epoch: called with each epoch as it ends.
    """
    with torch.random.fork_rng(devices=[]), same_everywhere():
        trainers, n_epochs, n_done = list[Trainer](), list[int](), 0

        def note(epoch: Epoch) -> None:
            on_epoch(epoch._replace(epoch=n_done + epoch.epoch))

        for each in _seeded(params):
            trainer = Trainer(_untrained(known, everything, each, n_conditions), each)
            n_epochs.append(_train_until_stale(trainer, trainer.batches(known), validate, note))
            trainers.append(trainer)
            n_done += trainer.n_run
        walk_weight = params.walk_weight
        if walk_weight is None:
            stopped = averaged([trainer.snapshot for trainer in trainers])
            walk_weight = best_walk_weight(stopped, known, params.walk, validate)
        for trainer in trainers:
            latest = trainer.batches(everything)
            for _ in range(params.final_epochs):
                trainer.run_epoch(latest, params.kl_cap)
    return _finished(trainers, everything, round(float(np.mean(n_epochs))), walk_weight)


def fit_cvae_for(
    histories: Histories, params: CvaeParams, *, n_conditions: int, n_epochs: int
) -> Cvae:
    """Return a CVAE after exactly n_epochs on all histories given, without a validation week.

    Args:
        histories: histories before the cut.
        params: section `cvae`; `max_epochs`, `patience` and `final_epochs` play no part. No walk is
            fitted without a `walk_weight`.
        n_conditions: number of clusters.
        n_epochs: how long to train, for instance the `shape.n_epochs` an earlier fit found best.
    """
    with torch.random.fork_rng(devices=[]), same_everywhere():
        trainers = []
        for each in _seeded(params):
            trainer = Trainer(_untrained(histories, histories, each, n_conditions), each)
            batches = trainer.batches(histories)
            trainer.start_from(batches.shares)
            for epoch in range(1, n_epochs + 1):
                trainer.run_epoch(batches, _kl_weight(params, epoch))
            trainers.append(trainer)
    return _finished(trainers, histories, n_epochs, params.walk_weight or 0.0)


class Trainer:
    """Model, optimisers and random streams of one training."""

    def __init__(self, model: Cvae, params: CvaeParams) -> None:
        self.model = model
        self.network = model.network
        self.device = model.device
        self.params = params
        self.rng = np.random.default_rng(params.seed)
        self.n_run = 0  # epochs
        self.optimizer = torch.optim.Adam(self.network.parameters(), params.learning_rate)
        self.rows_in = RowAdagrad(self.network.articles_in, params.row_learning_rate)
        self.rows_out = RowAdagrad(self.network.articles_out, params.row_learning_rate)

    @property
    def snapshot(self) -> Cvae:
        """The model as it is now, anew each time: it caches what it scores with."""
        return Cvae(self.model.shape, self.model.articles, self.network)

    def batches(self, histories: Histories) -> TrainingBatches:
        """Return the training batches of the histories, with the offered articles as targets.

        Raises:
            BadInput: there is nothing to predict.
        """
        offered = self.model.articles.offered
        batches = TrainingBatches.of(histories, offered, self.params.target_half_life_days)
        if not batches.has_targets:
            raise BadInput(
                "somebody bought an article that is on sale, so that the CVAE has something to "
                "predict",
                found=f"{histories.n_customers} customers, none with a purchase that counts of "
                f"{len(offered)} articles on sale",
                fix="raise cvae.on_sale_days or cvae.target_half_life_days, or move data.cut",
            )
        return batches

    def start_from(self, shares: npt.NDArray[np.float64]) -> None:
        """Make the untrained network recommend by popularity: spares it the first epochs."""
        log_shares = torch.tensor(np.log(shares), dtype=torch.float32)
        self.network.bias_out.data = log_shares.to(self.device)

    def run_epoch(self, batches: TrainingBatches, kl_weight: float) -> tuple[float, float]:
        """Return mean reconstruction loss and KL per unit of target weight over one epoch."""
        params = self.params
        self.n_run += 1
        is_sampled = params.loss == "multinomial"
        n_samples = params.softmax_samples if is_sampled else len(batches.offered)
        included = inclusion(batches.shares, n_samples)
        totals = torch.zeros(3, dtype=torch.float64, device=self.device)
        for batch in batches.epoch(params.epoch_customers, params.batch_size, self.rng):
            totals += self.step(batch, included, kl_weight)
        loss, kl, weight = totals.tolist()
        return loss / weight, kl / weight

    def step(self, batch: Batch, included: npt.NDArray[np.float64], kl_weight: float) -> Tensor:
        """Update the network; return loss, KL and target weight of the batch, all on the device."""
        weight = self._on_device(np.asarray(batch.targets.sum(axis=1), np.float32).ravel())
        condition = torch_inference.conditions_of(self.model, batch.histories)
        mean, log_variance = self._encode(batch.histories, condition)
        noise = torch.randn(mean.shape).to(self.device)
        hidden = self.network.decode(mean + noise * (0.5 * log_variance).exp(), condition)
        loss = self._reconstruction(hidden, batch.targets, weight, included).sum()
        kl = (weight * losses.kl_to_standard_normal(mean, log_variance)).sum()
        self.optimizer.zero_grad()
        ((loss + kl_weight * kl) / weight.sum()).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.rows_in.step()
        self.rows_out.step()
        return torch.stack([loss.detach(), kl.detach(), weight.sum()])

    def _encode(self, histories: Histories, condition: Tensor) -> tuple[Tensor, Tensor]:
        inputs = torch_inference.inputs_of(self.model, histories)
        inputs = dropout(inputs, self.params.dropout, self.rng)
        articles, position = np.unique(inputs.indices, return_inverse=True)
        table = self.rows_in.borrow(self._on_device(articles.astype(np.int64)))
        bought = weighted_sums(table, SparseRows.of(inputs, position, device=self.device))
        return self.network.encode(bought, condition)

    def _reconstruction(
        self,
        hidden: Tensor,
        targets: sparse.csr_matrix,
        weight: Tensor,
        included: npt.NDArray[np.float64],
    ) -> Tensor:
        candidates = draw(included, self.rng)
        articles = np.union1d(candidates, targets.indices)
        table = self.rows_out.borrow(self._on_device(articles))
        bias = self.network.bias_out[self._on_device(articles)]
        position = np.searchsorted(articles, targets.indices)
        bought = SparseRows.of(targets, position, device=self.device)
        sampled = self._on_device(np.searchsorted(articles, candidates))
        log_included = self._on_device(np.log(included[candidates]).astype(np.float32))
        corrected = bias[sampled] - log_included
        logits = losses.products(hidden, table[sampled], corrected, self.params.precision)
        if self.params.loss == "cosine_recall":
            return losses.cosine_recall(logits, bought)
        return losses.multinomial(
            logits, losses.logits_of_targets(hidden, table, bias, bought), weight
        )

    def _on_device(self, values: npt.NDArray[np.generic]) -> Tensor:
        return torch.tensor(values, device=self.device)


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
        walk_half_life_days=params.walk.input_half_life_days,
        n_articles=everything.n_articles,
    )
    torch.manual_seed(params.seed)
    offered = on_sale(everything, params.on_sale_days)
    shift = log_shift_of(known, offered, params)
    articles = OfferedArticles(ever_bought(everything), offered, shift)
    device = torch_inference.chosen_device(params.device)
    return Cvae(shape, articles, torch_inference.build_network(shape, articles).to(device))


def _seeded(params: CvaeParams) -> list[CvaeParams]:
    """Return the parameters of each network."""
    seeds = range(params.seed, params.seed + params.networks)
    return [params.model_copy(update={"seed": seed}) for seed in seeds]


def _finished(
    trainers: list[Trainer], histories: Histories, n_epochs: int, walk_weight: float
) -> Cvae:
    model, params = averaged([trainer.snapshot for trainer in trainers]), trainers[0].params
    shift = log_shift_of(histories, model.articles.offered, params)
    walk = fit_walk(histories, params.walk, model.articles) if walk_weight else None
    return Cvae(
        replace(model.shape, n_epochs=n_epochs, walk_weight=walk_weight),
        replace(model.articles, log_shift=shift),
        model.network,
        walk,
    )


def _train_until_stale(
    trainer: Trainer,
    batches: TrainingBatches,
    validate: Callable[[Cvae], float],
    on_epoch: Callable[[Epoch], None],
) -> int:
    """Leave the network at its best epoch and return the number of that epoch."""
    params, network = trainer.params, trainer.network
    trainer.start_from(batches.shares)
    best_score, best_epoch, best_weights = -np.inf, 0, deepcopy(network.state_dict())
    for epoch in range(1, params.max_epochs + 1):
        kl_weight = _kl_weight(params, epoch)
        loss, kl = trainer.run_epoch(batches, kl_weight)
        score = validate(trainer.snapshot)
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
