"""Customer clusters by k-modes (Huang 1998) over the categorical attributes.

Customers with equal attributes are one weighted row: 1.37 million customers have a few hundred
distinct combinations, so hundreds of restarts cost seconds and the result is the same as on all
rows. Few restarts are a trap: with five of them the elbow curve is not even monotone.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, PositiveInt
from tqdm import tqdm

from hemline.data.article_attributes import MISSING
from hemline.data.histories import Histories
from hemline.params import Section
from hemline.segments.attributes import customer_attributes
from hemline.segments.behaviour import BEHAVIOURS, NONE_YET, Behaviour

if TYPE_CHECKING:
    import pandas as pd


_MOST: Final = 127  # an int8 in tables.SEGMENTS


class ClusterParams(Section):
    """How many clusters, or `elbow`: as many as the curve says; and how many k-modes restarts."""

    section: ClassVar[str] = "cluster"
    n_clusters: Annotated[int, Field(ge=1, le=_MOST)] | Literal["elbow"] = 5
    elbow_max: Annotated[int, Field(ge=1, le=_MOST)] = 10
    n_init: PositiveInt = 200
    seed: int = 7

    @property
    def most_clusters(self) -> int:
        """How many clusters there may be, whatever the data say."""
        return self.elbow_max if self.n_clusters == "elbow" else self.n_clusters

    @property
    def least_clusters(self) -> int:
        """With fewer clusters the customers are not told apart as requested."""
        return min(2, self.elbow_max) if self.n_clusters == "elbow" else self.n_clusters


@dataclass(frozen=True)
class Segmentation:
    """Fitted clusters.

    Attributes:
        attributes: names of the columns a mode has a value for.
        modes: text of shape (clusters, attributes); largest cluster first.
        cost: total number of attribute values that differ from the mode of their cluster.
        edges: of the shop's own attributes (attributes.own_edges).
        behaviour: describes customers by their histories; None where attributes say enough.
    """

    attributes: tuple[str, ...]
    modes: npt.NDArray[np.str_]
    cost: float
    edges: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    behaviour: Behaviour | None = None

    def segment(self, customers: "pd.DataFrame", histories: Histories) -> npt.NDArray[np.int8]:
        """Return the cluster of each customer.

        Args:
            customers: as tables.read_described returns them.
            histories: of the same customers, in the article keys that the clusters were fitted on.
        """
        return self.assign(describe(customers, histories, self.edges, self.behaviour))

    def assign(self, attributes: "pd.DataFrame") -> npt.NDArray[np.int8]:
        """Return the cluster whose mode agrees with most attributes; the larger one at a tie."""
        values = attributes[list(self.attributes)].to_numpy(str)
        mismatches = np.stack([(values != mode).sum(axis=1) for mode in self.modes], axis=1)
        return np.asarray(mismatches.argmin(axis=1), np.int8)

    def cluster_of(self, attributes: Mapping[str, str]) -> int:
        """Return the cluster of one customer, as `assign` does."""
        values = np.array([attributes.get(name, _unknown(name)) for name in self.attributes])
        return int((self.modes != values).sum(axis=1).argmin())

    def save(self, folder: Path) -> None:
        """Write the modes as json."""
        content: dict[str, object] = {
            "attributes": self.attributes,
            "modes": self.modes.tolist(),
            "cost": self.cost,
        }
        if self.edges:
            content["edges"] = dict(self.edges)
        if self.behaviour is not None:
            self.behaviour.save(folder)
        (folder / "modes.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the segmentation saved in folder."""
        content = json.loads((folder / "modes.json").read_text(encoding="utf-8"))
        fitted = tuple(content["attributes"]), np.array(content["modes"]), content["cost"]
        edges = {name: tuple(bounds) for name, bounds in content.get("edges", {}).items()}
        return cls(*fitted, edges, Behaviour.load(folder))


def describe(
    customers: "pd.DataFrame",
    histories: Histories,
    edges: Mapping[str, tuple[float, ...]],
    behaviour: Behaviour | None,
) -> "pd.DataFrame":
    """Return the attributes of each customer, those of their histories last."""
    attributes = customer_attributes(customers, edges)
    if behaviour is None:
        return attributes
    done = behaviour.attributes(histories).set_index(attributes.index)
    return attributes.assign(**{name: done[name] for name in BEHAVIOURS})


def _unknown(attribute: str) -> str:
    return NONE_YET if attribute in BEHAVIOURS else MISSING


