import numpy as np
import pytest

from hybridseq.datasets import LETTER_WORDS, make_letter_words


def test_images_are_binary_and_words_come_from_the_list():
    X, y = make_letter_words(60, random_state=0)
    assert all(x.shape == (len(letters), 128) and x.dtype == np.float32 for x, letters in zip(X, y, strict=True))
    assert {value for x in X for value in np.unique(x)} == {0.0, 1.0}
    found = {"".join(letters) for letters in y}
    assert found <= set(LETTER_WORDS) and len(found) > 20


def test_the_seed_decides():
    one, same, other = (make_letter_words(4, random_state=seed) for seed in (1, 1, 2))
    assert one[1] == same[1] and all(np.array_equal(a, b) for a, b in zip(one[0], same[0]))
    assert one[1] != other[1]


def mean_images(noise, letters, seed):
    X, y = make_letter_words(300, words=letters, noise=noise, random_state=seed)
    return np.stack([np.mean([x[0] for x, word in zip(X, y) if word[0] == letter], 0) for letter in letters])


def test_letters_are_told_by_their_images():
    letters = "aeiot"
    one, other = (mean_images(0.2, letters, seed) for seed in (0, 1))
    distances = ((one[:, None] - other[None]) ** 2).sum(2)
    assert distances.argmin(1).tolist() == list(range(len(letters)))


def test_noise_turns_pixels():
    clean, noisy = (np.concatenate(make_letter_words(50, noise=noise, random_state=0)[0]) for noise in (0, 0.5))
    # The corners carry no ink.
    assert clean[:, 0].mean() < 0.05
    assert noisy[:, 0].mean() == pytest.approx(0.16, abs=0.06)


@pytest.mark.parametrize("word", ["", "Rome", "naïve", "a b"])
def test_words_of_other_letters(word):
    with pytest.raises(ValueError, match=f"letters from a to z, and not empty; got {word!r}"):
        make_letter_words(1, words=["may", word])
