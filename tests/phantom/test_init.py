"""The former address of the phantoms."""

import importlib

import pytest

import prismseg.thermal.phantom

FORMER = (
    "DEFAULT_MINUTES",
    "DOMAINS",
    "FRAMINGS",
    "LEFT",
    "REFERENCE_SIZE",
    "RIGHT",
    "TERRITORIES",
    "Camera",
    "Comparison",
    "Export",
    "FootCourse",
    "Layer",
    "Pair",
    "PhantomFrame",
    "Record",
    "Subject",
    "calibrate",
    "compare",
    "draw_camera",
    "draw_contact_sheet",
    "draw_courses",
    "draw_export",
    "draw_subject",
    "frame_at",
    "pair_at",
    "stream",
    "write_sessions",
)


@pytest.mark.parametrize("name", FORMER)
def test_former_address(name):
    with pytest.warns(DeprecationWarning, match=rf"Import {name} from prismseg\.thermal\.phantom"):
        found = getattr(importlib.import_module("prismseg.phantom"), name)
    assert found is getattr(prismseg.thermal.phantom, name)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_former_names_and_unknown_ones():
    from prismseg.phantom import draw_wild_camera

    assert draw_wild_camera is prismseg.thermal.phantom.draw_varied_camera
    with pytest.raises(ImportError, match="draw_tame_camera"):
        from prismseg.phantom import draw_tame_camera  # noqa: F401
