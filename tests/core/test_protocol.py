"""Messages survive the pipe; anything else is refused with a code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpcore import protocol
from lpcore.errors import LpError
from lpcore.messages import MESSAGES, sentence

words = st.text(max_size=40)
numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(number=st.integers(), photo=words, folder=words, face=st.none() | st.integers())
def test_requests_round_trip_on_one_line(number, photo, folder, face):
    request = protocol.Analyze(number, photo, folder, face)
    line = protocol.encode(request)
    assert line.endswith("\n") and line.count("\n") == 1 and line.isascii()
    assert protocol.decode_request(line) == request


@given(number=st.integers(), phase=words, fraction=numbers)
def test_events_round_trip(number, phase, fraction):
    event = protocol.Phase(number, phase, fraction)
    assert protocol.decode_event(protocol.encode(event)) == event


@pytest.mark.parametrize(
    "line", ["", "nonsense", "[]", "{}", '{"verb": "hello"}', '{"verb": "sing", "id": 1}']
)
def test_other_lines_are_refused(line):
    with pytest.raises(LpError) as caught:
        protocol.decode_request(line)
    assert caught.value.code == "BAD_REQUEST"


@pytest.mark.parametrize("code", MESSAGES)
def test_every_code_makes_one_sentence(code):
    text = sentence(code, "DETAIL")
    assert text.endswith(".") and "{" not in text and "\n" not in text


def test_braces_in_a_path_are_kept():
    assert "a{b}c" in sentence("PHOTO_MISSING", "a{b}c")
