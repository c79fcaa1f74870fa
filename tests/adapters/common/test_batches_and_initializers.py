"""Batches and initializers: the same in every interpreter, and told apart."""

import numpy as np
import pytest

from adapters.common import initializers
from adapters.common.batches import Batches, Images, Sequences, observations, order, whole_batches
from adapters.networks import SETTINGS, cnn, gru

CNN = {
    "conv1.weight": (50, 3, 3, 3),
    "conv1.bias": (50,),
    "conv2.weight": (50, 50, 3, 3),
    "conv2.bias": (50,),
    "dense1.weight": (400, 128),
    "dense1.bias": (128,),
    "dense2.weight": (128, 10),
    "dense2.bias": (10,),
}
GRU = {
    "embedding.weight": (500, 125),
    "gru.input_weight": (300, 125),
    "gru.hidden_weight": (300, 100),
    "gru.input_bias": (300,),
    "gru.hidden_bias": (300,),
    "dense.weight": (100, 2),
    "dense.bias": (2,),
}


def drawn_in(shapes):
    return (gru if "embedding.weight" in shapes else cnn).DRAWN


CHOICES = [
    (shapes, setting, choice)
    for shapes in (CNN, GRU)
    for setting, drawn in drawn_in(shapes).items()
    for choice in drawn.initializers
]
NATIVE = dict.fromkeys(SETTINGS) | {name: list(drawn.initializers)[0] for name, drawn in gru.DRAWN.items()}


def weights(shapes, choices, seed):
    zeros = {name: np.zeros(shape) for name, shape in shapes.items()}
    return initializers.redrawn(zeros, choices, seed, drawn_in(shapes))


@pytest.mark.parametrize(
    ("shapes", "setting", "choice"), CHOICES, ids=lambda value: value if isinstance(value, str) else len(value)
)
def test_an_initializer_is_identified_from_its_draws(shapes, setting, choice):
    for seed in range(20):
        requested = {**NATIVE, setting: choice}
        drawn = {name: requested[name] for name in drawn_in(shapes)}
        assert initializers.identify(weights(shapes, drawn, seed), requested, drawn_in(shapes)) == drawn


def test_draws_do_not_depend_on_the_order_in_which_a_framework_names_its_weights():
    choices = {"init": "glorot_uniform", "bias_init": "fan_in_uniform"}
    one, other = weights(GRU, choices, 3), weights(dict(reversed(GRU.items())), choices, 3)
    assert all(np.array_equal(one[name], other[name]) for name in GRU)


def test_another_initializer_than_the_requested_one_is_named():
    drawn = weights(CNN, {"init": "lecun_uniform", "bias_init": "zeros"}, 0)
    requested = {"init": "glorot_uniform", "bias_init": "fan_in_uniform"}
    assert initializers.identify(drawn, requested, cnn.DRAWN) == {"init": "lecun_uniform", "bias_init": "zeros"}
    tripled = {name: 3 * array for name, array in drawn.items()}
    assert initializers.identify(tripled, requested, cnn.DRAWN)["init"] == "unidentified"


@pytest.mark.parametrize("setting", gru.DRAWN)
def test_draws_have_the_stated_mean_and_deviation(setting):
    table, parts = gru.DRAWN[setting]
    for choice in table:
        for array, (_, deviation), fan in parts(choice, weights(GRU, {setting: choice}, 1)):
            assert abs(array.mean()) <= 4 * deviation(*fan) / array.size**0.5
            if array.size > 300:
                assert array.std() == pytest.approx(deviation(*fan), rel=0.1)


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


IMAGE_SETTINGS = {
    "layout": "nchw",
    "labels": "sparse",
    "precision": "float32",
    "data_layout": "same",
    "shuffle": "observations",
}
REPORTED = {"labels": "sparse", "data_layout": "same", "shuffle": "observations", "loader": "generator"}


def images(folder, **settings):
    return Batches(folder, Images, {**IMAGE_SETTINGS, **settings}, 4, 3)


