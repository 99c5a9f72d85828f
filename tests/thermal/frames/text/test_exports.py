"""Exports of cameras' programs: parameters, unit and time from the heading, in the writing of several countries."""

from datetime import datetime

import numpy as np
import pytest

from prismseg.base import DataError
from prismseg.thermal import Session, find_frames, read_frame


def rows_of(celsius, delimiter, decimal, *, lead="", end="\n"):
    rows = (delimiter.join(f"{value:.2f}".replace(".", decimal) for value in row) for row in celsius)
    return "".join(lead + row + end for row in rows)


FLIR_TOOLS = """\
File:;C:\\Users\\anaesthesia\\IR_0123.jpg
;
Parameters:;Emissivity:;0,95
;Reflected temp.:;22,5 °C
;Distance:;1,2 m
;Atmospheric temp.:;23,0 °C
;Ext. optics temp.:;20,0 °C
;Ext. optics trans.:;1
;Relative humidity:;45,0 %
Date:;31.05.2026 14:05:30
Camera model:;FLIR E8-XT
;
"""
RESEARCH_IR = """\
File Path,D:\\rec\\Rec-000123.seq
Emissivity,0.98
Reflected Temp,295.65 K
Object Distance,120 cm
Atmosphere Temp,22.5 C
Relative Humidity,0.45
Temperature unit,°C
Time,2026-05-31 14:05:30.250
"""
SMART_VIEW = """\
Image Date: 5/31/2026 2:05:30 PM
Camera Model: Ti480 PRO
Emissivity: 0.95
Background: 72.5 °F
Transmission: 100 %
Units: °F
"""


def test_flir_tools(tmp_path, scene):
    """With ; and decimal commas, an empty cell before each row, in the code page of Windows."""
    path = tmp_path / "a.csv"
    path.write_bytes((FLIR_TOOLS + rows_of(scene, ";", ",", lead=";", end="\r\n")).encode("cp1252"))
    frame = read_frame(path)
    np.testing.assert_allclose(frame.celsius, scene, atol=0.0051)
    assert (
        frame.time == datetime(2026, 5, 31, 14, 5, 30) and frame.camera == "FLIR E8-XT" and frame.kind == "matrix"
    )
    assert frame.parameters.to_dict() == pytest.approx(
        {"emissivity": 0.95, "reflected": 22.5, "distance": 1.2, "humidity": 0.45, "atmosphere": 23.0,
         "window_temperature": 20.0, "window_transmission": 1.0}
    )  # fmt: skip
    assert frame.doubts == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("label", ["", "Frame 1,"])
def test_research_ir(tmp_path, scene, encoding, label):
    path = tmp_path / "a.csv"
    path.write_bytes((RESEARCH_IR + rows_of(scene, ",", ".", lead=label)).encode(encoding))
    frame = read_frame(path)
    np.testing.assert_allclose(frame.celsius, scene, atol=0.0051)
    assert frame.time == datetime(2026, 5, 31, 14, 5, 30, 250000)
    assert frame.parameters.to_dict() == pytest.approx(
        {"emissivity": 0.98, "reflected": 22.5, "distance": 1.2, "humidity": 0.45, "atmosphere": 22.5}
    )


def test_smart_view(tmp_path, scene):
    """In °F, separated by tabs, with numbers of columns and rows."""
    path = tmp_path / "a.txt"
    columns = "\t" + "\t".join(str(number) for number in range(1, scene.shape[1] + 1)) + "\n"
    rows = "".join(
        f"{number}\t" + "\t".join(f"{value:.3f}" for value in row) + "\n"
        for number, row in enumerate(scene * 1.8 + 32, start=1)
    )
    path.write_text(SMART_VIEW + columns + rows, encoding="utf-8")
    frame = read_frame(path)
    np.testing.assert_allclose(frame.celsius, scene, atol=0.001)
    assert frame.time == datetime(2026, 5, 31, 14, 5, 30) and frame.camera == "Ti480 PRO"
    assert frame.parameters.to_dict() == pytest.approx(
        {"emissivity": 0.95, "reflected": 22.5, "window_transmission": 1.0}
    )
    assert any("converted from °F" in note for note in frame.notes) and frame.kind == "matrix"
    assert find_frames([tmp_path]) == [path]  # a .txt that looks like a frame is taken from a folder


