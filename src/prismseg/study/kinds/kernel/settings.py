"""Settings of the kernel study."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from prismseg.base import ConfigError
from prismseg.base.settings import Settings
from prismseg.features.kernels import require_kernel

# Pixels a side of the images that patches are cut from: the smallest phantom, so that thousands of feature maps of it fit
# into memory.
IMAGE_SIDE = 32


class KernelSettings(Settings):
    """Some independent maps of one kind, each compared with the exact kernel on the same patches.

    Attributes
    ----------
    kernel : str
        One of `prismseg.features.KERNELS`.
    map : {"rff", "crffg"}
        Dense features of the patches, or a convolutional layer that runs over the images they are cut from.
    form : {"cos", "paired"}
        ``cos(w x + b)``, or ``[cos(w x), sin(w x)]`` with half as many frequencies.
    sampling : {"iid", "orthogonal", "stratified", "orthogonal-stratified"}
        Of frequencies (orthogonal) and phases (stratified).
    outputs : int
        Number of features Q.
    sigma : float
        Length scale as a multiple of the median distance between the patches, in the kernel's own norm; for the
        arc-cosine kernel, which knows no distance, of their root mean square length.
    draws : int
        How many independent maps; each is a case of the tables.
    data : {"phantom", "noise"}
        Temperatures of simulated feet, or white noise; brought to mean 0 and SD 1.
    patch : int
        Odd side k of the patches; they have k² dimensions.
    points : int
        How many patches.
    data_seed, seed : int
        Of images and patches; of the maps.
    impossible : {"refuse", "skip"}
        What to do where a kernel has no such map: refuse the settings, or give rows without a value, so that one grid
        can hold all kernels.
    """

    kernel: str = "gaussian"
    map: Literal["rff", "crffg"] = "rff"
    form: Literal["cos", "paired"] = "cos"
    sampling: Literal["iid", "orthogonal", "stratified", "orthogonal-stratified"] = "iid"
    outputs: int = Field(default=256, ge=2)
    sigma: float = Field(default=1.0, gt=0)
    draws: int = Field(default=50, ge=1)
    data: Literal["phantom", "noise"] = "phantom"
    patch: int = Field(default=3, ge=1, le=IMAGE_SIDE // 2)
    points: int = Field(default=100, ge=2, le=1000)
    data_seed: int = Field(default=0, ge=0)
    seed: int = Field(default=0, ge=0)
    impossible: Literal["refuse", "skip"] = "refuse"

    @model_validator(mode="after")
    def _check_map(self) -> KernelSettings:
        try:
            require_kernel(self.kernel)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        if self.patch % 2 == 0:
            raise ValueError(f"patch is {self.patch}; it must be odd, so that a filter has a centre")
        if self.form == "paired" and self.outputs % 2:
            raise ValueError(f"a paired map needs an even number of outputs, not {self.outputs}")
        if self.impossible == "refuse" and self.obstacle:
            raise ValueError(f"{self.obstacle}; choose another map, or `impossible: skip`")
        return self

    @property
    def stratified(self) -> bool:
        """Whether phases are stratified."""
        return "stratified" in self.sampling

    @property
    def orthogonal(self) -> bool:
        """Whether frequencies are orthogonal."""
        return "orthogonal" in self.sampling

    @property
    def obstacle(self) -> str:
        """Why the kernel has no such map; empty where it has one."""
        if self.stratified and self.form == "paired":
            return "a paired map has no phases to stratify"
        if self.stratified and self.kernel == "arccosine":
            return "the map of the arc-cosine kernel has no phases to stratify"
        if self.form == "paired" and self.kernel == "arccosine":
            return "the arc-cosine kernel has no paired map"
        if self.orthogonal and self.kernel == "laplacian_l1":
            return "the L1 Laplacian kernel is not isotropic, so it has no orthogonal features"
        return ""

    def row_labels(self) -> dict[str, Any]:
        """Columns of the rows that repeat settings."""
        names = {"kernel", "map", "form", "sampling", "outputs", "sigma", "seed"}
        return self.model_dump(include=names) | {"estimator": f"{self.form}, {self.sampling}"}
