"""Section `cvae` of params.yaml: the network, how it is trained, and when training stops."""

from typing import Annotated, ClassVar, Final

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from hemline.models.cvae import losses, torch_inference
from hemline.models.item_knn import Rp3betaParams
from hemline.models.label_shift import Weighting

_EVERYBODY: Final = 1_000_000_000


class CvaeParams(Weighting):
    """Network, optimisation and stopping; `walk_weight` None is chosen on the validation week.

    Of several `networks`, whose seeds follow each other, the mean recommends.
    """

    section: ClassVar[str] = "cvae"
    loss: losses.LossName = "multinomial"
    hidden: PositiveInt = 200
    latent: PositiveInt = 100
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.7
    softmax_samples: PositiveInt = 2000
    precision: losses.Precision = "float32"
    epoch_customers: PositiveInt = _EVERYBODY
    validation_customers: PositiveInt = _EVERYBODY
    batch_size: PositiveInt = 500
    learning_rate: PositiveFloat = 0.001
    row_learning_rate: PositiveFloat = 0.02
    kl_cap: NonNegativeFloat = 0.01
    kl_anneal_epochs: PositiveInt = 10
    walk: Rp3betaParams = Rp3betaParams()
    walk_weight: NonNegativeFloat | None = None
    max_epochs: PositiveInt = 40
    patience: PositiveInt = 6
    final_epochs: NonNegativeInt = 10
    networks: PositiveInt = 1
    device: torch_inference.DeviceName = "auto"
    seed: int = 7
