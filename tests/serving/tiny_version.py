"""A version of twelve articles and forty customers whose answers can be worked out by hand.

Articles 2i and 2i + 1 are one product. Customer 0 bought article 0 two days before the cut and
article 2 five days before; customer 1 nothing. Customers 10 to 19 bought 0 and 4, of whom 10 to 12
bought 8 too; customers 20 to 23 bought 2 and 7; customer 30 bought 2 and 10; all of them ten days
before the cut. So 0 and 4 have ten common buyers, 0 and 8 three, 2 and 7 four, 2 and 10 one.
"""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import sparse

from hemline import columns, tables
from hemline.data.histories import Histories, save_histories
from hemline.integrity import FileHashes, file_md5
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.copurchase import CopurchaseParams, fit_copurchase
from hemline.models.neighbours import Neighbours
from hemline.models.popularity import PopularityParams, fit_popularity, fit_segment_popularity
from hemline.models.recommender import Model
from hemline.models.repurchase import Repurchase
from hemline.segments.attributes import ATTRIBUTES
from hemline.segments.kmodes import Segmentation
from hemline.serving.version_files import VersionFiles
from tests.tiny_project import REPOSITORY, change_params

N_CUSTOMERS, N_ARTICLES = 40, 12
CUT = date(2020, 9, 16)
DRESSES, UNDERWEAR, SWIMWEAR, BABY = range(4)
GROUPS = {
    DRESSES: ("Garment Full body", "Ladieswear"),
    UNDERWEAR: ("Underwear", "Lingeries/Tights"),
    SWIMWEAR: ("Swimwear", "Ladieswear"),
    BABY: ("Garment Upper body", "Baby Sizes 50-98"),
}
GROUP_OF = [*[DRESSES] * 6, *[UNDERWEAR] * 2, *[SWIMWEAR] * 2, *[BABY] * 2]
USUAL = ["25-29", "unknown", "unknown", "no", "no"]
COPURCHASE = {"offered_days": 28, "shrinkage": 2.0, "neighbours": 5, "latest_articles": 50}


def customer_id(customer: int) -> str:
    return f"{customer:02x}" * 32


def article_id(article: int) -> str:
    return f"0{article // 2:06d}{1 + article % 2:03d}"


def purchases() -> dict[tuple[int, int], int]:
    """Return days ago by customer and article."""
    bought = {(0, 0): 2, (0, 2): 5}
    bought |= {(customer, article): 10 for customer in range(10, 20) for article in (0, 4)}
    bought |= {(customer, 8): 10 for customer in range(10, 13)}
    bought |= {(customer, article): 10 for customer in range(20, 24) for article in (2, 7)}
    return bought | {(30, 2): 10, (30, 10): 10}


def histories() -> Histories:
    bought = purchases()
    places = np.array(list(bought)).T
    shape = (N_CUSTOMERS, N_ARTICLES)
    units = sparse.csr_matrix((np.ones(len(bought), np.float32), tuple(places)), shape=shape)
    days = np.array(list(bought.values()), np.float32)
    days_ago = sparse.csr_matrix((days, tuple(places)), shape=shape)
    clusters = np.zeros(N_CUSTOMERS, np.int8)
    return Histories.from_interactions(units, days_ago=days_ago, clusters=clusters)


def write_version(
    root: Path, *, warm: tuple[str, ...] = ("copurchase", "popularity")
) -> VersionFiles:
    """Write the files of the version into an empty folder."""
    known = histories()
    save_histories(known, root / "histories.npz")
    _write_tables(root)
    (root / "params.yaml").write_text((REPOSITORY / "params.yaml").read_text("utf-8"), "utf-8")
    change_params(
        root,
        {
            ("serve", "warm"): list(warm),
            ("serve", "cold"): ["popularity"],
            ("data", "cut"): CUT,
        }
        | {("copurchase", name): value for name, value in COPURCHASE.items()},
    )
    popular = PopularityParams(segment_prior_buyers=1, list_length=N_ARTICLES)
    models: dict[str, Model | Segmentation] = {
        "popularity": fit_popularity(known, popular),
        "segment_popularity": fit_segment_popularity(known, popular, n_bands=7),
        "copurchase": fit_copurchase(known, CopurchaseParams(**COPURCHASE)),
        "repurchase": Repurchase(max_days=100, units_weight=0.5),
        "tfidf": _alike(),
        "clusters": Segmentation(
            ATTRIBUTES, np.array([["25-29", *["unknown"] * 2, "no", "no"]]), 0
        ),
    }
    for name, model in models.items():
        (root / "models" / name).mkdir(parents=True)
        model.save(root / "models" / name)
    return version_in(root)


def version_in(root: Path) -> VersionFiles:
    return VersionFiles(
        models=root / "models",
        articles=root / "articles.parquet",
        customer_keys=root / "customer_keys.parquet",
        segments=root / "segments.parquet",
        histories=root / "histories.npz",
        params=root / "params.yaml",
    )


def registered(files: VersionFiles, number: int = 3) -> FileHashes:
    hashes = {place: file_md5(path) for place, path in files.by_place().items()}
    return FileHashes.from_tags({"stored_hashes": json.dumps(hashes)}, f"version {number}")


def _alike() -> Neighbours:
    """By text, an article is next to the other of its product, then to the next two products."""
    own = np.arange(N_ARTICLES)
    near = np.stack([own ^ 1, (own + 2) % N_ARTICLES, (own + 4) % N_ARTICLES], axis=1)
    scores = np.broadcast_to(np.array([0.9, 0.6, 0.5], np.float32), near.shape).copy()
    near[-1], scores[-1] = NO_ARTICLE, -np.inf
    return Neighbours("tfidf", near.astype(np.int32), scores, 5)


def _write_tables(root: Path) -> None:
    everyone, everything = range(N_CUSTOMERS), range(N_ARTICLES)
    columns_of: dict[str, list[object]] = {
        name: [f"{name} {key}" for key in everything] for name in tables.ARTICLES.names
    }
    columns_of |= {
        columns.ARTICLE: list(everything),
        columns.ARTICLE_ID: [article_id(key) for key in everything],
        columns.PRODUCT_CODE: [article_id(key)[:7] for key in everything],
        "prod_name": [f"Model {'ABCDEF'[key // 2]}" for key in everything],
        "product_group_name": [GROUPS[GROUP_OF[key]][0] for key in everything],
        "index_name": [GROUPS[GROUP_OF[key]][1] for key in everything],
        "colour_group_name": [("Black", "Blue")[key % 2] for key in everything],
        "detail_desc": [None, *[f"Text {key}" for key in everything][1:]],
    }
    numbers = [field.name for field in tables.ARTICLES if field.type == pa.int32()]
    columns_of |= dict.fromkeys(numbers[1:], [1] * N_ARTICLES)
    pq.write_table(pa.table(columns_of, tables.ARTICLES), root / "articles.parquet")
    ids = [customer_id(customer) for customer in everyone]
    pq.write_table(
        pa.table([list(everyone), ids], schema=tables.CUSTOMER_KEYS), root / "customer_keys.parquet"
    )
    segments = [list(everyone), [0] * N_CUSTOMERS, [2] * N_CUSTOMERS]
    pq.write_table(pa.table(segments, schema=tables.SEGMENTS), root / "segments.parquet")