def fit_clusters(
    attributes: "pd.DataFrame", *, n_clusters: int, n_init: int, seed: int
) -> Segmentation:
    """Return the best of n_init k-modes runs over the customers' attributes.

    With fewer distinct combinations than clusters, every combination becomes a cluster.
    """
    fitted = _fit(*_combinations(attributes), n_clusters=n_clusters, n_init=n_init, seed=seed)
    return replace(fitted, attributes=_names(attributes))


def _combinations(
    attributes: "pd.DataFrame",
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.float64]]:
    """Return the distinct rows of attributes, and how many customers have each."""
    names = list(_names(attributes))
    combinations = attributes.groupby(names, as_index=False).size()
    return combinations[names].to_numpy(str), combinations["size"].to_numpy(np.float64)


def _names(attributes: "pd.DataFrame") -> tuple[str, ...]:
    return tuple(str(name) for name in attributes)


def _fit(
    values: npt.NDArray[np.str_],
    weights: npt.NDArray[np.float64],
    *,
    n_clusters: int,
    n_init: int,
    seed: int,
) -> Segmentation:
    modes = _best_modes(values, weights, min(n_clusters, len(values)), n_init, seed)
    nearest = (values[:, None, :] != modes[None]).sum(axis=2)
    sizes = np.bincount(nearest.argmin(axis=1), weights, minlength=len(modes))
    order = np.lexsort((*modes.T[::-1], -sizes))
    return Segmentation((), modes[order], float((nearest.min(axis=1) * weights).sum()))


def elbow_curve(
    attributes: "pd.DataFrame", *, elbow_max: int, n_init: int, seed: int
) -> "pd.DataFrame":
    """Return the cost for 1..elbow_max clusters; columns n_clusters, cost, cost_per_customer."""
    import pandas as pd  # noqa: PLC0415  (the online service reads no frames)

    values, weights = _combinations(attributes)
    costs = [
        _fit(values, weights, n_clusters=k, n_init=n_init, seed=seed).cost
        for k in tqdm(range(1, elbow_max + 1), desc="elbow", unit="k")
    ]
    curve = pd.DataFrame({"n_clusters": np.arange(1, elbow_max + 1), "cost": costs})
    return curve.assign(cost_per_customer=curve["cost"] / len(attributes))


def elbow_of(curve: "pd.DataFrame") -> int:
    """Return the number of clusters at the elbow: where the curve lies deepest below its chord.

    Both axes are scaled to 0 to 1 before (Satopaa et al. 2011). A curve that does not fall has its
    elbow at 1.

    >>> import pandas as pd
    >>> elbow_of(pd.DataFrame({"n_clusters": [1, 2, 3, 4], "cost": [9.0, 8.0, 1.0, 0.0]}))
    3

    Args:
        curve: of `elbow_curve`.
    """
    n_clusters, costs = (curve[name].to_numpy(np.float64) for name in ("n_clusters", "cost"))
    fallen = costs[0] - costs[-1]
    if len(costs) == 1 or fallen <= 0:
        return 1
    along = (n_clusters - n_clusters[0]) / (n_clusters[-1] - n_clusters[0])
    depth = (costs[0] - costs) / fallen - along
    return int(n_clusters[depth.argmax()])


def describe_clusters(
    attributes: "pd.DataFrame", clusters: npt.NDArray[np.int8], n_clusters: int
) -> list[dict[str, object]]:
    """Return, per cluster, its size, the shares of its attribute values, and a sentence."""
    return [
        _describe(cluster, attributes[clusters == cluster], attributes)
        for cluster in range(n_clusters)
    ]


def _describe(
    cluster: int, members: "pd.DataFrame", customers: "pd.DataFrame"
) -> dict[str, object]:
    shares = {
        name: members[name].value_counts(normalize=True).round(4).to_dict()
        for name in _names(members)
    }
    words = []
    for name in _names(members):
        if shares[name]:
            value, share = next(iter(shares[name].items()))
            usual = float((customers[name] == value).mean())
            words.append(f"{name} {value} ({share:.0%}, all customers {usual:.0%})")
    return {
        "cluster": cluster,
        "customers": len(members),
        "share": round(len(members) / len(customers), 4),
        "in_words": "; ".join(words),
        "attributes": shares,
    }


def _best_modes(
    values: npt.NDArray[np.str_],
    weights: npt.NDArray[np.float64],
    n_clusters: int,
    n_init: int,
    seed: int,
) -> npt.NDArray[np.str_]:
    from kmodes.kmodes import KModes  # noqa: PLC0415  (slow to import, needed by one stage)

    model = KModes(n_clusters=n_clusters, init="random", n_init=n_init, random_state=seed)
    model.fit(values, sample_weight=weights)
    return np.asarray(model.cluster_centroids_, dtype=str)
