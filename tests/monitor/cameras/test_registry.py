"""Cameras by a short text."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from prismseg.base import ConfigError, Message
from prismseg.cli.main import app
from prismseg.monitor.cameras import (
    CAMERAS,
    FORMATS,
    PATIENTS,
    CameraKind,
    CameraSetting,
    FolderWatcher,
    Simulator,
    UvcCamera,
    WatchedCamera,
    describe_cameras,
    find_simulator,
    open_camera,
    register_camera,
)
from prismseg.monitor.cameras.registry import _split


def test_the_simulator_needs_no_settings():
    camera = open_camera("simulator")
    assert isinstance(camera, WatchedCamera)
    assert isinstance(camera.camera, Simulator)
    assert camera.frame().size == (240, 320)
    camera.close()


def test_settings_of_the_simulator():
    spec = "simulator:seed=3, kind=one-sided,speed=20,mirrored=yes,size=160x120,rate=30"
    simulator = find_simulator(open_camera(spec))
    same = Simulator(3, "one-sided", size=(120, 160), mirrored=True)
    np.testing.assert_array_equal(simulator.labels, same.labels)
    np.testing.assert_array_equal(simulator.frame().celsius.shape, (120, 160))
    simulator.start_dose(seconds_ago=60)
    assert simulator.minute == pytest.approx(20, abs=0.5)


def test_folders_and_their_commas(tmp_path):
    folder = tmp_path / "ward 3, room 2"
    folder.mkdir()
    for spec in (f"folder:{folder}", f"folder:{folder},stale=60"):
        camera = open_camera(spec).camera
        assert isinstance(camera, FolderWatcher)
        assert camera.name == "Folder ward 3, room 2"
    assert _split(r"C:\cam,a=1", has_target=True) == (r"C:\cam", {"a": "1"})


def test_usb_cameras_and_recordings(tmp_path):
    pytest.importorskip("cv2")
    assert open_camera("uvc:0,kind=tc001").name == "TOPDON TC001, InfiRay P2 Pro, device 0"
    assert isinstance(open_camera(f"recording:{tmp_path}/a.raw,kind=tc001").camera, UvcCamera)
    assert isinstance(open_camera(f"recording:{tmp_path}/a.raw,size=80x63,rate=20").camera, UvcCamera)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("webcam", "simulator, folder, uvc, recording"),
        ("", "simulator, folder, uvc, recording"),
        ("simulator:sead=3", "'sead'; it has seed, kind, speed, size, rate, mirrored"),
        ("simulator:seed=three", "a whole number"),
        ("simulator:mirrored=perhaps", "yes or no"),
        ("simulator:size=big", "320x240"),
        ("simulator:speed=fast", "a number"),
        ("simulator:kind=dead", "working, one-sided, none, warm"),
        ("simulator:seed=1,seed=2", "twice"),
        ("simulator:seed=" + "9" * 400, "0 to 1000000000"),
        ("simulator:speed=inf", "0.1 to 600"),
        ("folder:/x\0", "cannot read"),
        ("simulator:hello", "cannot read 'hello'"),
        ("simulator:hello,seed=1", "cannot read 'hello'"),
        ("folder", "needs the folder's path after a colon"),
        ("folder:", "needs the folder's path"),
        ("folder:/x,colour=red", "it has stale"),
        ("folder:/x,stale=0", "more than 0"),
        ("recording:/x,kind=canon", "lepton, lepton-low, tc001"),
        ("recording:/x,size=1x1", "160x120"),
        ("recording", "the file's path"),
        ("uvc", "the device's number or path"),
        ("uvc:0,kind=canon", "lepton, lepton-low, tc001"),
    ],
)
def test_errors_list_what_there_is(spec, words):
    with pytest.raises(ConfigError) as caught:
        open_camera(spec)
    assert words in str(caught.value)
    assert isinstance(caught.value.args[0], Message)


@given(
    st.text(max_size=40),
    st.sampled_from(["simulator:", "recording:/nowhere,", "folder:/nowhere", "", "simulator:seed="]),
)
def test_any_other_text_is_a_config_error_or_a_camera(text, start):
    try:
        camera = open_camera(start + text.replace("uvc", ""))
    except ConfigError as error:
        assert str(error)
    else:
        assert isinstance(camera, WatchedCamera)
        camera.close()


def test_one_registration_adds_a_camera():
    """Opening, messages, the command's help and tables of the documentation know it."""
    opened = []

    def open_it(target, settings, now):
        opened.append((target, settings))
        return Simulator(3, size=(60, 80), now=now)

    kind = CameraKind(
        Message("A camera of the test"),
        "ours:7,gain=2",
        open_it,
        Message("its number"),
        {"gain": CameraSetting(int, Message("a whole number"), lambda: ("1", "2"))},
    )
    register_camera("ours", kind)
    try:
        noon = datetime(2026, 5, 4, 12, tzinfo=UTC)
        frame = open_camera("ours:7,gain=2", lambda: noon).frame()
        assert (frame.size, frame.time) == ((60, 80), noon)
        assert opened == [("7", {"gain": 2})]
        with pytest.raises(ConfigError, match="needs its number after a colon: A camera of the test"):
            open_camera("ours")
        with pytest.raises(ConfigError, match=r"choose from simulator, .*, ours"):
            open_camera("others")
        assert CAMERAS.summary("ours") == "A camera of the test; ours:7,gain=2 (gain: 1, 2)."
        help_text = " ".join(CliRunner().invoke(app, ["monitor", "--help"], env={"COLUMNS": "300"}).output.split())
        assert "ours:7,gain=2" in help_text
        with pytest.raises(ConfigError, match="already"):
            register_camera("ours", replace(kind, example="other"))
    finally:
        CAMERAS.unregister("ours")


def test_help_names_every_kind():
    kinds = describe_cameras()
    assert list(kinds) == ["simulator", "folder", "uvc", "recording"]
    assert all(isinstance(about, Message) and f"{name}:" in about for name, about in kinds.items())
    assert all(kind in kinds["simulator"] for kind in PATIENTS)
    assert all(kind in kinds["uvc"] for kind in FORMATS)
