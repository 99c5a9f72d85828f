"""Territories of simulated soles."""

import numpy as np
import pytest
from scipy import ndimage
from tests.thermal.phantom.scenes import SMALL, render_usual

from prismseg.thermal.phantom import DOMAINS, LEFT, NO_INGREDIENTS, RIGHT, TERRITORIES, frame_at


@pytest.mark.parametrize("domain", DOMAINS)
def test_territories_lie_on_soles_alone_and_leave_nothing_out(domain):
    seen = set()
    for number in range(6):
        frame = frame_at(4, number, [domain], ["soles"], size=SMALL)
        np.testing.assert_array_equal(frame.territories > 0, frame.labels > 0)
        seen |= set(np.unique(frame.territories))
        above = frame_at(4, number, [domain], ["above"], size=SMALL, ingredients=NO_INGREDIENTS)
        assert not above.territories.any()
    assert seen == set(range(len(TERRITORIES) + 1))


def test_big_toes_and_medial_territories_face_the_other_foot():
    medial = TERRITORIES.index("medial plantar") + 1
    lateral = TERRITORIES.index("lateral plantar") + 1
    for domain in DOMAINS:
        frame = render_usual(domain, seed=3, size=(240, 320))
        for label, side in ((LEFT, -1), (RIGHT, 1)):
            place = {
                kind: ndimage.center_of_mass((frame.territories == kind) & (frame.labels == label))[1]
                for kind in (medial, lateral)
            }
            assert (place[medial] - place[lateral]) * side > 3
