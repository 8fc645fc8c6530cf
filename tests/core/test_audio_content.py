"""Content features: chunks join without seams, and the recogniser knows its phones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lpcore.audio import content
from lpcore.audio.load import load

EXAMPLE = Path(__file__).parents[2] / "examples" / "hello.flac"


@pytest.mark.parametrize("samples", [1, 320, 321, 159_999, 160_000, 160_001, 500_000])
def test_chunks_join_to_the_whole(samples, monkeypatch):
    def hop_means(_, chunk):
        padded = np.zeros((-(-len(chunk) // 320) * 320,), np.float32)
        padded[: len(chunk)] = chunk
        return np.repeat(padded.reshape(-1, 320).mean(axis=1)[:, None], content.WIDTH, axis=1)

    monkeypatch.setattr("lpcore.weights.require", lambda name: Path(name))
    monkeypatch.setattr(content, "_session", lambda path: None)
    monkeypatch.setattr(content, "_run", hop_means)
    sound = np.random.default_rng(0).standard_normal(samples).astype(np.float32)
    shares: list[float] = []
    result = content.features(sound, lambda _, share: shares.append(share))
    np.testing.assert_array_equal(result, hop_means(None, sound))
    assert shares[-1] == 1.0 and len(shares) == -(-samples // 160_000)


def test_an_output_is_added_by_appending_bytes():
    added = content.extra_output("n", 10)
    # graph { output { name: "n" type { tensor_type { elem_type: 10 } } } }
    assert added == b"\x3a\x0b\x62\x09\x0a\x01n\x12\x04\x0a\x02\x08\x0a"


@pytest.mark.weights
def test_real_speech_gives_phones_and_hidden_units():
    samples = load(EXAMPLE)
    features = content.features(samples)
    assert features.shape == (-(-len(samples) // 320), content.WIDTH)
    posteriors = features[:, content.HIDDEN :]
    np.testing.assert_allclose(posteriors.sum(axis=1), 1, atol=1e-2)
    assert features[:, : content.HIDDEN].std() > 0.1
    spikes = features[:, list(content.BILABIALS)].sum(axis=1) > 0.5
    # portrait, made, from, bring, me, my, lips, become (b, m), part, moving, picture and "am"
    assert 11 <= int(np.sum(np.diff(spikes.astype(int)) == 1)) <= 15


@pytest.mark.weights
def test_long_speech_says_the_same_as_short_speech():
    samples = load(EXAMPLE)
    long = np.concatenate([samples] * 5)
    assert len(long) > 30 * 16000
    once, again = content.features(samples), content.features(long)
    fourth = round(3 * len(samples) / 320)
    part = again[fourth + 20 : fourth + len(once) - 20, : content.HIDDEN].ravel()
    assert np.corrcoef(once[20:-20, : content.HIDDEN].ravel()[: len(part)], part)[0, 1] > 0.9
