"""The shelves of a page: lists beside an article, and those below a visitor's favourites.

Of the latter a bandit may say which stands first (`hemline experiment plan --kind shelves`). The
articles of a shelf are the same wherever it stands. A page that lacks one of the bandit's shelves
leaves nothing to choose: it has the usual order, and nobody is exposed.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from hemline.experiments.experiment_files import Shelf
from hemline.serving.answers import Answers
from hemline.serving.list_rules import ListRules
from hemline.serving.listed import Answer
from hemline.serving.visitor_history import SessionState
from hemline.shop.page_cards import CardList, Cards
from hemline.shop.page_texts import Texts
from hemline.shop.shop_service import ShopService
from hemline.shop.visits import Visit

_N_BESIDE: Final = 6
_N_COLOURS: Final = 12
_MOST_SUBJECTS: Final = 4  # that are tried for what others also bought


class PageShelves:
    """Makes the shelves of one visit's pages."""

    def __init__(self, answers: Answers, cards: Cards, texts: Texts, state: SessionState) -> None:
        self._answers = answers
        self._cards = cards
        self._texts = texts
        self._hidden = frozenset({*state.unliked, *state.basket})

    def below(self, answer: Answer) -> Mapping[Shelf, CardList]:
        """Return the shelves below a list that have articles, in their usual order.

        They are about articles that the list names: what others bought with one, and what is
        similar to another one.
        """
        named = [one.reason.article for one in answer.listed if one.reason.article is not None]
        subjects = list(dict.fromkeys([*named, *(one.article for one in answer.listed)]))
        if not subjects:
            return {}
        also = map(self._also, subjects[:_MOST_SUBJECTS])
        found: dict[Shelf, CardList | None] = {
            "also_bought": next((one for one in also if one.cards), None),
            "similar": self._similar(subjects[1] if len(subjects) > 1 else subjects[0]),
        }
        return {name: one for name, one in found.items() if one is not None and one.cards}

    def beside(self, subject: int) -> tuple[CardList, ...]:
        """Return the shelves beside an article that have articles."""
        lists = (self._other_colours(subject), self._also(subject), self._similar(subject))
        return tuple(one for one in lists if one.cards)

    def _also(self, subject: int) -> CardList:
        answer = self._answers.also_bought(subject, self._rules(subject))
        about = self._cards.about("also_bought_with", subject)
        return CardList(
            "also", self._texts("also_bought"), about, self._cards.on_page(answer, "also")
        )

    def _similar(self, subject: int) -> CardList:
        answer = self._answers.similar(subject, self._rules(subject))
        about = self._cards.about("similar_to", subject)
        cards = self._cards.on_page(answer, "similar")
        return CardList("similar", self._texts("similar"), about, cards)

    def _other_colours(self, subject: int) -> CardList:
        rules = replace(self._rules(subject), k=_N_COLOURS)
        answer = self._answers.other_colours(subject, rules)
        about = self._cards.about("other_colours_of", subject)
        cards = self._cards.on_page(answer, "colours")
        return CardList("colours", self._texts("other_colours"), about, cards)

    def _rules(self, subject: int) -> ListRules:
        return ListRules(k=_N_BESIDE, exclude=self._hidden | {subject})


async def in_order(
    shop: ShopService, visit: Visit, shelves: Mapping[Shelf, CardList]
) -> tuple[str, tuple[CardList, ...]]:
    """Return the shelf that a bandit put first, and the shelves as they stand.

    Where no bandit did, the name is empty and the order the usual one. The visitor's exposure is
    durable when this returns.
    """
    arm = await shop.first_shelf(visit.visitor, visit.answers, shelves)
    if arm is None:
        return "", tuple(shelves.values())
    ordered = sorted(shelves, key=lambda name: name != arm.name)
    return arm.name, tuple(shelves[name] for name in ordered)
