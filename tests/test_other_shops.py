"""A shop with other ids, prices and attributes, or none: what each part makes of it."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML
from scipy import sparse

from hemline import columns, tables
from hemline.data.article_attributes import as_categories, categories, own_texts, quartiles
from hemline.data.expectations.checkpoint import check_tables
from hemline.data.expectations.proposals import propose_thresholds, write_thresholds
from hemline.data.expectations.rules import list_rules
from hemline.data.expectations.thresholds import ValidateParams, has_kaggle_ids
from hemline.data.guest_sales import select_guests
from hemline.data.guests import guest_histories
from hemline.data.histories import Histories
from hemline.data.history_building import build_histories
from hemline.data.identifiers import find_customer
from hemline.data.split import DataParams, weeks_of
from hemline.engine.engine import Engine, EngineParams
from hemline.errors import BadInput
from hemline.evaluation.gate.gate_verdict import NO_CHAMPION, judge_unopposed
from hemline.evaluation.gate.guardrails import POPULARITY, Guardrail
from hemline.evaluation.gate.version_comparison import Comparison
from hemline.models.catalogue import TrainingData, entry_of
from hemline.models.ranker.article_features import compared_attributes, compute_article_features
from hemline.segments.behaviour import BEHAVIOURS, NONE_YET, PURCHASE_DAYS
from hemline.segments.kmodes import ClusterParams, Segmentation
from hemline.segments.segmenting import Past, collapsed, depends_on_purchases, segment_customers
from hemline.serving.article_table import ArticleTable, save_articles
from hemline.serving.support import common_buyers
from hemline.training.training_shop import Shop
from tests.gift_shop import sku, write_gift_tables
from tests.tiny_project import REPOSITORY, TINY, change_params

CLUSTERS = ClusterParams(n_clusters=4, elbow_max=4, n_init=3, seed=7)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gift shop's tables twice: bare, and with attributes under its own names."""
    folder = tmp_path_factory.mktemp("gifts")
    shutil.copy(REPOSITORY / "params.yaml", folder)
    change_params(folder, {**TINY, ("engine", "spill"): str(folder / "spill")})
    write_gift_tables(folder / "params.yaml", folder / "bare")
    write_gift_tables(folder / "params.yaml", folder / "named", has_attributes=True)
    return folder


def articles_of(root: Path, name: str) -> pd.DataFrame:
    return tables.read_described(root / name / "articles.parquet", tables.ARTICLES)


def customers_of(root: Path, name: str) -> pd.DataFrame:
    return tables.read_described(root / name / "customers.parquet", tables.CUSTOMERS)


@pytest.fixture(scope="module")
def shop(root: Path) -> Shop:
    """The bare shop, from which any cut can be fitted."""
    sales = tables.read_table(root / "bare/transactions.parquet", tables.TRANSACTIONS)
    key = [columns.DAY, columns.CUSTOMER, columns.ARTICLE]
    purchases = sales.groupby(key, as_index=False)[columns.PRICE].mean()
    purchases = purchases.assign(**{columns.UNITS: 1, columns.CHANNEL: np.nan})
    people = customers_of(root, "bare")
    unknown = np.zeros(len(people), np.int8)
    segments = pd.DataFrame({columns.CLUSTER: unknown, columns.AGE_BAND: unknown - 1})
    data = DataParams.load(root / "params.yaml")
    return Shop(
        purchases,
        articles_of(root, "bare"),
        segments,
        data,
        customers=people,
        clusters=CLUSTERS,
    )


def test_an_attribute_counts_where_it_exists_and_varies(root: Path) -> None:
    usual = ("product_group_name", "colour_group_name")
    assert categories(articles_of(root, "bare"), usual) == ()
    named = articles_of(root, "named")
    assert categories(named, usual) == ("Range (shop)", "weight_g")
    assert own_texts(named) == ("Range (shop)",)
    assert categories(pa.Table.from_pandas(named), usual) == ("Range (shop)", "weight_g")
    suppliers = named.assign(supplier=[f"S{row}" for row in range(len(named))])
    assert "supplier" not in categories(suppliers, usual), "it divides nothing"
    assert "supplier" in own_texts(suppliers), "but its words count"


def test_kaggles_own_order_is_left_alone() -> None:
    usual = ("index_name", "colour_group_name")
    frame = pd.DataFrame({name: ["a", "b"] for name in ("colour_group_name", "index_name")})
    assert categories(frame, usual) == usual


