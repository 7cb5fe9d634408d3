"""How a guardrail of an experiment stands."""

from dataclasses import dataclass

from hemline.experiments.fixed_horizon import ArmComparison


@dataclass(frozen=True)
class GuardrailState:
    """How a guardrail stands.

    Attributes:
        name: what it counts.
        comparison: of the arms: per unit, or of all answers of an arm.
        limit: difference beyond which it is broken; negative where less is worse.
        is_broken: whether the treatment is beyond the limit, for certain.
    """

    name: str
    comparison: ArmComparison
    limit: float
    is_broken: bool

    @property
    def sentence(self) -> str:
        """What was found, and what is allowed.

        >>> found = ArmComparison(1.0, 3.0, 2.0, 0.1, 0.0, 200, 200)
        >>> GuardrailState("unlikes", found, 0.1, True).sentence
        'unlikes: 3 against 1, at most 1.1 is allowed'
        """
        found, bound = self.comparison, "at most" if self.limit >= 0 else "at least"
        return (
            f"{self.name}: {found.treatment:.4g} against {found.control:.4g}, {bound} "
            f"{found.control + self.limit:.4g} is allowed"
        )
