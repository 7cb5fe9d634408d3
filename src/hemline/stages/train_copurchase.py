"""Stage train_copurchase: histories to the articles others also bought."""

from hemline.data.histories import load_histories
from hemline.models.copurchase import CopurchaseParams, fit_copurchase
from hemline.stages.command import InPath, OutPath, ParamsPath, run


def main(params: ParamsPath, histories: InPath, model: OutPath) -> None:
    """Compare the buyers of every two articles."""
    also_bought = fit_copurchase(load_histories(histories), CopurchaseParams.load(params))
    model.mkdir(parents=True, exist_ok=True)
    also_bought.save(model)


if __name__ == "__main__":
    run(main)
