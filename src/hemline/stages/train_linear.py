"""Stage train_linear: histories to weights between articles, by cosine, random walk and ridge."""

import logging

from hemline.data.histories import load_histories
from hemline.models.ease import EaseParams, fit_ease
from hemline.models.item_knn import ItemKnnParams, Rp3betaParams, fit_item_knn, fit_rp3beta
from hemline.stages.command import InPath, OutPath, ParamsPath, run

log = logging.getLogger(__name__)


def main(
    params: ParamsPath, histories: InPath, item_knn: OutPath, rp3beta: OutPath, ease: OutPath
) -> None:
    """Fit three linear models; which form of EASE answers stands in the log and in its name."""
    known = load_histories(histories)
    for folder, model in (
        (item_knn, fit_item_knn(known, ItemKnnParams.load(params))),
        (rp3beta, fit_rp3beta(known, Rp3betaParams.load(params))),
        (ease, fit_ease(known, EaseParams.load(params))),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        model.save(folder)
        log.info("%s reads %d articles, offers %d", model.name, *model.weights.shape)


if __name__ == "__main__":
    run(main)
