from hypothesis import given
from hypothesis import strategies as st

from prismseg.nets.instant.tiles import cut


@given(length=st.integers(1, 60), tile=st.integers(1, 6), margin=st.integers(0, 4))
def test_tiles_cover_a_side_once_with_their_margins(length, tile, margin):
    length, tile, margin = 16 * length, 16 * tile, 16 * margin
    tiles = list(cut(length, tile=tile, margin=margin))
    assert [place for each in tiles for place in range(each.keep_start, each.keep_stop)] == list(range(length))
    for each in tiles:
        assert each.start == 0 or each.keep_start - each.start == margin
        assert each.stop == length or each.stop - each.keep_stop == margin
        assert each.stop - each.start <= tile + 2 * margin
        assert not any(place % 16 for place in each)
