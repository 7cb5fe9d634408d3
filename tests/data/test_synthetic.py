"""The generated shop: same bytes, known ranges, and events that change only what they should."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from hemline import tables
from hemline.data.synthetic.kaggle_export import write_kaggle_files
from hemline.data.synthetic.planted_events import COLUMNS, STRENGTHS, Event, Kind
from hemline.data.synthetic.shop import GeneratedShop, SyntheticParams, generate_shop
from hemline.data.synthetic.truth import write_truth
from hemline.data.synthetic.world import ShopSize

TWO_YEARS = ShopSize(
    n_customers=4_000, n_articles=3_000, first_day=date(2018, 9, 20), last_day=date(2020, 9, 22)
)
KINDS: tuple[Kind, ...] = tuple(STRENGTHS)
PLANTED_ON = date(2020, 3, 1)


def tiny(*events: Event, seed: int = 7) -> GeneratedShop:
    return generate_shop(SyntheticParams(size="tiny", seed=seed, events=events))


def planted(kind: Kind, until: date | None = None) -> Event:
    return Event(kind=kind, date=PLANTED_ON, until=until, size="large")


@pytest.fixture(scope="module")
def shop() -> GeneratedShop:
    return generate_shop(SyntheticParams(size=TWO_YEARS, seed=7, events=()))


@pytest.fixture(scope="module")
def sales(shop: GeneratedShop) -> pd.DataFrame:
    return shop.transactions.join(shop.articles, on="article").join(
        shop.truth.customers[["taste_group"]], on="customer"
    )


@pytest.fixture(scope="module")
def quiet() -> GeneratedShop:
    return tiny()


def since(shop: GeneratedShop) -> pd.DataFrame:
    return shop.transactions[shop.transactions["t_dat"] >= pd.Timestamp(PLANTED_ON)]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, quiet: GeneratedShop) -> None:
    for folder, one in (("a", quiet), ("b", tiny())):
        write_kaggle_files(one, tmp_path / folder)
        write_truth(one.truth, tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(names) == 6
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_another_seed_gives_another_shop(quiet: GeneratedShop) -> None:
    other = tiny(seed=8)
    assert not other.articles["article_id"].equals(quiet.articles["article_id"])
    assert not other.customers["customer_id"].equals(quiet.customers["customer_id"])
    assert len(other.transactions) != len(quiet.transactions)


def test_a_shop_has_the_requested_size(shop: GeneratedShop) -> None:
    assert (len(shop.customers), len(shop.articles)) == (4_000, 3_000)
    days = shop.transactions["t_dat"]
    assert (days.min().date(), days.max().date()) == (TWO_YEARS.first_day, TWO_YEARS.last_day)


def test_articles_have_kaggles_columns_in_kaggles_order(quiet: GeneratedShop) -> None:
    expected = (
        "article_id product_code prod_name product_type_no product_type_name product_group_name "
        "graphical_appearance_no graphical_appearance_name colour_group_code colour_group_name "
        "perceived_colour_value_id perceived_colour_value_name perceived_colour_master_id "
        "perceived_colour_master_name department_no department_name index_code index_name "
        "index_group_no index_group_name section_no section_name garment_group_no "
        "garment_group_name detail_desc"
    )
    assert list(quiet.articles.columns) == expected.split()


def test_an_article_id_is_ten_digits_that_begin_with_its_product_code(shop: GeneratedShop) -> None:
    ids = shop.articles["article_id"]
    assert ids.str.fullmatch(r"0\d{9}").all()
    assert ids.str[:7].equals(shop.articles["product_code"].rename("article_id"))
    assert ids.is_unique
    assert ids.is_monotonic_increasing


def test_names_and_numbers_of_a_category_determine_each_other(shop: GeneratedShop) -> None:
    for number, name in tables.NAME_BY_CODE.items():
        met = shop.articles[[number, name]].drop_duplicates()
        assert met[number].is_unique, number
        assert met[name].is_unique, name


def test_siblings_share_type_pattern_and_text_but_not_all_a_colour(shop: GeneratedShop) -> None:
    n_products = shop.articles["product_code"].nunique()
    assert 1.9 < len(shop.articles) / n_products < 2.6
    shared = ["product_code", "product_type_no", "detail_desc", "graphical_appearance_no"]
    assert len(shop.articles[shared].drop_duplicates()) == n_products
    coloured = shop.articles[["product_code", "colour_group_name"]].drop_duplicates()
    assert 1.6 < len(coloured) / n_products < 2.3


def test_a_description_names_the_type_it_describes(shop: GeneratedShop) -> None:
    dresses = shop.articles[shop.articles["product_type_name"] == "Dress"]["detail_desc"].dropna()
    assert len(dresses) > 50
    assert dresses.str.contains(" dress in ").all()
    striped = shop.articles[shop.articles["graphical_appearance_name"] == "Stripe"]["detail_desc"]
    assert striped.dropna().str.contains("stripes").all()
    assert 0 < shop.articles["detail_desc"].isna().mean() < 0.015


def test_customers_have_the_distributions_of_kaggles(shop: GeneratedShop) -> None:
    customers = shop.customers
    assert customers["customer_id"].str.fullmatch("[0-9a-f]{64}").all()
    assert customers["customer_id"].is_monotonic_increasing
    assert set(customers["FN"].dropna()) == {1.0}
    assert 0.6 < customers["Active"].isna().mean() < 0.72
    assert 0.88 < (customers["club_member_status"] == "ACTIVE").mean() < 0.95
    assert 0.57 < (customers["fashion_news_frequency"] == "NONE").mean() < 0.72
    assert customers["age"].between(16, 99).sum() + customers["age"].isna().sum() == 4_000
    twenties, late_thirties, fifties = (
        customers["age"].between(first, first + 5).sum() for first in (21, 35, 50)
    )
    assert twenties > late_thirties < fifties  # two peaks


def test_activity_has_the_long_tail_of_the_genuine_data(shop: GeneratedShop) -> None:
    distinct = shop.transactions.groupby("customer")["article"].nunique()
    assert 7 <= distinct.median() <= 10
    assert 17 < distinct.mean() < 24
    assert len(distinct) < 4_000  # some customers never visited


def test_about_four_percent_of_what_is_bought_is_bought_again(shop: GeneratedShop) -> None:
    pairs = shop.transactions.drop_duplicates(["customer", "article", "t_dat"])
    days = pairs.groupby(["customer", "article"]).size()
    assert 0.03 < (days > 1).mean() < 0.055


def test_popularity_has_a_long_tail(shop: GeneratedShop) -> None:
    sold = shop.transactions["article"].value_counts()
    assert sold.head(300).sum() > 0.4 * sold.sum()


def test_nothing_is_sold_before_its_launch_or_after_its_last_day(shop: GeneratedShop) -> None:
    joined = shop.transactions.join(shop.truth.articles.drop(columns="article"), on="article")
    assert (joined["t_dat"] >= joined["launch_day"]).all()
    assert (joined["t_dat"] <= joined["last_day"]).all()


def test_fashion_lives_for_weeks(shop: GeneratedShop) -> None:
    fashion = shop.truth.articles[~shop.truth.articles["is_staple"]]
    days = (fashion["last_day"] - fashion["launch_day"]).dt.days
    assert 70 < days.median() < 130


def test_every_weekday_has_its_share(shop: GeneratedShop) -> None:
    share = shop.transactions["t_dat"].dt.dayofweek.value_counts(normalize=True)
    assert len(share) == 7
    assert share[1] < share[2]  # Tuesdays are quiet, Wednesdays are not
    assert share.min() > 0.1


def test_knitwear_is_for_winter_and_swimwear_for_summer(sales: pd.DataFrame) -> None:
    month = sales["t_dat"].dt.month
    winter = sales["garment_group_name"][month.isin([11, 12, 1])]
    summer = sales["garment_group_name"][month.isin([5, 6, 7])]
    assert (winter == "Knitwear").mean() > 2 * (summer == "Knitwear").mean()
    assert (summer == "Swimwear").mean() > 3 * (winter == "Swimwear").mean()


def test_three_in_ten_are_bought_in_a_store_and_the_rest_online(shop: GeneratedShop) -> None:
    channel = shop.transactions["sales_channel_id"]
    assert set(channel) == {1, 2}
    assert 0.24 < (channel == 1).mean() < 0.34


def test_prices_are_kaggles_scaled_price_tags(shop: GeneratedShop) -> None:
    price = shop.transactions["price"]
    assert price.dtype == np.float32
    assert 0.02 < price.median() < 0.03
    assert price.max() < 0.6
    assert np.isclose(price, 19.99 / 590, atol=1e-7).mean() > 0.02


def test_taste_groups_differ_in_age_and_in_what_they_buy(
    shop: GeneratedShop, sales: pd.DataFrame
) -> None:
    age = shop.customers["age"].groupby(shop.truth.customers["taste_group"]).median()
    assert age["trend"] < age["smart"] < age["family"] < age["classic"]
    men = (sales["index_name"] == "Menswear").groupby(sales["taste_group"]).mean()
    assert men["menswear"] > 4 * men["classic"]


def test_some_buyers_of_the_last_week_are_new(shop: GeneratedShop) -> None:
    first = shop.transactions.groupby("customer")["t_dat"].min()
    last_week = pd.Timestamp(2020, 9, 16)
    buyers = shop.transactions[shop.transactions["t_dat"] >= last_week]["customer"].unique()
    assert 0.04 < (first[buyers] >= last_week).mean() < 0.2


def test_transactions_are_ordered_and_fit_the_schema(tmp_path: Path, quiet: GeneratedShop) -> None:
    keys = quiet.transactions[["t_dat", "customer", "article"]]
    assert keys.equals(keys.sort_values(list(keys), ignore_index=True))
    tables.write_table(quiet.transactions, tmp_path / "t.parquet", tables.TRANSACTIONS)
    stored = tables.read_table(tmp_path / "t.parquet", tables.TRANSACTIONS)
    assert len(stored) == len(quiet.transactions)
    assert quiet.transactions.duplicated().any()  # several units


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_changes_nothing_before_its_date(quiet: GeneratedShop, kind: Kind) -> None:
    changed = tiny(planted(kind))
    pd.testing.assert_frame_equal(changed.articles, quiet.articles)
    pd.testing.assert_frame_equal(changed.customers, quiet.customers)
    before = [
        one.transactions[one.transactions["t_dat"] < pd.Timestamp(PLANTED_ON)]
        for one in (changed, quiet)
    ]
    assert len(before[0]) > 1_000
    pd.testing.assert_frame_equal(*before)
    assert not since(changed).equals(since(quiet))


def test_a_price_change_raises_prices_by_its_strength(quiet: GeneratedShop) -> None:
    changed = since(tiny(planted("price_change")))["price"]
    assert changed.sum() == pytest.approx(1.3 * since(quiet)["price"].sum(), rel=1e-5)


def test_a_channel_shift_empties_stores_but_not_the_shop(quiet: GeneratedShop) -> None:
    changed, usual = since(tiny(planted("channel_shift"))), since(quiet)
    in_store = (changed["sales_channel_id"] == 1).mean()
    assert in_store < 0.6 * (usual["sales_channel_id"] == 1).mean()
    assert len(changed) == pytest.approx(len(usual), rel=0.1)


def test_closed_stores_sell_nothing_until_they_open_again(quiet: GeneratedShop) -> None:
    closed = since(tiny(planted("closed_stores", until=date(2020, 4, 30))))
    shut = closed["t_dat"] <= pd.Timestamp(2020, 4, 30)
    assert (closed[shut]["sales_channel_id"] == 2).all()
    assert (closed[~shut]["sales_channel_id"] == 1).any()
    assert shut.sum() < (since(quiet)["t_dat"] <= pd.Timestamp(2020, 4, 30)).sum()


def test_a_broken_column_leaves_the_range_of_prices(quiet: GeneratedShop) -> None:
    changed = since(tiny(planted("broken_column")))["price"]
    assert since(quiet)["price"].max() < 0.6
    assert changed.min() > 0.6


def two_years(event: Event) -> pd.DataFrame:
    changed = generate_shop(SyntheticParams(size=TWO_YEARS, seed=7, events=(event,)))
    return changed.transactions.join(changed.articles, on="article")


def test_a_taste_shift_moves_customers_to_homewear(sales: pd.DataFrame) -> None:
    shifted = two_years(planted("taste_shift"))
    # Before the summer, in which everybody buys swimwear, which is of the same index.
    spring = (pd.Timestamp(PLANTED_ON), pd.Timestamp(2020, 4, 30))
    usual, shifted = (
        (one[one["t_dat"].between(*spring)]["index_name"] == "Lingeries/Tights").mean()
        for one in (sales, shifted)
    )
    assert shifted > 1.4 * usual


def test_a_season_change_brings_autumn_early_in_every_year_from_its_date_on(
    sales: pd.DataFrame,
) -> None:
    event = Event(
        kind="season_change", date=date(2019, 8, 1), until=date(2019, 8, 31), size="large"
    )
    early = two_years(event)
    for year in (2019, 2020):
        august = (pd.Timestamp(year, 8, 1), pd.Timestamp(year, 8, 31))
        usual, ahead = (
            (one[one["t_dat"].between(*august)]["garment_group_name"] == "Knitwear").mean()
            for one in (sales, early)
        )
        assert ahead > 1.4 * usual
    assert not event.is_active_on(date(2020, 9, 1))


def test_a_season_change_begins_with_its_date_and_not_the_year_before() -> None:
    event = Event(kind="season_change", date=date(2020, 2, 29), until=None, size="small")
    assert not event.is_active_on(date(2019, 3, 5))
    assert event.is_active_on(date(2020, 2, 29))
    assert event.is_active_on(date(2021, 3, 5))


def test_an_event_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValidationError, match="lies before date"):
        planted("price_change", until=date(2020, 2, 1))


def test_the_truth_names_the_columns_an_event_shows_in(tmp_path: Path) -> None:
    write_truth(tiny(planted("price_change")).truth, tmp_path)
    events = json.loads((tmp_path / "events.json").read_text())
    assert events == [
        {
            "kind": "price_change",
            "date": "2020-03-01",
            "until": None,
            "size": "large",
            "strength": 0.3,
            "columns": ["price"],
            "verdict": "drift",
        }
    ]
    groups = pd.read_parquet(tmp_path / "customers.parquet")["taste_group"]
    assert set(groups) == {"trend", "basics", "classic", "smart", "family", "menswear"}


def test_every_event_names_columns_of_the_sales(sales: pd.DataFrame) -> None:
    assert {name for names in COLUMNS.values() for name in names} <= set(sales.columns)


def test_kaggle_files_are_spelled_as_kaggle_spells_them(
    tmp_path: Path, quiet: GeneratedShop
) -> None:
    write_kaggle_files(quiet, tmp_path)
    lines = (tmp_path / "transactions_train.csv").read_text().splitlines()
    assert lines[0] == "t_dat,customer_id,article_id,price,sales_channel_id"
    day, customer_id, article_id, price, channel = lines[1].split(",")
    first = quiet.transactions.iloc[0]
    assert day == "2019-09-23"
    assert customer_id == quiet.customers["customer_id"][first["customer"]]
    assert article_id == quiet.articles["article_id"][first["article"]]
    assert np.float32(price) == first["price"]
    assert channel in {"1", "2"}
    assert len(lines) == len(quiet.transactions) + 1


def test_kaggle_files_keep_leading_zeros_and_leave_nulls_empty(
    tmp_path: Path, quiet: GeneratedShop
) -> None:
    write_kaggle_files(quiet, tmp_path)
    articles = pd.read_csv(tmp_path / "articles.csv", dtype=str)
    assert articles["article_id"].equals(quiet.articles["article_id"])
    assert (articles["product_code"].str.len() == 6).all()
    rows = (tmp_path / "customers.csv").read_text().splitlines()
    assert rows[0].startswith("customer_id,FN,Active,club_member_status,fashion_news_frequency,age")
    customers = pd.read_csv(tmp_path / "customers.csv", keep_default_na=False, dtype=str)
    assert set(customers["FN"]) == {"", "1.0"}
    assert set(customers["fashion_news_frequency"]) >= {"NONE", "Regularly"}
