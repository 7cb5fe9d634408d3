"""Answers of a version of twelve articles: who gets which, why, and what a session changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline import columns
from hemline.data.histories import save_histories
from hemline.data.unlikes import Unlikes
from hemline.errors import BadInput
from hemline.evaluation.protocol import SERVED
from hemline.export import ExportSpec, export_lists
from hemline.integrity import FileHashes
from hemline.models.neighbours import Neighbours
from hemline.segments.cold_customers import ColdCustomer
from hemline.serving.answers import Answers
from hemline.serving.answers_params import AnswersParams
from hemline.serving.layout import laid_out
from hemline.serving.list_rules import ListRules
from hemline.serving.listed import Answer
from hemline.serving.reasons import Reason
from hemline.serving.version_files import VersionFiles
from hemline.serving.visitor_history import SessionState
from hemline.storefront import Storefront
from tests.serving.tiny_version import (
    BABY,
    CUT,
    GROUP_OF,
    N_ARTICLES,
    N_CUSTOMERS,
    UNDERWEAR,
    article_id,
    customer_id,
    histories,
    registered,
    version_in,
    write_version,
)

NOTHING = SessionState()
ANY = ListRules(per_product=0)
WARM, COLD = 0, 1


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("version")
    files = write_version(root)
    return laid_out(files, registered(files), root / "serving")


@pytest.fixture(scope="module")
def answers(layout: Path) -> Answers:
    return Answers.open(layout)


def keys(answer: Answer) -> list[int]:
    return [one.article for one in answer.listed]


def test_a_version_says_which_it_is(answers: Answers) -> None:
    assert (answers.version, answers.cut, len(answers.articles)) == (3, CUT, N_ARTICLES)


def test_a_customer_is_found_by_the_id_or_its_start_and_the_id_by_the_key(answers: Answers) -> None:
    for customer in range(N_CUSTOMERS):
        assert answers.find_customer(customer_id(customer)) == customer
        assert answers.find_customer(customer_id(customer).upper()[:8]) == customer
        assert answers.customer_with(customer_id(customer)) == customer
        assert answers.customer_id(customer) == customer_id(customer)
    assert answers.customer_with(customer_id(3)[:8]) is None
    with pytest.raises(BadInput, match="none"):
        answers.find_customer("f" * 64)
    with pytest.raises(BadInput, match="7 characters"):
        answers.find_customer("0" * 7)


def test_an_article_is_found_and_described(answers: Answers) -> None:
    assert [answers.find_article(article_id(key)) for key in range(N_ARTICLES)] == [*range(12)]
    shown = answers.articles.describe(9)
    assert (shown.name, shown.colour, shown.product_group) == ("Model E", "Blue", "Swimwear")
    assert shown.price is None  # without a ranker no price is known
    assert answers.articles.describe(0).description == ""
    with pytest.raises(BadInput, match=f"keep the leading zero: {article_id(4)}"):
        answers.find_article(article_id(4).lstrip("0"))
    with pytest.raises(BadInput, match=f"these begin alike: {article_id(4)}, {article_id(5)}"):
        answers.find_article(article_id(4)[:7] + "999")


def test_search_finds_all_words_and_lists_what_sells_first(answers: Answers) -> None:
    assert answers.articles.search("model c", 5) == [4, 5]
    assert answers.articles.search("BLUE c", 5) == [5]
    assert answers.articles.search("model", 3) == [0, 4, 2]
    assert answers.articles.search("  ", 3) == answers.articles.search("model g", 3) == []


def test_a_list_follows_the_model_and_says_why(answers: Answers) -> None:
    # Of 0 ten buyers bought 4 and three 8; of 2 four bought 7 and one 10: cosines with shrinkage 2
    # are 10 / (110 ** .5 + 2), 4 / (24 ** .5 + 2), 3 / (33 ** .5 + 2) and 1 / (6 ** .5 + 2).
    answer = answers.for_customer(WARM, NOTHING, ListRules(k=4))
    assert keys(answer) == [4, 7, 8, 10]
    assert answer.model == "copurchase"
    assert [one.reason for one in answer.listed] == [
        Reason("bought_together", 0, 10),
        Reason("bought_together", 2, 4),
        Reason("bought_together", 0, 3),
        Reason("like_yours"),  # one common buyer is no reason
    ]


def test_recent_purchases_come_latest_first(answers: Answers) -> None:
    assert answers.recent_purchases(WARM, 5) == [(0, 2), (2, 5)]
    assert answers.recent_purchases(WARM, 1) == [(0, 2)]
    assert answers.recent_purchases(COLD, 5) == []


def test_others_also_bought_needs_three_of_them(answers: Answers) -> None:
    assert keys(answers.also_bought(0, ANY)) == [4, 8]
    assert keys(answers.also_bought(2, ANY)) == [7]
    assert answers.also_bought(10, ANY) == Answer((), "none")
    assert [one.reason for one in answers.also_bought(0, ANY).listed] == [
        Reason("bought_together", 0, 10),
        Reason("bought_together", 0, 3),
    ]


def test_a_shop_may_ask_for_less_evidence(layout: Path) -> None:
    trusting = Answers.open(layout, AnswersParams(min_support=1))
    assert keys(trusting.also_bought(2, ANY)) == [10, 7, 0]  # 7 is underwear
    assert keys(trusting.also_bought(10, ANY)) == [2]


def test_similar_articles_are_one_of_a_product_and_go_on_with_their_neighbours(
    answers: Answers,
) -> None:
    # Nearest to 0 are 1 (the same product), 2 and 4; the neighbours of these are 3, 4 and 6, 5, 8.
    assert keys(answers.similar(0, ListRules(k=3))) == [2, 4, 6]
    assert keys(answers.similar(0, ListRules(k=4, per_product=2))) == [1, 2, 4, 3]
    assert {one.reason for one in answers.similar(0, ANY).listed} == {Reason("similar_text", 0)}
    assert answers.similar(11, ANY).listed == ()


def test_an_article_of_many_colours_has_similar_articles_of_other_products(
    tmp_path: Path,
) -> None:
    files = write_version(tmp_path)
    near = np.arange(N_ARTICLES)[:, None] ^ 1  # the only neighbour is the other colour
    others = ((np.arange(N_ARTICLES)[:, None] + [4, 6]) % N_ARTICLES).astype(np.int32)
    scores = np.full(others.shape, 0.5, np.float32)
    alike = Neighbours(
        "tfidf", near.astype(np.int32), np.full(near.shape, 0.9, np.float32), 5,
        other_products=(others, scores),
    )  # fmt: skip
    alike.save(files.models / "tfidf")
    opened = Answers.open(laid_out(files, registered(files), tmp_path / "serving"))
    assert keys(opened.similar(0, ListRules(k=2))) == [4, 6]
    assert keys(opened.similar(0, ListRules(k=3, per_product=0))) == [1, 4, 6]
    # 4 and 6 look like 0, which is not wanted: they stand where articles follow that do not.
    before = keys(opened.for_customer(WARM, NOTHING, ANY))
    after = keys(opened.for_customer(WARM, SessionState(unliked=(0,)), ANY))
    assert before[0] == 4
    assert after[-1] == 4


def test_the_other_colours_of_an_article_are_its_product_best_selling_first(
    answers: Answers,
) -> None:
    assert keys(answers.other_colours(1, ListRules())) == [0]
    assert answers.other_colours(1, ListRules()).listed[0].reason == Reason("same_product", 1)
    assert keys(answers.other_colours(1, ListRules(exclude=frozenset({0})))) == []


def test_a_search_may_list_one_colour_of_each_product(answers: Answers) -> None:
    assert answers.articles.search("model", 12, per_product=1) == [0, 4, 2, 7, 8, 10]
    assert len(answers.articles.search("model", 12)) == N_ARTICLES


def test_a_purchase_and_the_basket_change_the_list_and_are_not_offered(answers: Answers) -> None:
    guest, k = ColdCustomer(), ListRules(k=2)
    assert answers.for_guest(guest, NOTHING, k).model == "popularity"
    for session in (SessionState(bought=(0,)), SessionState(basket=(0,))):
        answer = answers.for_guest(guest, session, k)
        assert keys(answer) == [4, 8]
        assert answer.listed[0].reason == Reason("bought_together", 0, 10)
    assert answers.for_guest(guest, SessionState(viewed=(0,)), k).model == "popularity"


def test_what_is_not_wanted_never_comes_back_and_its_look_alikes_move_down(
    answers: Answers,
) -> None:
    before = keys(answers.for_customer(WARM, NOTHING, ANY))
    after = keys(answers.for_customer(WARM, SessionState(unliked=(6,)), ANY))
    assert before.index(7) == 1
    # 7 is 6 in another colour; by text, 8 and 10 are next to it.
    assert after == [4, 0, 2, 7, 8, 10]
    assert 4 not in keys(answers.for_customer(WARM, SessionState(unliked=(4,)), ANY))
    assert keys(answers.for_customer(WARM, NOTHING, ANY)) == before  # undone


def test_a_discreet_group_is_neither_first_nor_named(answers: Answers) -> None:
    assert GROUP_OF[7] == UNDERWEAR
    without = ListRules(exclude=frozenset({4}), per_product=0)
    assert keys(answers.for_customer(WARM, NOTHING, without)) == [8, 7, 10, 0, 2]
    bought = SessionState(bought=(7,))
    named = {one.reason.article for one in answers.for_customer(COLD, bought, ANY).listed}
    assert named == {None}


def test_a_list_of_nothing_but_a_discreet_group_begins_with_it(answers: Answers) -> None:
    rules = ListRules(product_groups=("Underwear",))
    assert keys(answers.for_customer(WARM, NOTHING, rules)) == [7]


def test_baby_clothes_stand_last_until_a_visitor_looks_at_some(answers: Answers) -> None:
    guest, sold = ColdCustomer(), [0, 4, 2, 7, 8, 10]
    assert GROUP_OF[10] == GROUP_OF[11] == BABY
    assert keys(answers.for_guest(guest, NOTHING, ANY)) == sold
    asked = AnswersParams(on_request=("Ladieswear",))
    opened = Answers.open(answers.layout, asked)
    assert keys(opened.for_guest(guest, NOTHING, ANY)) == [10, 7, 0, 4, 2, 8]
    assert keys(opened.for_guest(guest, SessionState(viewed=(0,)), ANY)) == sold
    assert keys(opened.for_customer(WARM, NOTHING, ANY))[:2] == [4, 7]


def test_a_guest_with_an_age_no_table_may_hold_is_refused(answers: Answers) -> None:
    with pytest.raises(BadInput, match="203"):
        answers.for_guest(ColdCustomer(age=203), NOTHING, ANY)


def test_what_a_filter_leaves_short_is_filled_with_bestsellers(answers: Answers) -> None:
    rules = ListRules(product_groups=("Swimwear",))
    assert keys(answers.under_model("repurchase", WARM, NOTHING, rules)) == [8]
    assert answers.under_model("repurchase", WARM, NOTHING, rules).model == "bestsellers"
    assert keys(answers.under_model("repurchase", WARM, NOTHING, ANY)) == [0, 2]


def test_another_model_of_the_version_answers_under_its_name(answers: Answers) -> None:
    assert answers.under_model("repurchase", WARM, NOTHING, ANY).model == "repurchase"
    assert set(answers.model_names()) == {
        *("popularity", "segment_popularity", "repurchase", "tfidf", "copurchase"),
    }
    with pytest.raises(BadInput, match="cvae"):
        answers.under_model("cvae", WARM, NOTHING, ANY)


def test_staff_see_which_models_proposed_each_article(answers: Answers) -> None:
    explained = answers.explain(WARM, NOTHING, ListRules(k=1))
    assert explained.history == ((0, 1.0, 2), (2, 1.0, 5))
    (article,) = explained.articles
    assert article.article == 4
    assert [(one.model, one.rank) for one in article.proposals] == [
        ("copurchase", 1),
        ("popularity", 2),
    ]
    assert article.proposals[0].score == pytest.approx(10 / ((11 * 10) ** 0.5 + 2))


@pytest.mark.parametrize(
    "rules",
    [
        ListRules(k=0),
        ListRules(k=501),
        ListRules(per_product=-1),
        ListRules(min_price=2.0, max_price=1.0),
        ListRules(max_price=float("nan")),
        ListRules(product_groups=("Trousers", "Swimwear")),
    ],
)
def test_rules_that_no_list_can_follow_are_refused(answers: Answers, rules: ListRules) -> None:
    with pytest.raises(BadInput):
        answers.for_customer(WARM, NOTHING, rules)
    with pytest.raises(BadInput):
        answers.similar(0, rules)


ARTICLES = st.integers(0, N_ARTICLES - 1)
PRICES = np.array([*np.linspace(0.01, 0.1, N_ARTICLES - 1), np.nan], np.float32)
STOCK = np.arange(N_ARTICLES) % 3 > 0


@st.composite
def list_rules(draw: st.DrawFn) -> ListRules:
    low, high = sorted(draw(st.tuples(*[st.floats(0, 0.12)] * 2)))
    return ListRules(
        k=draw(st.integers(1, 15)),
        exclude=draw(st.frozensets(ARTICLES, max_size=5)),
        product_groups=draw(
            st.sampled_from([(), ("Underwear",), ("Garment Full body", "Swimwear")])
        ),
        min_price=draw(st.sampled_from([None, low])),
        max_price=draw(st.sampled_from([None, high])),
        in_stock=draw(st.booleans()),
        per_product=draw(st.integers(0, 2)),
    )


SESSIONS = st.builds(SessionState, *[st.lists(ARTICLES, max_size=3).map(tuple)] * 4)


@given(list_rules(), SESSIONS, st.sampled_from([WARM, COLD, ColdCustomer()]))
def test_every_list_follows_any_rules(
    layout: Path, rules: ListRules, session: SessionState, visitor: int | ColdCustomer
) -> None:
    priced = Answers.open(layout, in_stock=STOCK)
    priced.articles.prices[:] = PRICES
    ask = priced.for_guest if isinstance(visitor, ColdCustomer) else priced.for_customer
    for answer, asked in (
        (ask(visitor, session, rules), True),  # type: ignore[arg-type]
        (priced.similar(3, rules), False),
        (priced.also_bought(0, rules), False),
    ):
        listed = keys(answer)
        assert len(listed) <= rules.k
        assert len(set(listed)) == len(listed)
        assert not rules.exclude & set(listed)
        assert not asked or not {*session.unliked, *session.bought, *session.basket} & set(listed)
        groups = {priced.articles.describe(key).product_group for key in listed}
        assert not rules.product_groups or groups <= set(rules.product_groups)
        if rules.min_price is not None:
            assert all(PRICES[key] >= rules.min_price for key in listed)
        if rules.max_price is not None:
            assert all(PRICES[key] <= rules.max_price for key in listed)
        assert not rules.in_stock or STOCK[listed].all()
        if rules.per_product:
            products = [key // 2 for key in listed]
            assert max(map(products.count, products), default=0) <= rules.per_product


def test_what_was_unliked_before_the_cut_is_listed_neither_by_the_shop_nor_in_an_export(
    tmp_path: Path,
) -> None:
    files = write_version(tmp_path)
    plain = keys(Answers.open(laid_out(files, FileHashes(), tmp_path / "one")).for_customer(
        WARM, NOTHING, ListRules(k=4)
    ))  # fmt: skip
    gone = np.array([plain[0], plain[2]], np.int32)
    known = histories()
    unlikes = Unlikes(np.full(2, WARM, np.int32), np.sort(gone))
    save_histories(replace(known, unlikes=unlikes), files.histories)
    opened = Answers.open(laid_out(files, FileHashes(), tmp_path / "two"))
    listed = keys(opened.for_customer(WARM, NOTHING, ListRules(k=4)))
    assert not set(listed) & set(gone.tolist())
    assert listed == exported(files, tmp_path / "lists", k=4)[WARM]
    as_in_a_session = SessionState(unliked=tuple(gone.tolist()))
    assert listed == keys(opened.for_customer(WARM, as_in_a_session, ListRules(k=4)))
    undone = SessionState(undone=tuple(gone.tolist()))
    assert keys(opened.for_customer(WARM, undone, ListRules(k=4))) == plain
    shown = Storefront(files).for_key(WARM, 4)[columns.ARTICLE_ID].tolist()
    assert shown == [opened.articles.id_of(key) for key in listed]


def exported(files: VersionFiles, folder: Path, k: int) -> list[list[int]]:
    rules = AnswersParams().model_dump_json()
    spec = ExportSpec(
        *("3", "models", "data", SERVED, k), without_bought=False, customers_per_part=7,
        shop_rules=rules,
    )  # fmt: skip
    table = pq.read_table(export_lists(Storefront(files), spec, folder).table)
    key_of = {article_id(key): key for key in range(N_ARTICLES)}
    return [[key_of[one] for one in row] for row in table["article_id"].to_pylist()]


def test_every_list_is_the_one_that_is_exported(layout: Path, tmp_path: Path) -> None:
    for rules in (AnswersParams(), AnswersParams(on_request=("Ladieswear",), places_down=2)):
        opened = Answers.open(layout, rules)
        spec = ExportSpec(
            *("3", "models", "data", SERVED, 4),
            without_bought=False,
            customers_per_part=7,
            shop_rules=rules.model_dump_json(),
        )
        files = version_in(layout.parents[1])
        table = pq.read_table(export_lists(Storefront(files), spec, tmp_path / "lists").table)
        for row in table.to_pylist():
            customer = opened.find_customer(row["customer_id"])
            answer = opened.for_customer(customer, NOTHING, ListRules(k=4))
            assert [opened.articles.id_of(key) for key in keys(answer)] == row["article_id"]
            assert [one.source for one in answer.listed] == row["source"]


def test_an_export_of_a_single_model_lists_one_colour_of_each_product_too(
    layout: Path, tmp_path: Path
) -> None:
    # By text: 1 and 3 are next to what the customer bought, 4 to both, 2 and 6 to one of them.
    spec = ExportSpec(
        *("3", "models", "data", "tfidf", 6), without_bought=False, customers_per_part=50
    )
    storefront = Storefront(version_in(layout.parents[1]))
    key_of = {article_id(key): key for key in range(N_ARTICLES)}
    for all_colours, expected in ((False, [4, 1, 3, 6]), (True, [4, 1, 3, 2, 6])):
        asked = replace(spec, all_colours=all_colours)
        table = pq.read_table(export_lists(storefront, asked, tmp_path / "lists").table)
        listed = table["article_id"].to_pylist()[WARM]
        assert [key_of[one] for one in listed] == expected
