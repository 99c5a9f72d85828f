import pytest
import torch

from prismseg.base import DataError
from prismseg.explain.tensors import as_labels, check_labels


def test_masks_that_do_not_fit():
    images = torch.rand(2, 1, 4, 5)
    with pytest.raises(DataError, match="shape"):
        as_labels(torch.zeros(2, 5, 4), images)
    with pytest.raises(DataError, match="fractions"):
        as_labels(torch.full((2, 4, 5), 0.5), images)
    assert as_labels(torch.ones(2, 1, 4, 5), images).dtype == torch.long
    with pytest.raises(DataError, match="label 3"):
        check_labels(torch.full((2, 4, 5), 3), 3)
    check_labels(torch.full((2, 4, 5), 255), 3)
