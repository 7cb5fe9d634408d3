"""Stage train_cvae: histories and segments to the conditional VAE and its training curve."""

import csv

import pandas as pd
from tqdm import tqdm

from hemline import tables
from hemline.data.histories import load_histories
from hemline.evaluation.validation_week import ValidationWeek
from hemline.models.cvae.collapse import refuse_collapse
from hemline.models.cvae.cvae_params import CvaeParams
from hemline.models.cvae.cvae_training import Epoch, fit_cvae
from hemline.models.cvae.torch_inference import chosen_device
from hemline.plots import plot_curve
from hemline.segments.kmodes import ClusterParams
from hemline.stages.command import InPath, OutPath, ParamsPath, run


def main(
    params: ParamsPath,
    fit_histories: InPath,
    histories: InPath,
    validation: InPath,
    segments: InPath,
    fit_segments: InPath,
    model: OutPath,
    curve: OutPath,
    curve_picture: OutPath,
) -> None:
    """Train until the validation week stops improving; refuse a collapsed network."""
    cvae_params = CvaeParams.load(params)
    device = chosen_device(cvae_params.device)
    known = load_histories(fit_histories, tables.read_table(fit_segments, tables.SEGMENTS))
    everything = load_histories(histories, tables.read_table(segments, tables.SEGMENTS))
    curve.parent.mkdir(parents=True, exist_ok=True)
    with (
        curve.open("w", newline="", encoding="utf-8") as file,
        tqdm(desc=f"cvae on {device}") as progress,
    ):
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(Epoch._fields)

        def write_epoch(epoch: Epoch) -> None:
            lines.writerow([f"{value:.6g}" for value in epoch])
            file.flush()
            progress.set_postfix(map12=f"{epoch.validation_map_at_12:.4f}")
            progress.update()

        fitted = fit_cvae(
            known,
            everything,
            cvae_params,
            n_conditions=ClusterParams.load(params).most_clusters,
            validate=ValidationWeek(
                known, load_histories(validation), max_buyers=cvae_params.validation_customers
            ),
            on_epoch=write_epoch,
        )
    plot_curve(pd.read_csv(curve), curve_picture)
    refuse_collapse(fitted, everything)
    model.mkdir(parents=True, exist_ok=True)
    fitted.save(model)


if __name__ == "__main__":
    run(main)