def test_numbers_are_divided_by_the_quartiles_they_were_given() -> None:
    edges = quartiles(pd.Series([1.0, 2.0, 3.0, 4.0]))
    assert as_categories(pd.Series([0.5, 9.0, np.nan]), edges).tolist() == [
        "below 1.75",
        "3.25 or more",
        "unknown",
    ]
    assert quartiles(pd.Series([5.0, 5.0])) == ()


def test_thresholds_are_proposed_that_the_tables_keep_and_written_beside_their_comments(
    root: Path, on_duckdb: Engine, tmp_path: Path
) -> None:
    params = tmp_path / "params.yaml"
    shutil.copy(root / "params.yaml", params)
    before = ValidateParams.load(params)
    proposed = propose_thresholds(on_duckdb, root / "bare", before)
    assert write_thresholds(params, proposed)
    assert not write_thresholds(params, proposed), "written once, nothing changes again"
    after = ValidateParams.load(params)
    assert after.max_price > 10 > after.min_price, "pounds"
    assert "product_type_name" not in after.max_null_share["articles"], "the shop has none"
    assert after.known_values == {}
    assert "# of one article, by one customer, on one day" in params.read_text()
    text = params.read_text().replace("source: synthetic", "source: mapped")
    params.write_text(text)
    assert not has_kaggle_ids(params)
    assert has_kaggle_ids(root / "params.yaml")


def test_a_shop_of_another_kind_passes_validation_and_kaggles_rules_refuse_its_ids(
    root: Path, on_duckdb: Engine
) -> None:
    current = ValidateParams.load(root / "params.yaml")
    params = YAML().load((root / "params.yaml").read_text())["validate"]
    params |= propose_thresholds(on_duckdb, root / "bare", current)
    thresholds = ValidateParams.model_validate(dict(params))
    weeks = weeks_of(DataParams.load(root / "params.yaml"))
    engine = EngineParams.load(root / "params.yaml")
    last = weeks.test_end - timedelta(days=1)

    def broken(*, is_kaggle: bool) -> set[str]:
        rules = list_rules(thresholds, needed_through=last, is_kaggle=is_kaggle)
        findings = check_tables(engine, root / "bare", rules, run_day=weeks.cut)
        return {finding.rule.rule for finding in findings if not finding.passed}

    assert broken(is_kaggle=False) == set()
    checked = check_tables(
        engine,
        root / "bare",
        list_rules(thresholds, needed_through=last, is_kaggle=False),
        run_day=weeks.cut,
    )
    unknown = {*tables.NAME_BY_CODE, columns.AGE}
    assert not unknown & {finding.rule.column for finding in checked}, "the shop has none of them"
    assert "a customer_id is 64 hexadecimal digits" in broken(is_kaggle=True)


def past_of(shop: Shop, cut: date) -> Past:
    return Past(
        lambda: build_histories(
            shop.purchases_before(cut),
            cut=cut,
            n_customers=len(shop.segments),
            n_articles=len(shop.articles),
        ),
        lambda: shop.purchases_before(cut),
        lambda: shop.articles,
    )


def test_customers_without_attributes_are_divided_by_what_they_do(
    shop: Shop, tmp_path: Path
) -> None:
    assert shop.customers is not None
    assert depends_on_purchases(shop.customers)
    past = past_of(shop, shop.data.cut)
    segmented = segment_customers(shop.customers, past, CLUSTERS)
    assert segmented.segmentation.attributes == BEHAVIOURS
    assert segmented.table[columns.CLUSTER].nunique() == 4
    is_cold = past.histories().is_cold()
    assert (segmented.attributes.loc[is_cold, PURCHASE_DAYS] == NONE_YET).all()
    assert (segmented.attributes.loc[~is_cold, PURCHASE_DAYS] != NONE_YET).all()
    segmented.segmentation.save(tmp_path)
    loaded = Segmentation.load(tmp_path)
    again = loaded.segment(shop.customers, past.histories())
    assert again.tolist() == segmented.table[columns.CLUSTER].tolist()
    cold = loaded.cluster_of({})
    assert cold == again[np.flatnonzero(is_cold)[0]], "a guest is divided as a cold customer"


def test_segments_at_a_cut_know_nothing_of_what_came_after_it(shop: Shop) -> None:
    cut = shop.data.cut - timedelta(days=21)
    days = shop.purchases[columns.DAY].to_numpy("datetime64[D]")
    cut_off = Shop(
        shop.purchases[days < np.datetime64(cut)],
        shop.articles,
        shop.segments,
        shop.data,
        customers=shop.customers,
        clusters=CLUSTERS,
    )
    pd.testing.assert_frame_equal(shop.segments_at(cut), cut_off.segments_at(cut))
    assert not shop.segments_at(cut).equals(shop.segments_at(shop.data.cut))


