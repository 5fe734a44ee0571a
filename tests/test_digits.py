"""The handwritten digits: what the file holds, what is said when it is missing or damaged, and that they are learnt."""

import importlib.util
import io
import zipfile

import numpy as np
import pytest

import gpu_lessons as gl
from gpu_lessons.hardware.course import course_root
from gpu_lessons.nn import SGD, Conv2d, Dense, Flatten, MaxPool2d, Momentum, Network, ReLU, SoftmaxCrossEntropy
from gpu_lessons.recorded import digits

FILE = course_root() / "data" / "digits.npz"


@pytest.fixture(scope="module")
def data():
    return gl.digits()


def test_every_digit_is_in_one_part_in_a_known_format(data):
    for part, count in (("train", 1437), ("test", 360)):
        images, labels = getattr(data, f"{part}_images"), getattr(data, f"{part}_labels")
        assert (images.shape, images.dtype) == ((count, 8, 8), np.float32)
        assert (labels.shape, labels.dtype) == ((count,), np.int64)
        assert (images.min(), images.max()) == (0.0, 1.0)
    # UCI says how often each digit is in its test set, of which these are the images.
    found = np.bincount(np.concatenate([data.train_labels, data.test_labels]))
    assert found.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_no_image_is_in_both_parts_and_the_test_holds_every_digit(data):
    train, test = ({image.tobytes() for image in images} for images in (data.train_images, data.test_images))
    assert not train & test
    assert np.bincount(data.test_labels, minlength=10).min() >= 25


def test_the_digits_say_what_and_whose_they_are(data):
    assert str(data) == (
        "1,437 handwritten digits to learn from and 360 to test on, 8 x 8 pixels each "
        "(Alpaydin and Kaynak 1998, UCI Machine Learning Repository)"
    )


def test_the_script_makes_the_same_file_again(tmp_path):
    pytest.importorskip("sklearn")
    script = tmp_path / "make_digits.py"
    script.write_text((FILE.parent / "make_digits.py").read_text(encoding="utf-8"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("make_digits", script)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    with np.load(tmp_path / "digits.npz") as made, np.load(FILE) as shipped:
        assert sorted(made) == sorted(shipped)
        for name in made:
            np.testing.assert_array_equal(made[name], shipped[name])


def test_a_missing_file_is_named_with_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError) as refusal:
        digits(tmp_path)
    assert str(refusal.value) == (
        f"the handwritten digits are missing: there is no {tmp_path / 'digits.npz'}; "
        "install gpu-lessons again, or get data/digits.npz from its repository"
    )


def shipped():
    with np.load(FILE) as file:
        return dict(file)


def with_array(name, array):
    arrays = shipped() | {name: array}
    return saved(**{each: value for each, value in arrays.items() if value is not None})


def saved(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def with_flipped_byte(place):
    content = bytearray(FILE.read_bytes())
    content[place] ^= 0xFF
    return bytes(content)


def with_text():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in shipped():
            archive.writestr(f"{name}.npy", "no array")
    return buffer.getvalue()


DAMAGED = {
    "empty": lambda: b"",
    "text": lambda: b"not a zip file",
    "cut off": lambda: FILE.read_bytes()[:20_000],
    "one byte changed": lambda: with_flipped_byte(5000),
    "text for arrays": with_text,
    "an array missing": lambda: with_array("test_labels", None),
    "labels of another length": lambda: with_array("test_labels", np.zeros(359, "uint8")),
    "no images": lambda: with_array("test_images", np.zeros((0, 8, 8), "uint8")),
    "another shape": lambda: with_array("train_images", np.zeros((1437, 64), "uint8")),
    "another format": lambda: with_array("train_images", np.zeros((1437, 8, 8), "float32")),
    "a label above 9": lambda: with_array("train_labels", np.full(1437, 10, "uint8")),
    "too much ink": lambda: with_array("train_images", np.full((1437, 8, 8), 17, "uint8")),
    "a pickle": lambda: with_array("train_labels", np.array([{}] * 1437, dtype=object)),
    "more than unpacks safely": lambda: with_array("train_images", np.zeros((2**15, 8, 8), "uint8")),
    "a scalar": lambda: with_array("train_labels", np.uint8(3)),
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_named_in_one_sentence_with_what_to_do(tmp_path, damage):
    (tmp_path / "digits.npz").write_bytes(damage())
    with pytest.raises(ValueError, match=r"^the handwritten digits are damaged: ") as refusal:
        digits(tmp_path)
    sentence = str(refusal.value)
    assert str(tmp_path / "digits.npz") in sentence
    assert sentence.endswith("; install gpu-lessons again, or get data/digits.npz from its repository")
    assert len(sentence.splitlines()) == 1


def accuracy_after(network, optimizer, data, prepare, epochs, batch_size=32, seed=0):
    """Train from a fixed seed and return the share of test digits that are recognised."""
    loss, rng = SoftmaxCrossEntropy(), np.random.default_rng(seed)
    x, labels = prepare(data.train_images), data.train_labels
    for _ in range(epochs):
        order = rng.permutation(len(labels))
        for start in range(0, len(order), batch_size):
            part = order[start : start + batch_size]
            loss.forward(network.forward(x[part]), labels[part])
            network.backward(loss.backward())
            optimizer.step(network)
    return (network.forward(prepare(data.test_images)).argmax(axis=1) == data.test_labels).mean()


def test_two_dense_layers_recognise_97_percent_of_digits_never_seen_and_a_small_convolutional_network_more(data):
    dense = Network([Dense(64, 64, seed=1), ReLU(), Dense(64, 10, seed=2)])
    seen = accuracy_after(dense, SGD(0.3), data, lambda images: images.reshape(-1, 64), epochs=12)
    assert seen >= 0.97
    convolutional = Network(
        [Conv2d(1, 16, 3, padding=1, seed=1), ReLU(), MaxPool2d(2), Flatten(), Dense(256, 10, seed=3)]
    )
    assert accuracy_after(convolutional, Momentum(0.05), data, lambda images: images[:, None], epochs=8) >= seen
