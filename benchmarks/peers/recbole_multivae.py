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

from benchmarks.peers.exchange import LIST_LENGTH, Output, Task, validation_ndcg
from benchmarks.ranking_measures import Lists, lists_from_scores


def main(folder: Path) -> None:
    """Fit on the task of the folder and write lists and timing below it."""
    task = Task.load(folder)
    config = _config(folder, task)
    dataset = create_dataset(config)
    train_data, _, _ = data_preparation(config, dataset)
    init_seed(config["seed"], reproducibility=True)
    model = get_model("MultiVAE")(config, train_data._dataset).to(config["device"])  # noqa: SLF001  (RecBole's own quick start does so)
    trainer = get_trainer(config["MODEL_TYPE"], "MultiVAE")(config, model)
    scores = _Scores(model, dataset, task)
    output = Output(recbole=str(recbole.__version__), torch=str(torch.__version__))

    def lists(rows: npt.NDArray[np.int64]) -> Lists:
        return lists_from_scores(lambda batch: scores(rows[batch]), task.train[rows], LIST_LENGTH)

    best, best_epoch, best_weights = -1.0, 0, copy.deepcopy(model.state_dict())
    for epoch in range(task.settings["max_epochs"]):
        output.restart()
        trainer._train_epoch(train_data, epoch)  # noqa: SLF001  (epochs are timed)
        output.spent_on_epoch()
        ndcg = validation_ndcg(task, lists)
        if ndcg > best:
            best, best_epoch, best_weights = ndcg, epoch, copy.deepcopy(model.state_dict())
        elif epoch - best_epoch >= task.settings["patience"]:
            break
    model.load_state_dict(best_weights)
    output.write(lambda: lists_from_scores(scores, task.train, LIST_LENGTH), folder / "recbole")


class _Scores:
    """RecBole's scores, with rows and columns in our order."""

    def __init__(self, model: Any, dataset: Any, task: Task) -> None:
        self.model = model
        n_customers, n_articles = task.train.shape
        self.customers = _ids(dataset, "user_id", n_customers)
        self.articles = _ids(dataset, "item_id", n_articles)

    def __call__(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        self.model.eval()
        with torch.inference_mode():
            history = self.model.get_rating_matrix(torch.from_numpy(self.customers[rows]))
            logits, _, _ = self.model.forward(history)
        return np.asarray(logits.numpy()[:, self.articles], np.float32)


def _ids(dataset: Any, field: str, n_keys: int) -> npt.NDArray[np.int64]:
    return np.asarray(dataset.token2id(field, [str(key) for key in range(n_keys)]), np.int64)


def _config(folder: Path, task: Task) -> Any:
    """Write the train matrix as RecBole's atomic file and return the settings to read it."""
    (folder / "atomic").mkdir(exist_ok=True)
    entries = task.train.tocoo()
    lines = [f"{row}\t{column}\n" for row, column in zip(entries.row, entries.col, strict=True)]
    text = "user_id:token\titem_id:token\n" + "".join(lines)
    (folder / "atomic" / "atomic.inter").write_text(text, encoding="utf-8")
    settings = task.settings
    overrides = {
        "data_path": str(folder),
        "checkpoint_dir": str(folder / "saved"),
        "load_col": {"inter": ["user_id", "item_id"]},
        "eval_args": {"split": {"RS": [1, 0, 0]}, "group_by": "user", "order": "RO"},
        "mlp_hidden_size": [settings["hidden"]],
        "latent_dimension": 2 * settings["latent"],
        "train_batch_size": settings["batch_size"],
        "train_neg_sample_args": None,
        "use_gpu": False,
        "seed": settings["seed"],
        "show_progress": False,
        "state": "WARNING",
    }
    sys.argv = sys.argv[:1]
    return Config(model="MultiVAE", dataset="atomic", config_dict=overrides)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
