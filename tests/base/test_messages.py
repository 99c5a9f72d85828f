from __future__ import annotations

import copy
import json
import math
import pickle
from enum import StrEnum
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prismseg.base import DataError, Message

SPANISH = {
    "The {side} sole has {mean:.1f} ± {error:.1f} °C.": "La planta {side} tiene {mean:.1f} ± {error:.1f} °C.",
    "left": "izquierda",
    "Check {file}.": "Revise {file}.",
}


def spanish(template: str) -> str:
    return SPANISH.get(template, template)


def sentence(mean: object = 27.345, side: str = "left") -> Message:
    return Message("The {side} sole has {mean:.1f} ± {error:.1f} °C.", side=Message(side), mean=mean, error=0.1)


def test_a_message_is_its_text() -> None:
    assert sentence() == "The left sole has 27.3 ± 0.1 °C." and isinstance(sentence(), str)
    assert {sentence(): 1}["The left sole has 27.3 ± 0.1 °C."] == 1
    assert json.dumps(sentence(), ensure_ascii=False) == '"The left sole has 27.3 ± 0.1 °C."'
    assert sentence().template.startswith("The {side}") and sentence().values["error"] == 0.1


def test_the_decimal_mark_changes_in_numbers_alone() -> None:
    assert sentence().translated(spanish, ",") == "La planta izquierda tiene 27,3 ± 0,1 °C."
    named = Message("Check {file}.", file="S01.t5.jpg")
    assert named.translated(spanish, ",") == "Revise S01.t5.jpg."
    assert Message("Version 1.2: {ok}", ok=True).translated(str, ",") == "Version 1.2: True"
    assert Message("{n:d} of {share:.1%}", n=3, share=0.125).translated(str, ",") == "3 of 12,5%"


def test_joined_messages_are_translated_one_by_one() -> None:
    both = Message.joined([sentence(), Message("Check {file}.", file="a.jpg"), "A plain remark."])
    assert both == "The left sole has 27.3 ± 0.1 °C. Check a.jpg. A plain remark."
    assert (
        both.translated(spanish, ",") == "La planta izquierda tiene 27,3 ± 0,1 °C. Revise a.jpg. A plain remark."
    )
    assert Message.joined([], ", ") == "" and Message.joined([Message("left")]) == "left"
    assert Message.joined([both, both], "; ").translated(spanish).count("izquierda") == 2


def test_only_templates_with_words_are_looked_up() -> None:
    asked: list[str] = []

    def look_up(template: str) -> str:
        asked.append(template)
        return template

    Message("{a:.1f} ± {b}", a=1.0, b=Message("left")).translated(look_up)
    Message.joined([Message("Yes."), Message("7 %")]).translated(look_up)
    assert asked == ["left", "Yes."]
    assert not Message("{minutes:g}", minutes=3).worded and Message("{x} min", x=3).worded


def test_braces() -> None:
    assert (
        Message('{"low": 22.6}') == '{"low": 22.6}' and Message('{"low": 22.6}').translated(str) == '{"low": 22.6}'
    )
    escaped = Message('{path} holds {{"low": 1}}', path="a.json")
    assert escaped == 'a.json holds {"low": 1}' and escaped.translated(str) == escaped
    # Braces in values are text.
    inserted = Message("Check {file}.", file="{0}{side}")
    assert inserted.translated(spanish) == "Revise {0}{side}."
    assert Message.joined([Message("{oops")]).translated(str) == "{oops"


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (np.float32(1.5), 1.5),
        (np.float64(1.5), 1.5),
        (np.int64(3), 3),
        (np.str_("x"), "x"),
        (Colour.RED, "red"),
        (Path("a/b"), "a/b"),
        ((3, 4), "(3, 4)"),
        (None, "None"),
    ],
)
def test_values_become_plain(value: object, kept: object) -> None:
    message = Message("{value}", value=value)
    assert message.values["value"] == kept and type(message.values["value"]) is type(kept)
    assert Message.from_json(json.loads(json.dumps(message.to_json(), allow_nan=False))) == message


def test_numpy_numbers_get_the_decimal_mark() -> None:
    assert sentence(np.float32(27.25)).translated(spanish, ",") == "La planta izquierda tiene 27,2 ± 0,1 °C."


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_survives_json(number: float) -> None:
    again = Message.from_json(json.loads(json.dumps(sentence(number).to_json(), allow_nan=False)))
    assert again == sentence(number) and repr(again.values["mean"]) == repr(number)


def test_copies_keep_template_and_values() -> None:
    whole = Message.joined([sentence(), Message("Check {file}.", file="a.jpg")])
    stored = Message.from_json(json.loads(json.dumps(whole.to_json())))
    for again in (pickle.loads(pickle.dumps(whole)), copy.copy(whole), copy.deepcopy(whole), stored):
        assert again == whole and type(again) is Message
        assert again.template == whole.template
        assert again.translated(spanish, ",") == whole.translated(spanish, ",")


def test_other_text_is_a_message_without_translation() -> None:
    assert Message.of(sentence()).template == sentence().template
    assert Message.of("50 % {odd").translated(spanish) == "50 % {odd"


def test_errors_keep_their_message() -> None:
    error = DataError(Message("Check {file}.", file="a.jpg"))
    assert str(error) == "Check a.jpg." and error.message.translated(spanish) == "Revise a.jpg."
    assert DataError("plain").message == "plain" and DataError().message == ""
    assert pickle.loads(pickle.dumps(error)).message.template == "Check {file}."


texts = st.text(max_size=20)
numbers = st.floats() | st.integers(-(10**6), 10**6) | st.floats(width=32).map(np.float32)
messages = st.recursive(
    texts.map(Message),
    lambda inner: (
        st.builds(
            lambda words, number, text, nested: Message(
                words.replace("{", "{{").replace("}", "}}") + "{number:+.2f} {text} {nested!s} {nested}",
                number=number,
                text=text,
                nested=nested,
            ),
            texts,
            numbers,
            texts,
            inner,
        )
        | st.lists(inner | texts, max_size=3).map(Message.joined)
    ),
    max_leaves=8,
)


@given(messages)
def test_without_translation_a_message_stays_as_it_is(message: Message) -> None:
    assert message.translated(lambda template: template) == str(message)
    again = Message.from_json(json.loads(json.dumps(message.to_json(), allow_nan=False)))
    assert again == message and again.translated(lambda template: template) == message
