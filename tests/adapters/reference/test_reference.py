"""The reference is the definition of the right answer: its gradients are checked against differences."""

import numpy as np
import pytest

from adapters import load_spec
from adapters.networks.cnn import Fields
from adapters.reference.cnn import Model
from adapters.reference.layers import cross_entropy

NETWORK = Fields((2, 8, 8), 3, (2, 3), 5, (0.0, 0.0, 0.0), 4, 0.1, 0.9, 1, "cpu")


def model(network=NETWORK, **settings):
    return Model(network, {**load_spec("reference").native("cnn"), "bias_init": "fan_in_uniform", **settings}, seed=1)


def batch(seed=0):
    random = np.random.RandomState(seed)
    return random.rand(4, 2, 8, 8), random.randint(0, 3, 4)


SHAPES = [
    {"conv_bias": "off"},
    {"pool_stride": "one"},
    {"conv_padding": "valid"},
    {"conv_padding": "valid", "pool_stride": "one"},
]
FUNCTIONS = [
    {"loss": loss, "relu": relu} for loss in ("logits", "softmax_twice") for relu in ("before_pool", "after_pool")
]


@pytest.mark.parametrize("settings", FUNCTIONS + SHAPES, ids=str)
def test_gradients_agree_with_differences(settings):
    y = batch()[1]
    net = model(NETWORK._replace(input_shape=(2, 16, 16)) if "conv_padding" in settings else NETWORK, **settings)
    x = np.random.RandomState(1).rand(4, *net.network.input_shape)  # no ReLU within a difference of its kink
    before = {name: array.copy() for name, array in net.get_weights().items()}
    net.train_step(x, y)
    # One step from velocity 0 moves each weight by -lr * gradient.
    gradient = {name: (before[name] - array) / NETWORK.learning_rate for name, array in net.get_weights().items()}
    for name, array in before.items():
        index = tuple(size // 2 for size in array.shape)
        shifted = {key: value.copy() for key, value in before.items()}
        losses = []
        for step in (1e-5, -1e-5):
            shifted[name][index] = array[index] + step
            net.set_weights(shifted)
            losses.append(net.loss(net.forward(x, True), net.targets(y))[0])
        assert gradient[name][index] == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-6, abs=1e-9), name


def test_momentum_by_hand():
    for momentum, gain in (("classical", 1.0), ("unit_gain", 1.0 - NETWORK.momentum)):
        net = model(momentum=momentum)
        first = net.get_weights()["dense2.bias"]
        velocity = 0.0
        for seed in range(3):
            net.train_step(*batch(seed))
            velocity = NETWORK.momentum * velocity + gain * net.parametric[-1].gradients["bias"]
            first = first - NETWORK.learning_rate * velocity
            assert np.allclose(net.get_weights()["dense2.bias"], first, rtol=0, atol=1e-15)


def test_dropout_has_its_rate_and_scaling_and_is_off_at_test():
    net = model(NETWORK._replace(dropout=(0.25, 0.25, 0.5)))
    x = np.ones((100, 100))
    for layer, rate in zip([layer for layer in net.layers if hasattr(layer, "rate")], (0.25, 0.25, 0.5), strict=True):
        dropped = layer.forward(x, True)
        assert np.mean(dropped == 0) == pytest.approx(rate, abs=0.02)
        assert set(np.unique(dropped)) == {0.0, 1 / (1 - rate)}
        assert np.array_equal(layer.forward(x, False), x)
    forgotten = model(NETWORK._replace(dropout=(0.25, 0.25, 0.5)), dropout_at_test="on")
    x, _ = batch()
    assert np.array_equal(net.predict(x), net.predict(x))
    assert not np.array_equal(forgotten.predict(x), forgotten.predict(x))


def test_cross_entropy_by_hand():
    loss, gradient = cross_entropy(np.array([[0.0, np.log(3.0)]]), np.array([[0.0, 1.0]]))
    assert loss == pytest.approx(np.log(4 / 3))
    assert gradient == pytest.approx(np.array([[0.25, -0.25]]))


def test_a_clipped_gradient_moves_no_weight_farther_than_its_limit():
    x, y = batch()
    moves = {}
    for clip in ("none", "value_0.01"):
        net = model(clip=clip)
        before = net.get_weights()["dense2.bias"]
        net.train_step(x, y)
        moves[clip] = (before - net.get_weights()["dense2.bias"]) / NETWORK.learning_rate
    assert np.abs(moves["none"]).max() > 0.01
    assert moves["value_0.01"] == pytest.approx(np.clip(moves["none"], -0.01, 0.01))


def test_images_that_are_too_small_are_named():
    with pytest.raises(ValueError, match="two convolutions leave nothing to pool of 2 pixels"):
        model(conv_padding="valid")
