"""Names that `prismseg.thermal` exports, and those of 0.1.0 that still work."""

import subprocess
import sys

import numpy as np
import pytest

import prismseg.thermal as thermal
from prismseg.thermal import ErrorModel, Parameters, Session, anatomy


@pytest.mark.parametrize("name", thermal.__all__)
def test_every_exported_name_is_there(name):
    assert getattr(thermal, name) is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Errors", "ErrorModel"), ("Plan", "SessionPlan"), ("Reading", "FrameSummary"), ("Shot", "TimedFile"),
        ("WHOLE", "WHOLE_SOLE"), ("in_order", "sort_naturally"), ("minute_in_name", "minute_from_name"),
        ("outlined", "legend_masks"), ("outlines", "trace_outlines"), ("read_listing", "summarize_frames"),
        ("read_shots", "read_files"), ("sentences", "translatable_texts"), ("upright", "turn_upright"),
        ("write_listing", "export_frames"),
    ],
)  # fmt: skip
def test_old_names_warn_and_give_the_new_ones(old, new):
    with pytest.warns(DeprecationWarning, match=new):
        assert getattr(thermal, old) is getattr(thermal, new)
    assert old not in thermal.__all__


def test_frames_soles_sessions_and_outputs_need_no_torch():
    code = "import sys, prismseg.thermal as t; [getattr(t, name) for name in t.__all__]; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_each_territory_has_one_label_and_one_name():
    assert [territory.label for territory in anatomy.TERRITORY_TABLE] == [1, 2, 3, 4, 5]
    assert anatomy.TERRITORIES[anatomy.MEDIAL_CALCANEAL - 1] == "medial calcaneal"
    assert {"sural", "saphenous"} == anatomy.SMALL_TERRITORIES
    assert ("whole sole", *anatomy.TERRITORIES) == anatomy.REGIONS
    zones = tuple(zone.name for zone in anatomy.ZONE_TABLE)
    assert tuple(anatomy.REGION_NAMES) == (*anatomy.REGIONS, *zones)
    assert [anatomy.SIDE_LABELS[side] for side in anatomy.SIDES] == [anatomy.LEFT, anatomy.RIGHT] == [1, 2]


def test_renamed_arguments_and_attributes_work_for_one_version():
    with pytest.warns(DeprecationWarning, match="second is called brightened"):
        Session().add(np.full((12, 12), 25.0), np.zeros((12, 12), bool), minute=0, second=None)
    with pytest.warns(DeprecationWarning, match="stated is called to_dict"):
        assert Parameters(emissivity=0.98).stated() == {"emissivity": 0.98}
    with pytest.warns(DeprecationWarning, match="shared_stated is called mask_correlation"):
        assert ErrorModel(shared_stated=0.5).mask_correlation == 0.5