@pytest.mark.parametrize(
    ("heading", "parameters"),
    [
        ("Emissionsgrad: 0,97\nReflektierte Temperatur [°C]: 21,5\nAbstand (m): 0,8\nRel. Luftfeuchtigkeit: 40 %\n",
         {"emissivity": 0.97, "reflected": 21.5, "distance": 0.8, "humidity": 0.4}),
        ("Emisividad;0,97\nTemperatura reflejada;21,5 °C\nDistancia;0,8 m\nHumedad relativa;40 %\n",
         {"emissivity": 0.97, "reflected": 21.5, "distance": 0.8, "humidity": 0.4}),
        ("Émissivité : 0,97\nTempérature réfléchie : 21,5 °C\nTempérature atmosphérique : 20 °C\n",
         {"emissivity": 0.97, "reflected": 21.5, "atmosphere": 20.0}),
        ("Emissivity = 97 %\nTrefl = 21.5\n", {"emissivity": 0.97, "reflected": 21.5}),
        ("Emissivity 0.97\nDistance 3 ft\n", {"emissivity": 0.97, "distance": 0.9144}),
        ("Estimated atmospheric transmission: 0.99\nSpot 1: 31.2 °C\n", {}),
    ],
)  # fmt: skip
def test_headings_of_many_countries(tmp_path, scene, heading, parameters):
    path = tmp_path / "a.csv"
    path.write_text(heading + rows_of(scene, ";", ","))
    assert read_frame(path).parameters.to_dict() == pytest.approx(parameters)


@pytest.mark.parametrize(
    ("heading", "time"),
    [("Date: 2026-05-31\nTime: 14:05:30", (14, 5, 30)), ("Datum;31.05.26\nUhrzeit;14:05:30", (14, 5, 30)),
     ("Fecha y hora: 31/05/2026 14:05", (14, 5)), ("Date/Time;May 31, 2026 2:05:30 PM", (14, 5, 30)),
     ("Date;Sunday, 31 May 2026 14:05:30", (14, 5, 30)), ("Timestamp,2026-05-31T14:05:30", (14, 5, 30)),
     ("Datum: 31. Mai 2026 14:05:30", (14, 5, 30)), ("Date: 31-05-2026 12:05:30 AM", (0, 5, 30)),
     ("Datum och tid;31 maj 2026 14:05", (14, 5)), ("Дата и время: 31 мая 2026 14:05:30", (14, 5, 30)),
     ("拍摄时间：2026/5/31 下午 2:05:30", (14, 5, 30)), ("撮影日時,2026年5月31日 14時05分30秒", (14, 5, 30)),
     ("拍摄时间;2026-05-31 上午12:05", (0, 5)), ("Date: 2026-05-31 2:05 μ.μ.", None),
     ("Data i czas;31.05.2026 14:05", (14, 5)), ("Data e hora;31 mai. 2026 14:05", (14, 5)),
     ("Date: 2026-05-31", None), ("Time: 14:05:30", None), ("Date: yesterday", None)],
)  # fmt: skip
def test_dates_and_times(tmp_path, scene, heading, time):
    path = tmp_path / "a.csv"
    path.write_text(heading + "\n" + rows_of(scene, ";", "."))
    assert read_frame(path).time == (None if time is None else datetime(2026, 5, 31, *time))


