"""Words of headings, in small letters without accents and points.

Those of FLIR Tools, Thermal Studio and ResearchIR, Fluke SmartView, testo IRSoft and HIKMICRO Analyzer, in English,
German, Spanish, French, Italian, Portuguese, Dutch, Swedish, Polish, Russian, Chinese and Japanese.
"""

from __future__ import annotations

import unicodedata


def plain_label(text: str) -> str:
    """Reduce a label to small letters without accents and points.

    Examples
    --------
    >>> plain_label("Réfl.  Temp."), plain_label("Отражённая температура")
    ('refl temp', 'отраженная температура')
    """
    parts = unicodedata.normalize("NFKD", text)
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    return " ".join(plain.lower().replace(".", " ").split())


def _words(text: str) -> frozenset[str]:
    return frozenset(plain_label(word) for word in text.split("|"))


_BY_PARAMETER = {
    "emissivity": _words(
        "emissivity|emissionsgrad|emissivitat|emisividad|emissivite|emissivita|emissividade|emissiviteit|emiss|e|ε|"
        "object emissivity|emissivitet|emissionsfaktor|emisyjność|współczynnik emisyjności|коэффициент излучения|"
        "коэф излучения|коэфф излучения|излучательная способность|степень черноты|发射率|辐射率|放射率"
    ),
    "reflected": _words(
        "reflected|reflected temp|reflected temperature|reflected apparent temperature|reflected apparent temp|refl temp|"
        "refl temperature|refl app temp|trefl|t refl|background|background temp|background temperature|rtc|"
        "reflected temperature compensation|reflection temperature|reflektierte temperatur|refl temperatur|"
        "reflektierte scheinbare temperatur|hintergrundtemperatur|temperatura reflejada|temp reflejada|"
        "temperatura aparente reflejada|temperatura de fondo|temperature reflechie|temperature apparente reflechie|"
        "temperature de fond|temperatura riflessa|temperatura apparente riflessa|temperatura refletida|"
        "gereflecteerde temperatuur|gereflecteerde temp|gereflecteerde schijnbare temperatuur|"
        "temperatura aparente refletida|temp refletida|temp riflessa|temp réfléchie|reflekterad temperatur|"
        "reflekterad temp|reflekterad skenbar temperatur|bakgrundstemperatur|temperatura odbita|temp odbita|"
        "odbita temperatura pozorna|temperatura odbita pozorna|temperatura tła|отражённая температура|отраж температура|"
        "отражённая видимая температура|кажущаяся отражённая температура|отражённая кажущаяся температура|"
        "температура фона|фоновая температура|反射温度|反射表象温度|反射表观温度|背景温度|反射見かけ温度"
    ),
    "distance": _words(
        "distance|object distance|distance to object|target distance|abstand|entfernung|objektabstand|objektentfernung|"
        "distancia|distancia al objeto|distancia del objeto|distância do objeto|distanza|distanza oggetto|afstand|"
        "afstand tot object|objectafstand|avstånd|objektavstånd|odległość|odległość od obiektu|odległość obiektu|"
        "расстояние|расстояние до объекта|дистанция|距离|目标距离|物体距离|测温距离|距離|被写体距離|測定距離|対象物距離"
    ),
    "humidity": _words(
        "humidity|relative humidity|rel humidity|rh|relative feuchte|relative feuchtigkeit|relative luftfeuchtigkeit|"
        "relative luftfeuchte|rel luftfeuchtigkeit|luftfeuchtigkeit|luftfeuchte|rel feuchte|humedad|humedad relativa|"
        "humidite|humidite relative|umidita|umidita relativa|umidade|umidade relativa|relatieve vochtigheid|"
        "rel vochtigheid|luchtvochtigheid|relatieve luchtvochtigheid|luftfuktighet|relativ luftfuktighet|"
        "rel luftfuktighet|relativ fuktighet|wilgotność|wilgotność względna|влажность|относительная влажность|"
        "отн влажность|湿度|相对湿度|环境湿度|相対湿度"
    ),
    "atmosphere": _words(
        "atmosphere|atmospheric temp|atmospheric temperature|atmosphere temp|atmosphere temperature|atm temp|"
        "air temperature|air temp|ambient temp|ambient temperature|ambient|atmospharentemperatur|"
        "atmospharische temperatur|lufttemperatur|umgebungstemperatur|temperatura atmosferica|temperatura ambiente|"
        "temperature atmospherique|temperature ambiante|temp atmosphérique|temp atmosférica|omgevingstemperatuur|"
        "atmosferische temperatuur|luchttemperatuur|atmosfärstemperatur|atmosfärisk temperatur|omgivningstemperatur|"
        "temperatura atmosfery|temperatura powietrza|temperatura otoczenia|температура атмосферы|"
        "атмосферная температура|температура воздуха|температура окружающей среды|大气温度|环境温度|空气温度|大気温度|"
        "環境温度|周囲温度|気温"
    ),
    "window_temperature": _words(
        "ext optics temp|ext optics temperature|external optics temp|external optics temperature|window temp|"
        "window temperature|ir window temperature|ir window temp|temperatur externe optik|temp externe optik|"
        "temperatura optica externa|temperature optique externe|температура внешней оптики|外部光学温度|外部光学系温度"
    ),
    "window_transmission": _words(
        "ext optics trans|ext optics transmission|external optics trans|external optics transmission|"
        "window transmission|window trans|ir window transmission|ir window trans|transmission|transmissivity|"
        "transmission externe optik|transmision|transmision optica externa|transmission optique externe|trasmissione|"
        "пропускание|пропускание внешней оптики|外部光学透过率|光学透过率|透过率|窗口透过率|透過率|外部光学系透過率"
    ),
}
PARAMETERS = {word: name for name, words in _BY_PARAMETER.items() for word in words}
MOMENTS = _words(
    "date/time|date time|datetime|date & time|date and time|timestamp|time stamp|image date|image time|image date/time|"
    "capture date|capture time|captured|capture date/time|acquisition time|acquisition date|recorded|recording time|date|"
    "time|datum|zeit|uhrzeit|datum/uhrzeit|datum/zeit|datum und uhrzeit|datum, uhrzeit|aufnahmezeit|aufnahmedatum|"
    "aufnahmezeitpunkt|fecha|hora|fecha y hora|fecha/hora|fecha de captura|date de l'image|date et heure|heure|data|ora|"
    "data e ora|data/ora|data e hora|frame time|start time|datum en tijd|tijd|"
    "date/heure|data/hora|datum/tijd|datum och tid|datum/tid|tid|klockslag|data i czas|data/czas|czas|godzina|"
    "дата|время|дата и время|дата/время|дата съёмки|время съёмки|日期|时间|日期时间|日期/时间|拍摄时间|拍摄日期|采集时间|"
    "日付|時刻|日時|撮影日時|撮影日|撮影時刻|測定日時"
)
CAMERAS = _words(
    "camera|camera model|camera type|model|kamera|kameramodell|kameratyp|camara|modelo|modelo de camara|modele|"
    "modele de camera|modello|instrument|imager|imager model|device|device model|"
    "modell|modelo da câmera|modello fotocamera|modello telecamera|cameramodel|model kamery|камера|модель камеры|модель|"
    "相机|相机型号|型号|设备型号|热像仪|热像仪型号|カメラ|カメラモデル|機種"
)
UNITS = _words(
    "unit|units|temperature unit|temperature units|temp unit|data unit|data units|einheit|temperatureinheit|unidad|"
    "unidades|unidad de temperatura|unite|unite de temperature|unita|unidade|eenheid|"
    "enhet|temperaturenhet|jednostka|jednostki|jednostka temperatury|единицы|единица|единицы измерения|"
    "единица измерения|единица температуры|单位|温度单位|単位|温度単位"
)
WORDS = frozenset(PARAMETERS) | MOMENTS | CAMERAS | UNITS
