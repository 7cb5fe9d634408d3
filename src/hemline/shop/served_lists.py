"""A visitor's list as it is served: the version's own, explored, or drafted from two versions.

What the shop decided besides is durable before the list is sent; where it cannot be, the list is
the version's own.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from hemline.clock import now
from hemline.errors import BadInput
from hemline.segments.cold_customers import ColdCustomer
from hemline.serving.answers import Answers
from hemline.serving.list_rules import ListRules
from hemline.serving.listed import Answer, answer_of
from hemline.shop.event_log import KeyReused, LogUnavailable, ShopEvent
from hemline.shop.experiment_arms import Arm
from hemline.shop.interleaved_lists import drafted_list
from hemline.shop.shadow import answer_by, as_other_knows
from hemline.shop.shop_service import ShopService, is_stand_in
from hemline.shop.visitor_state import Remembered, of_lists

logger = logging.getLogger(__name__)


async def list_for(
    shop: ShopService,
    arm: Arm,
    name: str,
    who: int | ColdCustomer,
    remembered: Remembered,
    rules: ListRules,
) -> Answer:
    """Return a visitor's list, once what was drawn for its explored places is durable.

    Where that cannot be made durable, the list is the plain one.

    Args:
        shop: of this worker.
        arm: of the visitor.
        name: of the visitor.
        who: customer's key, or what is known of a guest.
        remembered: what the log knows of the visitor.
        rules: of the list.

    Raises:
        BadInput: no list can follow the rules, or an attribute of the guest is not allowed.
    """
    if arm.interleaved is not None and remembered.is_known:
        return await _drafted(shop, arm, arm.interleaved, name, who, remembered, rules)
    answers, drawn, explores = arm.answers, remembered.drawn, shop.exploration
    if not remembered.is_known or not explores.applies_to(rules):
        return shop.answer(answers, who, remembered.state, rules, arm)
    ranking = shop.answer(answers, who, remembered.state, explores.deeper(rules), arm)
    try:
        for _ in range(2):
            day = shop.day_of(now())
            found = explores.drawn_list(ranking, answers, rules, name, day, drawn)
            try:
                await _record(shop, found.drawn)
            except KeyReused:  # another request of the visitor drew first, from another ranking
                drawn = of_lists(shop.log.of(name))
            else:
                return found.answer
    except LogUnavailable:
        logger.info("nothing is explored: what is drawn cannot be recorded")
    return replace(ranking, listed=ranking.listed[: rules.k])


async def _drafted(
    shop: ShopService,
    arm: Arm,
    other: Answers,
    name: str,
    who: int | ColdCustomer,
    remembered: Remembered,
    rules: ListRules,
) -> Answer:
    """Return the list of both versions of an interleaving experiment, once it is durable."""
    own = shop.answer(arm.answers, who, remembered.state, rules, arm)
    theirs = _list_of_other(shop, arm, other, who, remembered, rules)
    if theirs is None:
        return own
    try:
        draft = drafted_list(
            (own, theirs),
            (arm.answers, other),
            is_own_treatment=arm.is_treatment,
            experiment=arm.experiment,
            visitor=name,
            day=shop.day_of(now()),
            k=rules.k,
        )
        if all(each.key != draft.event.key for each in remembered.drawn):
            await shop.append([draft.event])
    except LogUnavailable:
        return own
    return draft.answer


def _list_of_other(
    shop: ShopService,
    arm: Arm,
    other: Answers,
    who: int | ColdCustomer,
    remembered: Remembered,
    rules: ListRules,
) -> Answer | None:
    """Return the list of the version beside the arm's own, counted; None where it fails."""
    asked = as_other_knows(arm.answers, other, who, remembered.state, rules)
    begun, has_failed = time.perf_counter(), False
    try:
        theirs = answer_by(other, *asked)
    except BadInput:
        raise
    except Exception:
        logger.exception("version %d failed: its list is not interleaved", other.version)
        shop.metrics.fallbacks.inc()
        theirs, has_failed = answer_of(()), True
    shop.tallies.count(
        arm.experiment,
        arm.other_counted_as,
        theirs,
        other.articles.ids,
        time.perf_counter() - begun,
        is_fallback=has_failed or is_stand_in(theirs, other),
    )
    return None if has_failed else theirs


async def _record(shop: ShopService, events: Sequence[ShopEvent]) -> None:
    if events:
        await shop.append(events)