LANGUAGES = {
    "cp1252": ("Emissivitet;0,97\nReflekterad temp.;21,5 °C\nAvstånd;0,8 m\nRelativ luftfuktighet;40,0 %\n"
               "Enhet;°C\nDatum;2026-05-31\nTid;14:05:30\nKameramodell;FLIR E8\n"),
    "cp1250": ("Emisyjność;0,97\nTemperatura odbita;21,5 °C\nOdległość;0,8 m\nWilgotność względna;40,0 %\n"
               "Jednostka;°C\nData i czas;31.05.2026 14:05:30\nModel kamery;FLIR E8\n"),
    "cp1251": ("Коэффициент излучения;0,97\nОтраженная температура;21,5 °С\nРасстояние;80 см\n"
               "Относительная влажность;40,0 %\nЕдиницы измерения;°C\nДата;31.05.2026\nВремя;14:05:30\n"
               "Модель камеры;FLIR E8\n"),
    "gb18030": ("发射率;0.97\n反射温度;21.5 ℃\n距离;0.8 米\n相对湿度;40 %\n温度单位;℃\n拍摄时间;2026-05-31 14:05:30\n"
                "型号;FLIR E8\n"),
    "cp932": ("放射率;0.97\n反射温度;21.5 ℃\n距離;0.8 m\n相対湿度;40 %\n温度単位;℃\n撮影日時;2026/05/31 14:05:30\n"
              "機種;FLIR E8\n"),
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("utf", [None, "utf-16", "utf-8-sig"])
def test_headings_in_the_encodings_of_their_countries(tmp_path, scene, language, utf):
    path = tmp_path / "a.csv"
    text = LANGUAGES[language].replace("\n", "\r\n") + rows_of(scene, ";", ",", end="\r\n")
    path.write_bytes(text.encode(utf or language))
    frame = read_frame(path)
    np.testing.assert_allclose(frame.celsius, scene, atol=0.0051)
    assert frame.parameters.to_dict() == pytest.approx(
        {"emissivity": 0.97, "reflected": 21.5, "distance": 0.8, "humidity": 0.4}
    )
    assert frame.time == datetime(2026, 5, 31, 14, 5, 30) and frame.camera == "FLIR E8"


@pytest.mark.parametrize("unit", ["温度单位;℉", "Единицы: градусы Фаренгейта", "Temperatura odbita;70 ℉"])
def test_fahrenheit_in_any_writing_is_no_celsius(tmp_path, scene, unit):
    path = tmp_path / "a.csv"
    path.write_text(f"{unit}\n" + rows_of(scene * 1.8 - 30, ";", "."), encoding="utf-8")
    try:
        frame = read_frame(path)
    except DataError as error:
        assert "in °F and does not say" in str(error)
    else:
        np.testing.assert_allclose(frame.celsius, (scene * 1.8 - 62) / 1.8, atol=0.01)


def test_a_date_that_may_be_either_way_round_is_no_clock(tmp_path, scene):
    path = tmp_path / "a.csv"
    path.write_text("Date: 03/04/2026 14:05:30\n" + rows_of(scene, ";", "."))
    frame = read_frame(path)
    assert frame.time is None and any("may have day or month first" in note for note in frame.notes)
    path.with_suffix(".json").write_text('{"time": "2026-04-03T14:05:30"}')
    assert read_frame(path).time == datetime(2026, 4, 3, 14, 5, 30)


@pytest.mark.parametrize(
    ("heading", "doubt"),
    [("Reflected temp.: 298", "reflected 298 °C cannot"), ("Emissivity: 0", "emissivity is 0, which is impossible"),
     ("Emissivity: 1.7", "emissivity is 1.7, which"), ("Relative humidity: 5000 %", "humidity is 5000, which"),
     ("Distance: -1 m", "distance is -1, which"), ("Ext. optics trans.: 0.82", "transmission 0.82 assumes"),
     ("Emissivity: 0.3", "not that of skin")],
)  # fmt: skip
def test_parameters_that_cannot_be_are_named_and_not_measured(tmp_path, scene, heading, doubt):
    path = tmp_path / "a.csv"
    path.write_text(heading + "\n" + rows_of(scene, ";", "."))
    frame = read_frame(path)
    assert any(doubt in each for each in frame.doubts) and any(
        f"doubtful: {frame.doubts[0]}" == n for n in frame.notes
    )
    session = Session()
    entry = session.add(frame, np.zeros(scene.shape, np.uint8), minute=0)
    assert not entry.ok and "export" in entry.reason and doubt in entry.reason
    path.with_suffix(".json").write_text(
        '{"parameters": {"reflected": 22, "emissivity": 0.98, "humidity": 0.5, "distance": 1, "window_transmission": 1}}'
    )
    assert read_frame(path).doubts == ()  # a person says what they truly were


def test_what_is_not_certainly_in_celsius_is_refused(tmp_path, scene):
    path = tmp_path / "a.csv"
    path.write_text("Reflected temp: 72.5 °F\n" + rows_of(scene, ";", "."))
    with pytest.raises(DataError, match="parameters in °F and does not say"):
        read_frame(path)
    np.testing.assert_allclose(read_frame(path, scale=1, offset=0).celsius, scene, atol=0.0051)
    path.write_text(rows_of(scene * 1.8 + 32, ";", "."))
    with pytest.raises(DataError, match="Fahrenheit"):
        read_frame(path)


@pytest.mark.parametrize("unit", ["Unit: °C", "Temperature [°C]", "Temperatures in °C", "Image data (°C)"])
def test_whole_degrees_of_a_file_that_says_so(tmp_path, scene, unit):
    path = tmp_path / "a.csv"
    path.write_text(f"{unit}\n" + rows_of(np.rint(scene), ";", "."))
    np.testing.assert_array_equal(read_frame(path).celsius, np.rint(scene))


def test_kelvin_of_a_file_that_says_so(tmp_path, scene):
    path = tmp_path / "a.csv"
    path.write_text("Unit;K\n" + rows_of(scene + 273.15, ";", "."))
    np.testing.assert_allclose(read_frame(path).celsius, scene, atol=0.006)


def test_quoted_numbers(tmp_path, scene):
    path = tmp_path / "a.csv"
    rows = "\n".join(",".join('"' + f"{value:.2f}".replace(".", ",") + '"' for value in row) for row in scene)
    path.write_text('"Emissivity","0,97"\n' + rows)
    frame = read_frame(path)
    np.testing.assert_allclose(frame.celsius, scene, atol=0.0051)
    assert frame.parameters.emissivity == 0.97


@pytest.mark.parametrize(
    ("change", "reason"),
    [(lambda rows: rows + "\n\nFrame 2\n" + rows, "several frames"), (lambda rows: rows + rows[:60], "columns"),
     (lambda rows: rows + "\n\n" + rows, "2 frames, with blank lines"),
     (lambda rows: rows + rows.replace("33.", "34.") + rows, "3 frames, one below the other"),
     (lambda rows: 2 * "".join(f"{k};{row}\n" for k, row in enumerate(rows.splitlines(), 1)), "2 frames, one below"),
     (lambda rows: rows.replace(";", ";;", 1), "columns"),
     (lambda rows: ";".join(f"T{'x' * k}" for k in range(64)) + "\n" + rows, "names")],
)  # fmt: skip
def test_no_single_whole_matrix(tmp_path, scene, change, reason):
    path = tmp_path / "a.csv"
    path.write_text("Emissivity;0.95\n" + change(rows_of(scene, ";", ".")))
    with pytest.raises(DataError, match=reason):
        read_frame(path)


@pytest.mark.parametrize("every", [1, 5])
def test_blank_lines_between_rows_mean_nothing(tmp_path, scene, every):
    """Only matrices as tall as a frame are frames of their own."""
    path = tmp_path / "a.csv"
    rows = rows_of(scene, ";", ".").split("\n")
    path.write_text("\n".join(row + "\n" * (1 + (number % every == 0)) for number, row in enumerate(rows)))
    assert read_frame(path).size == scene.shape


def test_lines_below_the_matrix_may_say_parameters_too(tmp_path, scene):
    path = tmp_path / "a.csv"
    path.write_text(rows_of(scene, ";", ".") + "\nEmissivity;0.97\nMax;33.1\n")
    assert read_frame(path).parameters.emissivity == 0.97 and read_frame(path).size == scene.shape


def test_text_that_is_no_frame_is_passed_over_in_folders(tmp_path, scene):
    (tmp_path / "t0.csv").write_text(rows_of(scene, ";", "."))
    (tmp_path / "notes.txt").write_text("Left foot cold since 14:05.\n")
    (tmp_path / "vitals.txt").write_text("time;heart;pressure\n0;80;120\n5;82;118\n")
    assert [path.name for path in find_frames([tmp_path])] == ["t0.csv"]


@pytest.mark.parametrize(
    ("heading", "reason"),
    [("Unit;W/(sr m2)", r"unit 'W/\(sr m2\)', which is not °C"), ("Units: Counts", "unit 'Counts'"), ("Unit;°R", "'°R'"),
     ("°F", "in °F and does not say"), ("Max: 91.3 °F", "in °F and"), ("Temperature scale: Fahrenheit", "in °F and"),
     ("Spot [K];304.1", "in K and does not say")],
)  # fmt: skip
def test_another_unit_anywhere_in_a_heading_is_never_passed_over(tmp_path, scene, heading, reason):
    path = tmp_path / "a.csv"
    path.write_text(f"{heading}\n" + rows_of(scene, ";", "."))
    with pytest.raises(DataError, match=reason):
        read_frame(path)
    np.testing.assert_allclose(read_frame(path, scale=1, offset=0).celsius, scene, atol=0.0051)


@pytest.mark.parametrize(
    "unit", ["Unit;degrees C", "Einheit;Grad Celsius", "Unidad: grados C", "Units;Metric", "Unit;°C"]
)
def test_units_in_words(tmp_path, scene, unit):
    path = tmp_path / "a.csv"
    path.write_text(f"Camera;FLIR T640 K\n{unit}\nEmissivity;.95\n" + rows_of(scene, ";", "."))
    frame = read_frame(path)
    np.testing.assert_allclose(frame.celsius, scene, atol=0.0051)
    assert frame.parameters.emissivity == 0.95


@pytest.mark.parametrize("digits", [1, 2])
def test_decimal_commas_between_commas_are_refused(tmp_path, scene, digits):
    path = tmp_path / "a.csv"
    path.write_text(
        "Unit,°C\n"
        + "\n".join(",".join(f"{value:.{digits}f}".replace(".", ",") for value in row) for row in scene)
    )
    with pytest.raises(DataError, match="decimal commas cannot be told"):
        read_frame(path)


@pytest.mark.parametrize("numbers", [range(0, 1000, 2), range(500, 0, -1)])
def test_any_numbering_of_rows_is_no_temperature(tmp_path, scene, numbers):
    path = tmp_path / "a.csv"
    rows = rows_of(scene, ";", ".").splitlines()
    path.write_text("\n".join(f"{number};{row}" for number, row in zip(numbers, rows, strict=False)))
    with pytest.raises(DataError, match=r"first column of .* is a numbering"):
        read_frame(path)
