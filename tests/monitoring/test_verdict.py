"""Verdicts are one vocabulary: stored as strings, ordered by urgency."""

import pandas as pd

from monitoring.verdict import Verdict, confirming, most_urgent_first, places


def rows(*keys: tuple[str, str, str], verdicts: tuple[str, ...] = ()) -> pd.DataFrame:
    frame = pd.DataFrame(keys, columns=["about", "column", "segment"])
    return frame.assign(verdict=verdicts, q_value=0.01) if verdicts else frame


def test_records_of_before_hold_the_same_words() -> None:
    stored = ["drift", "new", "level change", "seasonal", "none"]
    assert list(Verdict) == stored
    assert [str(verdict) for verdict in Verdict] == stored


def test_each_verdict_has_a_symbol_and_a_sentence_of_its_own() -> None:
    assert len({verdict.symbol for verdict in Verdict}) == len(Verdict)
    assert all(verdict.meaning.endswith(".") for verdict in Verdict)


def test_only_purchases_and_habits_confirm_but_not_the_mix_within_a_segment() -> None:
    signals = rows(
        ("transactions", "product_group_name", "all"),
        ("transactions", "product_group_name", "Menswear"),
        ("transactions", "price", "Menswear"),
        ("habits", "taste", "all"),
        ("shop", "volume", "all"),
        ("recommendations", "coverage", "all"),
    )
    assert confirming(signals).tolist() == [True, False, True, True, False, False]
    assert places(signals).tolist()[:2] == ["product_group_name", "product_group_name in Menswear"]


def test_the_most_urgent_verdict_comes_first_then_the_smallest_q_value() -> None:
    key = ("transactions", "price", "all")
    seen = ("none", "seasonal", "drift", "new", "drift")
    verdicts = rows(*[key] * 5, verdicts=seen).assign(q_value=[0.9, 0.5, 0.02, 0.01, 0.01])
    ordered = most_urgent_first(verdicts)
    assert ordered["verdict"].tolist() == ["drift", "drift", "new", "seasonal", "none"]
    assert ordered["q_value"].tolist()[:2] == [0.01, 0.02]
