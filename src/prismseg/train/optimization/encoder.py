"""What is done with a network's encoder at each step: frozen, slower than the rest, its batch statistics kept."""

from __future__ import annotations

from torch import nn

from prismseg.base import ConfigError
from prismseg.nets import SegmentationModel
from prismseg.train.config import TrainConfig

# Images over which batch normalisation takes means, below which those of a pretrained encoder are better kept: at 8 and
# more the error of batch statistics hardly grows (Wu & He 2018, fig. 1).
SMALL_BATCH = 8


class EncoderPhases:
    """The encoder of a network through the steps of a run; a pure function of the step, so that runs resume exactly.

    Parameters
    ----------
    network : SegmentationModel
        Network that is trained.
    config : TrainConfig
        Of the run.
    processes : int
        That train it. If there are several, frozen weights still get gradients, which are dropped.
    synchronized : bool
        Whether batch normalisation takes means over all of them.

    Attributes
    ----------
    keeps_statistics : bool
        Whether the batch normalisation of the encoder keeps the statistics that it has.

    Raises
    ------
    ConfigError
        When something is asked of the encoder of a network that has none.
    """

    def __init__(
        self, network: SegmentationModel, config: TrainConfig, *, processes: int = 1, synchronized: bool = False
    ) -> None:
        optim = config.optim
        encoder = getattr(network, "encoder", None)
        self.encoder = encoder if isinstance(encoder, nn.Module) else nn.Identity()
        asked = optim.freeze_encoder_steps or optim.encoder_lr_factor != 1 or optim.encoder_norm == "frozen"
        if asked and self.encoder is not encoder:
            raise ConfigError(
                f"The architecture {network.settings.arch!r} has no encoder that could be frozen or learn more slowly."
            )
        self.steps = optim.freeze_encoder_steps
        pretrained = config.model.weights is not None or (
            config.initial is not None and not config.model.refines and hasattr(self.encoder, "published")
        )
        images = optim.batch_size // optim.accumulate // (1 if synchronized else processes)
        self.keeps_statistics = optim.encoder_norm == "frozen" or (
            optim.encoder_norm == "auto" and pretrained and images < SMALL_BATCH
        )
        self._distributed = processes > 1
        self._learning = [parameter for parameter in self.encoder.parameters() if parameter.requires_grad]

    def begin(self, step: int) -> None:
        """Prepare the encoder, which is in training mode, for a step."""
        frozen = step < self.steps
        if not self._distributed:
            for parameter in self._learning:
                parameter.requires_grad_(not frozen)
        if frozen:
            self.encoder.eval()
        elif self.keeps_statistics:
            for module in self.encoder.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def drop_gradients(self, step: int) -> None:
        """Forget the gradients that frozen weights got, so that the optimiser leaves them as they are."""
        if step < self.steps:
            for parameter in self._learning:
                parameter.grad = None
