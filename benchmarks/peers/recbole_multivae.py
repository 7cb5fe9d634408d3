"""RecBole's MultiVAE on the task, in RecBole's environment: its dataset, model and trainer.

Only the loop over the epochs is ours, so that epochs are timed like those of the other peers and
early stopping uses the same customers. Apart from width, batch and the number of epochs all
settings are RecBole's defaults. Its latent_dimension counts means and log-variances, so it is twice
ours.
"""

import copy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import recbole  # type: ignore[import-not-found]
import torch
from recbole.config import Config  # type: ignore[import-not-found]
from recbole.data import create_dataset, data_preparation  # type: ignore[import-not-found]
from recbole.utils import get_model, get_trainer, init_seed  # type: ignore[import-not-found]
from scipy import sparse

from benchmarks.peers.exchange import Output, Task, validation_ndcg
from benchmarks.ranking_measures import Lists, lists_from_scores


def main(folder: Path, name: str) -> None:
    """Fit on the task of the folder and write lists and timing below it."""
    task = Task.load(folder)
    numbers = {**task.settings, **task.numbers_of(name)}
    output = Output(recbole=str(recbole.__version__), torch=str(torch.__version__))
    if task.before_validation is None:
        network, _ = _trained_until_stale(_Network(task.train, numbers, folder), task, output)
    else:
        first = _Network(task.before_validation, numbers, folder)
        _, n_epochs = _trained_until_stale(first, task, output)
        network = _Network(task.train, numbers, folder)
        output.restart()
        for epoch in range(n_epochs):
            network.train(epoch)
            output.spent_on_epoch()
    output.write(lambda: network.lists(task.listed_for(), task.list_length), folder / name)


def _trained_until_stale(network: "_Network", task: Task, output: Output) -> tuple["_Network", int]:
    """Return the network as it was after its best epoch, and how many epochs that were."""
    numbers = network.numbers
    best, best_epoch, best_weights = -1.0, 0, copy.deepcopy(network.model.state_dict())
    for epoch in range(numbers["max_epochs"]):
        output.restart()
        network.train(epoch)
        output.spent_on_epoch()
        ndcg = validation_ndcg(task, lambda known: network.lists(known, task.chosen_at))
        output.spent_validating()
        if ndcg > best:
            best, best_epoch = ndcg, epoch
            best_weights = copy.deepcopy(network.model.state_dict())
        elif epoch - best_epoch >= numbers["patience"]:
            break
    network.model.load_state_dict(best_weights)
    return network, best_epoch + 1


class _Network:
    """RecBole's model and trainer on a matrix, with the articles in our order.

    RecBole knows the articles that somebody bought, and no others.
    """

    def __init__(self, train: sparse.csr_matrix, numbers: dict[str, Any], folder: Path) -> None:
        self.numbers = numbers
        config = _config(train, numbers, folder)
        dataset = create_dataset(config)
        self.train_data, _, _ = data_preparation(config, dataset)
        init_seed(config["seed"], reproducibility=True)
        self.model = get_model("MultiVAE")(config, self.train_data._dataset).to(config["device"])  # noqa: SLF001  (RecBole's own quick start does so)
        self.trainer = get_trainer(config["MODEL_TYPE"], "MultiVAE")(config, self.model)
        bought = np.flatnonzero(np.bincount(train.indices, minlength=train.shape[1]))
        self.place = np.full(train.shape[1], -1, np.int64)
        self.place[bought] = dataset.token2id("item_id", [str(key) for key in bought])

    def train(self, epoch: int) -> None:
        """Train on every customer once."""
        self.trainer._train_epoch(self.train_data, epoch)  # noqa: SLF001  (epochs are timed)

    def lists(self, known: sparse.csr_matrix, k: int) -> Lists:
        """Return the k best articles of customers that are not among their `known` ones."""
        return lists_from_scores(lambda rows: self._scores(known[rows]), known, k)

    def _scores(self, known: sparse.csr_matrix) -> npt.NDArray[np.float32]:
        place = self.place[known.indices]
        row = np.repeat(np.arange(known.shape[0]), np.diff(known.indptr))
        history = torch.zeros(known.shape[0], self.model.n_items)
        history[row[place >= 0], place[place >= 0]] = 1.0
        self.model.eval()
        with torch.inference_mode():
            logits, _, _ = self.model.forward(history)
        scores = np.asarray(logits.numpy()[:, np.maximum(self.place, 0)], np.float32)
        scores[:, self.place < 0] = -np.inf
        return scores


def _config(train: sparse.csr_matrix, numbers: dict[str, Any], folder: Path) -> Any:
    """Write the train matrix as RecBole's atomic file and return the settings to read it."""
    (folder / "atomic").mkdir(exist_ok=True)
    entries = train.tocoo()
    lines = [f"{row}\t{column}\n" for row, column in zip(entries.row, entries.col, strict=True)]
    text = "user_id:token\titem_id:token\n" + "".join(lines)
    (folder / "atomic" / "atomic.inter").write_text(text, encoding="utf-8")
    overrides = {
        "data_path": str(folder),
        "checkpoint_dir": str(folder / "saved"),
        "load_col": {"inter": ["user_id", "item_id"]},
        "eval_args": {"split": {"RS": [1, 0, 0]}, "group_by": "user", "order": "RO"},
        "mlp_hidden_size": [numbers["hidden"]],
        "latent_dimension": 2 * numbers["latent"],
        "train_batch_size": numbers["batch_size"],
        "train_neg_sample_args": None,
        "use_gpu": False,
        "seed": numbers["seed"],
        "show_progress": False,
        "state": "WARNING",
    }
    sys.argv = sys.argv[:1]
    return Config(model="MultiVAE", dataset="atomic", config_dict=overrides)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
