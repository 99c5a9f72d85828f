"""Words of headings, in small letters without accents and points.

Those of FLIR Tools, Thermal Studio and ResearchIR, Fluke SmartView, testo IRSoft and HIKMICRO Analyzer, in English,
German, Spanish, French, Italian, Portuguese and Dutch.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split("|"))


_BY_PARAMETER = {
    "emissivity": _words(
        "emissivity|emissionsgrad|emissivitat|emisividad|emissivite|emissivita|emissividade|emissiviteit|emiss|e|ε|"
        "object emissivity"
    ),
    "reflected": _words(
        "reflected|reflected temp|reflected temperature|reflected apparent temperature|reflected apparent temp|refl temp|"
        "refl temperature|refl app temp|trefl|t refl|background|background temp|background temperature|rtc|"
        "reflected temperature compensation|reflection temperature|reflektierte temperatur|refl temperatur|"
        "reflektierte scheinbare temperatur|hintergrundtemperatur|temperatura reflejada|temp reflejada|"
        "temperatura aparente reflejada|temperatura de fondo|temperature reflechie|temperature apparente reflechie|"
        "temperature de fond|temperatura riflessa|temperatura apparente riflessa|temperatura refletida|"
        "gereflecteerde temperatuur"
    ),
    "distance": _words(
        "distance|object distance|distance to object|target distance|abstand|entfernung|objektabstand|objektentfernung|"
        "distancia|distancia al objeto|distanza|afstand"
    ),
    "humidity": _words(
        "humidity|relative humidity|rel humidity|rh|relative feuchte|relative feuchtigkeit|relative luftfeuchtigkeit|"
        "relative luftfeuchte|rel luftfeuchtigkeit|luftfeuchtigkeit|luftfeuchte|rel feuchte|humedad|humedad relativa|"
        "humidite|humidite relative|umidita|umidita relativa|umidade|umidade relativa|relatieve vochtigheid"
    ),
    "atmosphere": _words(
        "atmosphere|atmospheric temp|atmospheric temperature|atmosphere temp|atmosphere temperature|atm temp|"
        "air temperature|air temp|ambient temp|ambient temperature|ambient|atmospharentemperatur|"
        "atmospharische temperatur|lufttemperatur|umgebungstemperatur|temperatura atmosferica|temperatura ambiente|"
        "temperature atmospherique|temperature ambiante|omgevingstemperatuur"
    ),
    "window_temperature": _words(
        "ext optics temp|ext optics temperature|external optics temp|external optics temperature|window temp|"
        "window temperature|ir window temperature|ir window temp|temperatur externe optik|temp externe optik|"
        "temperatura optica externa|temperature optique externe"
    ),
    "window_transmission": _words(
        "ext optics trans|ext optics transmission|external optics trans|external optics transmission|"
        "window transmission|window trans|ir window transmission|ir window trans|transmission|transmissivity|"
        "transmission externe optik|transmision|transmision optica externa|transmission optique externe|trasmissione"
    ),
}
PARAMETERS = {word: name for name, words in _BY_PARAMETER.items() for word in words}
MOMENTS = _words(
    "date/time|date time|datetime|date & time|date and time|timestamp|time stamp|image date|image time|image date/time|"
    "capture date|capture time|captured|capture date/time|acquisition time|acquisition date|recorded|recording time|date|"
    "time|datum|zeit|uhrzeit|datum/uhrzeit|datum/zeit|datum und uhrzeit|datum, uhrzeit|aufnahmezeit|aufnahmedatum|"
    "aufnahmezeitpunkt|fecha|hora|fecha y hora|fecha/hora|fecha de captura|date de l'image|date et heure|heure|data|ora|"
    "data e ora|data/ora|data e hora|frame time|start time|datum en tijd|tijd"
)
CAMERAS = _words(
    "camera|camera model|camera type|model|kamera|kameramodell|kameratyp|camara|modelo|modelo de camara|modele|"
    "modele de camera|modello|instrument|imager|imager model|device|device model"
)
UNITS = _words(
    "unit|units|temperature unit|temperature units|temp unit|data unit|data units|einheit|temperatureinheit|unidad|"
    "unidades|unidad de temperatura|unite|unite de temperature|unita|unidade|eenheid"
)
