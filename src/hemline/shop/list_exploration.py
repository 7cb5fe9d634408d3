"""Explored places of visitors' lists: drawn once a visitor and day, durable before they are shown.

The number that decides a draw is a hash of visitor, day, version and place, so all workers draw
alike. What was drawn is an event, whose idempotency key is the same four: it stands in its place
for the rest of the day even where the ranking changes meanwhile, and counts once. Only plain lists
are explored, filtered ones are not: a filter changes who the candidates are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from hemline.clock import now
from hemline.errors import BadInput
from hemline.experiments.assignment import place_of
from hemline.experiments.exploration_slots import EXPLORATION, Draw, explore
from hemline.serving.answers import Answers
from hemline.serving.list_rules import ListRules
from hemline.serving.listed import Answer, Listed
from hemline.shop.event_log import ShopEvent
from hemline.shop.shop_params import ExplorationParams

_SALT: Final = "exploration"
_DIGITS: Final = 9


@dataclass(frozen=True)
class ExploredList:
    """A list with drawn places.

    Attributes:
        answer: the list.
        drawn: events that must be durable before it is shown.
    """

    answer: Answer
    drawn: tuple[ShopEvent, ...]


class ListExploration:
    """Draws places of lists.

    Args:
        params: section shop.exploration.
    """

    def __init__(self, params: ExplorationParams) -> None:
        self._params = params
        self._slots = [place - 1 for place in params.places]

    def applies_to(self, rules: ListRules) -> bool:
        """Return whether a list of these rules has drawn places."""
        is_plain = rules == ListRules(k=rules.k)
        return is_plain and any(slot < rules.k for slot in self._slots)

    def deeper(self, rules: ListRules) -> ListRules:
        """Return the rules of the ranking that a list is drawn from."""
        return replace(rules, k=max(rules.k, max(self._slots) + self._params.candidates))

    def drawn_list(
        self,
        ranking: Answer,
        answers: Answers,
        rules: ListRules,
        visitor: str,
        day: date,
        before: Sequence[ShopEvent],
    ) -> ExploredList:
        """Return the list of a visitor.

        Args:
            ranking: by the rules of `deeper`.
            answers: whose it is.
            rules: of the list.
            visitor: name of the visitor.
            day: of the shop's clock.
            before: what was drawn for the visitor earlier.
        """
        key = f"{EXPLORATION}:{answers.version}:{day}"
        recorded = {
            place: event
            for place in self._params.places
            for event in before
            if event.key == f"{key}:{place}:{visitor}"
        }
        found = explore(
            [one.article for one in ranking.listed],
            slots=self._slots,
            n_candidates=self._params.candidates,
            temperature=self._params.temperature,
            draw=lambda slot: place_of(f"{key}:{slot + 1}:{visitor}", _SALT),
            earlier={place - 1: _key(answers, event) for place, event in recorded.items()},
        )
        drawn = [one for one in found.drawn if one.place < rules.k]
        chances = {
            each.candidates[each.chosen]: round(each.propensities[each.chosen], _DIGITS)
            for each in drawn
        }
        for place, event in recorded.items():
            article = _key(answers, event)
            if found.articles[place - 1 : place] == (article,):
                chances[article] = float(event.context["propensity"])
        by_key = {one.article: one for one in ranking.listed}
        listed = tuple(
            replace(by_key[article], propensity=chances.get(article))
            for article in found.articles[: rules.k]
        )
        events = [self._event(answers, visitor, day, each, listed) for each in drawn]
        return ExploredList(replace(ranking, listed=listed), tuple(events))

    def _event(
        self, answers: Answers, visitor: str, day: date, drawn: Draw, listed: Sequence[Listed]
    ) -> ShopEvent:
        id_of = answers.articles.id_of
        place = str(drawn.place + 1)
        chances = [f"{each:.{_DIGITS}f}" for each in drawn.propensities]
        context = {
            "version": str(answers.version),
            "day": day.isoformat(),
            "place": place,
            "candidates": " ".join(map(id_of, drawn.candidates)),
            "propensities": " ".join(chances),
            "propensity": chances[drawn.chosen],
            "beside": " ".join(id_of(one) for one in self._beside(drawn.place, listed)),
        }
        return ShopEvent(
            EXPLORATION,
            visitor,
            id_of(drawn.candidates[drawn.chosen]),
            f"{EXPLORATION}:{answers.version}:{day}:{place}:{visitor}",
            now(),
            context=context,
        )

    def _beside(self, slot: int, listed: Sequence[Listed]) -> list[int]:
        """Return the nearest articles above and below that are in a place of their own."""
        plain = [at for at in range(len(listed)) if at not in self._slots]
        above, below = [at for at in plain if at < slot][-1:], [at for at in plain if at > slot][:1]
        return [listed[at].article for at in (*above, *below)]


def _key(answers: Answers, event: ShopEvent) -> int:
    """Return the key of the article that was drawn; -1 where the version has it no longer."""
    try:
        return answers.find_article(event.article_id)
    except BadInput:
        return -1
