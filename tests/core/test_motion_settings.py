"""The settings of *speak*: checked when they are made, and every one of them a flag of the command line."""

from __future__ import annotations

from dataclasses import asdict, fields
from math import inf, nan

import pytest

from lpcore.cli import main
from lpcore.errors import LpError
from lpcore.types import EMOTIONS, SpeakSettings

WRONG = [
    {"lips": -0.1}, {"jaw": nan}, {"brows": inf}, {"head": "1"}, {"yaw": True}, {"pitch": None}, {"roll": [1]},
    {"shift": -1}, {"blinks": 1.1}, {"blink_rate": -inf}, {"blink_seed": 1.5}, {"blink_seed": -1},
    {"smoothing": 21}, {"silence_db": 0.1}, {"emotion": "bored"}, {"emotion": None}, {"emotion": 1},
    {"emotion_strength": 1.01}, {"style_audio": 3}, {"style_audio": ""}, {"hold": 0}, {"hold": 2.0}, {"seed": -1},
    {"seed": 2**32}, {"blink_seed": 2**32}, {"head": 1e308},
]  # fmt: skip


@pytest.mark.parametrize("values", WRONG, ids=str)
def test_what_no_setting_can_be_is_named(values):
    with pytest.raises(LpError) as caught:
        SpeakSettings.from_dict(values)
    assert caught.value.code == "BAD_VALUE" and f"the setting {next(iter(values))} " in caught.value.detail


def test_unknown_settings_are_named():
    with pytest.raises(LpError) as caught:
        SpeakSettings.from_dict({"lisp": 1.0})
    assert "'lisp'" in caught.value.detail


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_settings_survive_plain_values(emotion):
    settings = SpeakSettings(lips=2, emotion=emotion, blink_seed=3, style_audio="a.wav", hold=2)
    assert SpeakSettings.from_dict(asdict(settings)) == settings


def test_every_setting_is_a_flag_of_the_verbs_that_speak(capsys):
    for verb in ("animate", "speak"):
        with pytest.raises(SystemExit):
            main([verb, "--help"])
        told = capsys.readouterr().out
        for setting in fields(SpeakSettings):
            assert f"--{setting.name.replace('_', '-')} " in told and setting.metadata["about"]
    with pytest.raises(SystemExit):
        main(["draw", "--help"])
    assert "--lips" not in capsys.readouterr().out


def test_flags_out_of_range_get_one_sentence(capsys, tmp_path):
    assert main(["speak", "a.png", "a.wav", "-o", str(tmp_path / "m.json"), "--blinks", "7"]) == 1
    told = capsys.readouterr().err
    assert "blinks" in told and "at most 1" in told and told.count("\n") == 1
