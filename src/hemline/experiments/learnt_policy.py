"""A policy learnt from what explored places earned: a contextual bandit over models' orders.

The log of exploration slots holds, for each decision, what the models thought of the candidate that
was shown, and whether it was bought and kept. A logistic regression of the reward, each decision
weighted by the inverse of its propensity (clipped), says how the models' opinions should be mixed
for reward instead of for accuracy. It is small on purpose: a shop's slots yield hundreds of
purchases, not millions (Agarwal et al. 2014 on learning from logged bandit feedback).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.errors import BadInput

Values = npt.NDArray[np.float64]

_LEAST_REWARDED: Final = 50


@dataclass(frozen=True)
class LearntPolicy:
    """How the models' opinions are mixed.

    Attributes:
        weights: of each feature, in units of its standard deviation.
        means: of each feature in the log.
        deviations: likewise, 1 where a feature does not vary.
    """

    weights: Values
    means: Values
    deviations: Values

    def score(self, features: Values) -> Values:
        """Return a score per candidate, higher is better; shape (candidates, features) goes in."""
        return np.asarray((features - self.means) / self.deviations @ self.weights)


def learn_policy(
    features: Values,
    reward: Values,
    propensity: Values,
    *,
    penalty: float = 1.0,
    largest_weight: float = 20.0,
) -> LearntPolicy:
    """Return the policy that a log teaches.

    Args:
        features: of the shown candidates, float of shape (decisions, features).
        reward: 0 or 1 of each.
        propensity: with which each was shown.
        penalty: of squared weights, per decision worth of average weight.
        largest_weight: inverse propensities above are clipped to it.

    Raises:
        BadInput: too few decisions were rewarded to learn anything.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  (slow to import)

    rewarded = int(np.count_nonzero(reward))
    if rewarded < _LEAST_REWARDED or rewarded == len(reward):
        raise BadInput(
            f"at least {_LEAST_REWARDED} decisions of a log were rewarded, and some were not",
            found=f"{rewarded} of {len(reward)}",
            fix="let the exploration slots run longer",
        )
    means, spread = features.mean(axis=0), features.std(axis=0)
    deviations = np.where(spread > 0, spread, 1.0)
    weights = np.minimum(1 / propensity, largest_weight)
    model = LogisticRegression(C=1 / penalty, max_iter=1000)
    model.fit((features - means) / deviations, reward > 0, sample_weight=weights / weights.mean())
    return LearntPolicy(np.asarray(model.coef_[0], np.float64), means, deviations)
