"""What a segmentation run reads, uses, and is found by."""

import yaml

from prismseg.base.provenance.sources import code_of
from prismseg.study import expand, read_study
from prismseg.study.kinds.segmentation.settings import SegmentationSettings, data_files, unused_packages

STUDY = """
title: Small
kind: segmentation
base:
  data: {path: runs/data, channels: 1, classes: [background, foot]}
  simulate: {sessions: 6, size: [48, 64]}
  size: [32, 32]
  optim: {steps: 6, batch_size: 2}
  model: {width: 0.25}
  split: {fractions: [0.5, 0.2, 0.3]}
  evaluate_every: 3
  compile: "no"
  explain: true
grid:
  skip:
    none: {model.skip: none}
    crffg M3: {model.skip: crffg, model.multiplier: 3}
  seed: {seed: [0, 1]}
"""


def test_runs_that_earlier_versions_finished_are_found(tmp_path):
    """These names stand on the disks of users: a setting that is added or renamed must leave them as they are."""
    (tmp_path / "small.yaml").write_text(STUDY)
    keys = {run.key for run in expand(read_study(tmp_path / "small.yaml"))}
    assert keys == {"11c294f87d7af117", "25ec400827cd28f3", "2a6ac473c5e4cab1", "a5251da2ca31d7dd"}
    study = yaml.safe_load(STUDY)
    study["base"]["source"] = {"kind": "cases"}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(study))
    assert {run.key for run in expand(read_study(tmp_path / "small.yaml"))} == keys


def test_the_code_of_a_segmentation_run_holds_its_metrics_and_not_its_figures():
    code = code_of("prismseg.study.kinds.segmentation.run")
    assert {
        "prismseg.evaluation.metrics",
        "prismseg.train.loop",
        "prismseg.nets.unet",
        "prismseg.data.preparation.augment",
    } <= set(code)
    assert {"prismseg.explain.measures.relevance", "prismseg.features.crffg"} <= set(code)
    shown = ("_figures", ".report", ".figures", ".page")
    assert not [
        name for name in code if name.endswith(shown) or name.startswith(("prismseg.cli", "prismseg.monitor"))
    ]
    assert "prismseg.study.kinds.fashion.run" not in code
    small = code_of("prismseg.study.kinds.segmentation.run", without=("explain", "thermal"))
    assert not [name for name in small if name.startswith(("prismseg.explain", "prismseg.thermal"))]


def test_segmentation_reads_images_masks_and_tables(tmp_path):
    for name in ("images/a.png", "masks/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"0")
    (tmp_path / "dataset.csv").write_text("image,mask,group\nimages/a.png,masks/a.png,p\n")
    (tmp_path / "README.md").write_text("words")
    settings = SegmentationSettings.model_validate({"data": {"path": str(tmp_path)}})
    assert [path.name for path in data_files(settings)] == ["dataset.csv", "a.png", "a.png"]
    assert unused_packages(settings) == ("thermal", "explain")
    processed = SegmentationSettings.model_validate({"data": {"path": "x"}, "postprocess": "two-feet"})
    assert unused_packages(processed) == ("explain",)
    simulated = settings.model_copy(update={"simulate": {"sessions": 1}, "explain": True})
    assert data_files(simulated) == [] and unused_packages(simulated) == ()
