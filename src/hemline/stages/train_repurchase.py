"""Stage train_repurchase: two numbers to keep; the histories come with the question."""

from hemline.models.repurchase import Repurchase, RepurchaseParams
from hemline.stages.command import OutPath, ParamsPath, run


def main(params: ParamsPath, model: OutPath) -> None:
    """Write the model that params.yaml describes."""
    wanted = RepurchaseParams.load(params)
    model.mkdir(parents=True, exist_ok=True)
    Repurchase(wanted.max_days, wanted.units_weight).save(model)


if __name__ == "__main__":
    run(main)
