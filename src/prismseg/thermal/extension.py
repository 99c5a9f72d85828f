"""What the thermal application adds to the library's registries; imports nothing heavy."""

from pathlib import Path

from prismseg.inference.postprocess import POSTPROCESSORS
from prismseg.nets.settings import SHIPPED
from prismseg.train.registries import FORMER_SETTINGS, SOURCES

_WEIGHTS = Path(__file__).parents[1] / "weights"
SHIPPED.register(
    "thermal-feet",
    _WEIGHTS / "thermal-feet",
    summary="Feet in thermal frames: the small one and one with a pretrained encoder, averaged.",
)
SHIPPED.register(
    "thermal-feet-small",
    _WEIGHTS / "thermal-feet-small",
    summary="Feet in thermal frames, 0.5 million weights trained on phantoms alone: faster, finds fewer feet.",
)
POSTPROCESSORS.register(
    "two-feet",
    "prismseg.thermal.network.segmenter:two_feet",
    summary="At most two feet, with their toes, without holes and specks.",
)
SOURCES.register(
    "phantoms",
    "prismseg.thermal.network.settings:PhantomSettings",
    summary="Simulated thermal frames, each seen once.",
)
FORMER_SETTINGS.register(
    "phantoms",
    "prismseg.thermal.network.settings:upgrade_phantoms",
    summary="Of prismseg 0.1; today a source of batches.",
)
