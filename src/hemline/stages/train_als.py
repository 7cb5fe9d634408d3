"""Stage train_als: histories to one short vector per article."""

from hemline.data.histories import load_histories
from hemline.models.als import AlsParams, fit_als
from hemline.stages.command import InPath, OutPath, ParamsPath, run


def main(params: ParamsPath, histories: InPath, model: OutPath) -> None:
    """Factorise the histories."""
    factorised = fit_als(load_histories(histories), AlsParams.load(params))
    model.mkdir(parents=True, exist_ok=True)
    factorised.save(model)


if __name__ == "__main__":
    run(main)