def test_layout_labels_and_precision(folder):
    plain, other = images(folder), images(folder, layout="nhwc", labels="one_hot", precision="float64")
    assert plain.x_train.shape == (10, 3, 4, 5) and other.x_train.shape == (10, 4, 5, 3)
    assert other.x_train.dtype == np.float64 and other.x_train.flags.c_contiguous
    assert np.array_equal(plain.x_train[2, 1], other.x_train[2, :, :, 1].astype(np.float32))
    assert np.array_equal(other.y_train.argmax(1), plain.y_train)
    assert (plain.report(), other.report()) == (REPORTED, {**REPORTED, "labels": "one_hot"})


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_images_stored_the_other_way_are_transposed_batch_by_batch(folder, layout):
    plain, turned = images(folder, layout=layout), images(folder, layout=layout, data_layout="transposed")
    assert turned.x_train.shape != plain.x_train.shape and turned.report()["data_layout"] == "transposed"
    for (x, _), (same, _) in zip(turned.epoch(0, 0), plain.epoch(0, 0), strict=True):
        assert x.flags.c_contiguous and np.array_equal(x, same)
    assert all(np.array_equal(x, same) for (x, _), (same, _) in zip(turned.test(), plain.test(), strict=True))


def test_whole_batches_change_places_and_keep_their_examples():
    epochs = [[frozenset(batch) for batch in whole_batches(3, number, 41, 4)] for number in range(4)]
    assert all(set(epoch) == set(epochs[0]) and len(epoch) == 10 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    mixed = [{frozenset(batch) for batch in observations(3, number, 41, 4)} for number in range(2)]
    assert len(mixed[0] & mixed[1]) < 2


def test_a_frameworks_loader_gets_every_batch_of_an_epoch(folder):
    batches, seen = images(folder, shuffle="batches"), []
    batches.load = lambda x, y, chosen: seen.append(chosen.tolist()) or [(x[rows], y[rows]) for rows in chosen]
    own = images(folder, shuffle="batches")
    for (x, y), (same, labels) in zip(batches.epoch(1, 2), own.epoch(1, 2), strict=True):
        assert np.array_equal(x, same) and np.array_equal(y, labels)
    assert seen == [whole_batches(1, 2, 10, 4).tolist()] and batches.report()["loader"] == "framework"


def test_every_training_batch_is_whole_and_every_test_example_counts(folder):
    batches = images(folder)
    epoch = list(batches.epoch(0, 0))
    assert [len(x) for x, _ in epoch] == [4, 4] and len(batches) == 2
    tested = list(batches.test())
    assert [len(x) for x, _ in tested] == [4, 4] and [n for _, n in tested] == [4, 3]
    assert np.array_equal(np.concatenate([x[:n] for x, n in tested]), batches.x_test)


def test_sequences_padding_and_layout(tmp_path):
    random = np.random.RandomState(0)
    for part in ("train", "test"):
        x = random.randint(3, 20, (6, 5)).astype(np.int32)
        x[1, 3:], x[4, 1:] = 0, 0
        np.save(tmp_path / f"x_{part}.npy", x)
        np.save(tmp_path / f"y_{part}.npy", np.zeros(6, np.int32))
    settings = {"labels": "sparse", "precision": "float32", "shuffle": "observations"}
    post = Batches(str(tmp_path), Sequences, {"padding": "post", "sequence_layout": "ntc", **settings}, 2, 2)
    pre = Batches(str(tmp_path), Sequences, {"padding": "pre", "sequence_layout": "tnc", **settings}, 2, 2)
    assert post.report()["padding"] == "post" and pre.report()["padding"] == "pre"
    assert (
        pre.x_train[1].tolist() == [0, 0, *post.x_train[1, :3]] and pre.x_train[0].tolist() == post.x_train[0].tolist()
    )
    shapes = {x.shape for x, _ in pre.epoch(0, 0)} | {x.shape for x, _ in pre.test()}
    assert shapes == {(5, 2)} and next(post.test())[0].shape == (2, 5)