def test_an_attribute_of_ones_own_divides_customers(root: Path, shop: Shop) -> None:
    people = customers_of(root, "named")
    segmented = segment_customers(people, past_of(shop, shop.data.cut), CLUSTERS)
    assert "Country" in segmented.segmentation.attributes
    assert segmented.segmentation.edges == {"Country": ()}


def test_fewer_clusters_than_requested_are_warned_of() -> None:
    assert collapsed(5, 5) == ""
    assert "5 clusters were requested, 1 was found" in collapsed(5, 1)


def test_without_a_channel_the_ranker_knows_of_none(root: Path, shop: Shop) -> None:
    cut = shop.data.cut
    segments = shop.segments_at(cut)
    purchases = shop.purchases_before(cut)
    features = compute_article_features(
        purchases, cut, shop.articles, segments, recent_days=28, prior_buyers=20.0
    )
    assert np.isnan(features.column("online_share")).all()
    assert compared_attributes(shop.articles) == (columns.PRODUCT_CODE,)
    assert compared_attributes(articles_of(root, "named"))[1:] == ("Range (shop)", "weight_g")
    assert np.nanmax(features.column("log_price")) > 0


def test_guests_count_in_popularity_and_copurchase_and_are_nobody(
    root: Path, shop: Shop, on_duckdb: Engine
) -> None:
    cut = shop.data.cut
    start = weeks_of(shop.data).history_start
    guests = select_guests(on_duckdb, root / "bare/guest_sales.parquet", start=start, end=cut)
    assert guests is not None
    baskets = guest_histories(guests, cut=cut, n_articles=len(shop.articles))
    stored = pq.read_table(root / "bare/guest_sales.parquet").to_pandas()
    before = stored[pd.to_datetime(stored[columns.DAY]) < pd.Timestamp(cut)]
    assert baskets.n_customers == before[columns.BASKET].nunique()
    assert select_guests(on_duckdb, root / "none.parquet", start=start, end=cut).empty

    known = shop.known_at(cut)
    data = TrainingData(lambda: known, guests=lambda: baskets)
    assert data.buyers().n_customers == known.n_customers + baskets.n_customers
    popularity = entry_of("popularity")
    every = popularity.params(list_length=len(shop.articles))
    with_guests = popularity.fit(data, every)
    alone = popularity.fit(TrainingData(lambda: known), every)
    n_buyers = np.bincount(data.buyers().indices, minlength=len(shop.articles))
    assert not np.array_equal(with_guests.scores, alone.scores)
    best = with_guests.articles[0, 0]
    assert n_buyers[best] == n_buyers.max()
    assert with_guests.scores[0, 0] == pytest.approx(n_buyers.max() / n_buyers.sum())


@pytest.mark.parametrize("has_guests", [False, True])
def test_common_buyers_are_counted_whether_guests_were_among_them_or_not(
    tmp_path: Path, *, has_guests: bool
) -> None:
    known, baskets = _histories([[1, 1, 0], [1, 1, 0], [1, 0, 1]]), _histories([[1, 1, 1]])
    data = TrainingData(lambda: known, guests=lambda: baskets if has_guests else None)
    entry = entry_of("copurchase")
    entry.fit(data, entry.params(offered_days=28, neighbours=2)).save(tmp_path)
    assert (tmp_path / "buyers.npy").exists() == has_guests, "without guests, the same files"
    params = tmp_path / "params.yaml"
    params.write_text(
        "copurchase: {offered_days: 28, shrinkage: 30.0, neighbours: 2, latest_articles: 50}"
    )
    arrays = {"indices": known.indices, "days_ago": known.days, "shape": np.array([3, 3])}
    neighbours = entry.load(tmp_path)
    support = common_buyers(tmp_path, arrays, params)
    assert neighbours.articles[0].tolist() == [1, 2]
    assert support[0].tolist() == ([3, 2] if has_guests else [2, 1])


def _histories(bought: list[list[int]]) -> Histories:
    return Histories.from_interactions(sparse.csr_matrix(np.array(bought, np.float32)))


