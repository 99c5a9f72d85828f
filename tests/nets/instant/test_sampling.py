"""Places of an enlarged map, against enlarging all of it."""

import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from prismseg.nets.instant.sampling import corners, sample


@given(
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    factor=st.sampled_from([1, 2, 3, 4, 8, 16]),
    seed=st.integers(0, 9),
)
def test_places_are_those_of_the_enlarged_map(height, width, factor, seed):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(3, height, width, generator=generator)
    whole = F.interpolate(values[None], scale_factor=factor, mode="bilinear", align_corners=False)[0].flatten(1).T
    chosen = torch.randperm(len(whole), generator=generator)[:40]
    found = corners((height, width), factor, chosen // (width * factor), chosen % (width * factor))
    torch.testing.assert_close(found.weights.sum(1), torch.ones(len(chosen)))
    torch.testing.assert_close(sample(values, found), whole[chosen])
