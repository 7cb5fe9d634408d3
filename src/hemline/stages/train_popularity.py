"""Stage train_popularity: histories and segments to recent favourites, overall and per segment."""

from hemline import tables
from hemline.data.histories import load_histories
from hemline.models.popularity import PopularityParams, fit_popularity, fit_segment_popularity
from hemline.segments.attributes import AGE_BANDS
from hemline.stages.command import InPath, OutPath, ParamsPath, run


def main(
    params: ParamsPath, histories: InPath, segments: InPath, overall: OutPath, by_segment: OutPath
) -> None:
    """Count the recent buyers and rank the articles."""
    wanted = PopularityParams.load(params)
    known = load_histories(histories, tables.read_table(segments, tables.SEGMENTS))
    overall.mkdir(parents=True, exist_ok=True)
    by_segment.mkdir(parents=True, exist_ok=True)
    fit_popularity(known, wanted).save(overall)
    fit_segment_popularity(known, wanted, n_bands=len(AGE_BANDS)).save(by_segment)


if __name__ == "__main__":
    run(main)