def test_a_line_without_a_basket_is_a_buyer_of_its_own(tmp_path: Path, on_duckdb: Engine) -> None:
    lines = pd.DataFrame(
        {
            columns.DAY: pd.Timestamp("2020-09-01"),
            columns.BASKET: pd.array([7, 7, None, None], "Int32"),
            columns.ARTICLE: [0, 1, 0, 0],
            columns.UNITS: [1, 80_995, 1, 1],
            columns.PRICE: 1.0,
            columns.CHANNEL: None,
        }
    )
    tables.write_table(lines, tmp_path / "guest_sales.parquet", tables.GUEST_SALES)
    span = {"start": date(2020, 8, 1), "end": date(2020, 9, 2)}
    guests = select_guests(on_duckdb, tmp_path / "guest_sales.parquet", **span)
    assert guests is not None
    baskets = guest_histories(guests, cut=span["end"], n_articles=2)
    assert np.diff(baskets.indptr).tolist() == [2, 1, 1]


@pytest.mark.parametrize(
    ("ids", "given", "key"),
    [
        (["12346", "123467"], "12346", 0),
        (["ab-CD", "ab-cd"], "ab-CD", 0),
        (["550e8400-e29b-41d4-a716-446655440000", "x"], "550e8400", 0),
        (["550e8400-e29b-41d4-a716-446655440000", "x"], "550E8400", 0),
    ],
)
def test_an_id_is_found_as_it_stands_in_the_data(ids: list[str], given: str, key: int) -> None:
    assert found(ids, given) == key


@pytest.mark.parametrize(
    ("ids", "given", "says"),
    [
        (["123456789012"], "12345678", "one customer has the id"),
        (["550e8400-e29b-41d4-a716-446655440000"], "550e", "4 characters"),
        (["550e8400-e29b-41d4-a716-0", "550e8400-e29b-41d4-a716-1"], "550e8400", "2 of them"),
    ],
)
def test_the_start_of_a_short_id_or_of_two_names_nobody(
    ids: list[str], given: str, says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        found(ids, given)


def found(ids: list[str], given: str) -> int:
    key_of = {name: key for key, name in enumerate(ids)}
    return find_customer(
        given,
        key_of.get,
        lambda start: [key for key, name in enumerate(ids) if name.startswith(start)],
        max(map(len, ids)),
    )


@pytest.mark.parametrize("name", ["bare", "named"])
def test_the_shop_shows_its_own_attributes_and_no_nulls(
    root: Path, name: str, tmp_path: Path
) -> None:
    n_articles = len(articles_of(root, name))
    prices = np.full(n_articles, 4.25, np.float32)
    currency = "GBP" if name == "named" else ""
    save_articles(root / name / "articles.parquet", prices, prices, tmp_path, currency=currency)
    table = ArticleTable.load(tmp_path)
    shown = table.describe(table.find(sku(3)))
    texts = (shown.product_type, shown.colour, shown.department, shown.description)
    assert texts == ("", "", "", "")
    assert "None" not in str(vars(shown).values()).replace("None)", "")
    assert shown.name.endswith("GIFT")
    assert shown.costs == ("4.25 GBP" if currency else "")
    own = {"Range (shop)", "weight_g"} if name == "named" else set()
    assert set(shown.more) == own
    assert (len(table.product_groups()) > 1) is (name == "named")
    with pytest.raises(BadInput, match="the id is spelled 22001B"):
        table.find(sku(3).lower())


def compared(low: float, high: float, n_customers: int = 400) -> tuple[Guardrail, ...]:
    comparison = Comparison(0.1, 0.1 + (low + high) / 2, low, high, n_customers, 50)
    return (Guardrail(POPULARITY, high, 0.0, passes=high >= 0, sentence="", comparison=comparison),)


@pytest.mark.parametrize(
    ("low", "high", "n_customers", "promotes"),
    [
        (0.01, 0.03, 400, True),  # better
        (-0.004, 0.03, 400, True),  # a loss of 5 % of 0.1 is ruled out
        (-0.006, 0.03, 400, False),  # it is not
        (-0.03, -0.01, 400, False),  # worse
        (-0.004, 0.03, 49, False),  # too few to tell
    ],
)
def test_a_first_version_serves_only_if_it_is_shown_to_be_about_as_good(
    *, low: float, high: float, n_customers: int, promotes: bool
) -> None:
    guardrails = compared(low, high, n_customers)
    verdict = judge_unopposed(NO_CHAMPION, guardrails, max_first_loss=0.05)
    assert verdict.promotes is promotes
    assert verdict.fallback is not promotes
    assert ("popularity alone serves" in verdict.reason) is not promotes
