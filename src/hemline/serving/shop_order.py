"""The order in which the shop shows a list: what moves down, and what is not shown first.

Three rules, all fixed and none learned. They apply after filters, in this order:
1. A look-alike of an article that the visitor does not want (the same product, or one of its
   nearest by text) moves down by `answers.places_down` places.
2. So does, for a visitor of whom no purchase is known, an article of a group that is out of season
   (hemline/serving/season.py) or in `answers.on_request`, unless they looked at one of that group.
3. An article of a discreet group is not the first, if one of another group follows within
   `answers.places_down` places of the end of the list: that one then moves to the front.

To move down by n places means to be ordered as if standing n places later, after what stands there.
`hemline export` orders its lists by the same lines.
"""

import numpy as np
import numpy.typing as npt


def shown_order(
    is_moved: npt.NDArray[np.bool_], is_discreet: npt.NDArray[np.bool_], places_down: int
) -> npt.NDArray[np.intp]:
    """Return the positions of each row's articles in the order in which they are shown.

    Args:
        is_moved: bool of shape (lists, length), whether each article moves down.
        is_discreet: bool of the same shape, whether each may not be shown first.
        places_down: by how many places an article moves.

    >>> shown_order(np.array([[True, False, False]]), np.array([[False, True, False]]), 1)
    array([[0, 1, 2]])
    """
    length = is_moved.shape[1]
    place = np.arange(length) + places_down * is_moved
    # Of two at one place the one that did not move comes first.
    order = np.argsort(2 * place + is_moved, axis=1, kind="stable")
    discreet = np.take_along_axis(is_discreet, order, axis=1)
    first = np.where(discreet.all(axis=1), 0, discreet.argmin(axis=1))[:, None]
    source = np.where(
        np.arange(length) == 0, first, np.arange(length) - (np.arange(length) <= first)
    )
    return np.take_along_axis(order, source, axis=1)
