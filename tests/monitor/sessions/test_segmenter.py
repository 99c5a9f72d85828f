"""The monitor's network: found by name, folder or run, and named with what it measures."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from prismseg.base import PrismsegError
from prismseg.base.version import VERSION
from prismseg.monitor.cameras import Simulator
from prismseg.monitor.sessions.segmenter import SoleSegmenter
from prismseg.nets import find_model
from prismseg.thermal import template_hash


@pytest.fixture(scope="module")
def shipped() -> SoleSegmenter:
    return SoleSegmenter()


def test_a_shipped_name_a_folder_and_a_run_are_one_network(shipped: SoleSegmenter, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(find_model("thermal-feet"), run / "model")
    for place in (run / "model", run, str(run)):
        found = SoleSegmenter(place)
        assert found.model.name == str(place)
        assert found.model.sha256 == shipped.model.sha256
    with pytest.raises(PrismsegError):
        SoleSegmenter(tmp_path / "none")


def test_results_name_what_they_were_made_with(shipped: SoleSegmenter) -> None:
    made_with = shipped.provenance
    assert (made_with.application, made_with.model, made_with.template_hash) == (
        VERSION, "thermal-feet", template_hash(),
    )  # fmt: skip
    assert len(made_with.model_hash) == 64


def test_both_soles_of_the_simulated_patient_are_found(shipped: SoleSegmenter) -> None:
    simulator = Simulator(3)
    frame, truth = simulator.frame(), simulator.labels > 0
    first, second = shipped.segment(frame)
    live = shipped.segment_live(frame)
    for probability in (first, second):
        found = probability > 0.5
        assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.9
    assert live is not None
    np.testing.assert_array_equal(live, first)
