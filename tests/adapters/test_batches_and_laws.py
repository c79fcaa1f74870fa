"""Batches and initialiser laws: the same in every interpreter, and told apart."""

import numpy as np
import pytest

from adapters import laws
from adapters.batches import Batches, order

LAYERS = {"conv1": (50, 3, 3, 3), "conv2": (50, 50, 3, 3), "dense1": (400, 128), "dense2": (128, 10)}


def weights(init, bias_init, seed):
    random, found = np.random.RandomState(seed), {}
    for name, shape in LAYERS.items():
        outputs = shape[0] if len(shape) == 4 else shape[1]
        found[name + ".weight"] = laws.draw(random, laws.KERNEL_LAWS[init], shape, laws.fans(shape))
        found[name + ".bias"] = laws.draw(random, laws.BIAS_LAWS[bias_init], (outputs,), laws.fans(shape))
    return found


@pytest.mark.parametrize("bias_init", laws.BIAS_LAWS)
@pytest.mark.parametrize("init", laws.KERNEL_LAWS)
def test_a_law_is_recognised_from_its_draws(init, bias_init):
    for seed in range(20):
        assert laws.recognise(weights(init, bias_init, seed)) == {"init": init, "bias_init": bias_init}


def test_an_unknown_law_is_not_taken_for_a_known_one():
    tripled = {name: 3 * array for name, array in weights("lecun_uniform", "zeros", 0).items()}
    assert laws.recognise(tripled)["init"] == "unrecognised"


def test_the_order_is_the_same_on_every_numpy():
    # From NumPy 2.4 and 1.19 alike: RandomState's stream is frozen.
    assert order(3, 1, 10).tolist() == np.random.RandomState(3 * 1000003 + 1).permutation(10).tolist()
    assert order(0, 0, 8).tolist() == [6, 2, 1, 7, 3, 0, 5, 4]
    assert sorted(order(5, 2, 100)) == list(range(100))


@pytest.fixture
def folder(tmp_path):
    random = np.random.RandomState(0)
    for part, examples in (("train", 10), ("test", 7)):
        np.save(tmp_path / f"x_{part}.npy", random.rand(examples, 3, 4, 5).astype(np.float32))
        np.save(tmp_path / f"y_{part}.npy", random.randint(0, 3, examples).astype(np.int32))
    return str(tmp_path)


def test_layout_labels_and_precision(folder):
    plain = Batches(folder, {"layout": "nchw", "labels": "sparse", "precision": "float32"}, 4, 3)
    other = Batches(folder, {"layout": "nhwc", "labels": "one_hot", "precision": "float64"}, 4, 3)
    assert plain.x_train.shape == (10, 3, 4, 5) and other.x_train.shape == (10, 4, 5, 3)
    assert other.x_train.dtype == np.float64 and other.x_train.flags.c_contiguous
    assert np.array_equal(plain.x_train[2, 1], other.x_train[2, :, :, 1].astype(np.float32))
    assert np.array_equal(other.y_train.argmax(1), plain.y_train)
    assert (plain.report(), other.report()) == ({"labels": "sparse"}, {"labels": "one_hot"})


def test_every_training_batch_is_whole_and_every_test_example_counts(folder):
    batches = Batches(folder, {"layout": "nchw", "labels": "sparse", "precision": "float32"}, 4, 3)
    epoch = list(batches.epoch(0, 0))
    assert [len(x) for x, _ in epoch] == [4, 4] and len(batches) == 2
    tested = list(batches.test())
    assert [len(x) for x, _ in tested] == [4, 4] and [n for _, n in tested] == [4, 3]
    assert np.array_equal(np.concatenate([x[:n] for x, n in tested]), batches.x_test)
