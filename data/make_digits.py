"""Make digits.npz from the digits that scikit-learn ships: install that, and run ``python data/make_digits.py``."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

TEST_IMAGES = 360  # one in five

digits = load_digits()
order = np.random.default_rng(0).permutation(len(digits.target))
images, labels = digits.images[order].astype("uint8"), digits.target[order].astype("uint8")
np.savez_compressed(
    Path(__file__).with_name("digits.npz"),
    train_images=images[:-TEST_IMAGES],
    train_labels=labels[:-TEST_IMAGES],
    test_images=images[-TEST_IMAGES:],
    test_labels=labels[-TEST_IMAGES:],
)
