"""The training loop, its clock, and what they measure. Runs under Python 3.6 and later."""

import itertools
import time

import numpy as np

WINDOW = 10  # steps between two synchronizations of the device: the unit of steady-state timing
WARM_UP = 20  # steps that are excluded from it


class Clock(object):
    def __init__(self):
        self.start = time.perf_counter()

    def lap(self):
        """Seconds since the last lap."""
        now = time.perf_counter()
        seconds, self.start = now - self.start, now
        return seconds


def fetched_step(model, x, y):
    """A step that waits for its loss, as in a loop that prints it."""
    loss = model.train_step(x, y)
    model.fetch(loss)
    return loss


STEPS = {"every_ten": lambda model, x, y: model.train_step(x, y), "each_step": fetched_step}


def train_epoch(model, step, batches, first):
    """Train on every batch. Returns [(steps, seconds)] of each window and the loss handles.

    The device is synchronized at both ends of a window and not inside it, unless the step does. The very first step is
    a separate window.
    """
    laps, losses = [], []
    sizes = itertools.chain([1] if first else [], itertools.repeat(WINDOW))
    clock = Clock()
    batches = iter(batches)  # once: a framework's loader would restart its epoch in each window
    for size in sizes:
        before = len(losses)
        losses.extend(step(model, x, y) for x, y in itertools.islice(batches, size))
        if len(losses) == before:
            return laps, losses
        model.synchronize()
        laps.append((len(losses) - before, clock.lap()))


def predict_all(model, batches):
    """Scores of every test example, (examples, classes). Copies: a framework may reuse the array that it returned."""
    return np.concatenate([np.array(model.predict(x))[:n] for x, n in batches.test()])


def accuracy(scores, labels):
    """Share of the examples whose highest score is the right class; NaN counts as wrong."""
    return float(np.mean(np.argmax(scores, axis=1) == labels))


def speed(windows, batch_size):
    """Timing of the first step and of the steady state, from [(steps, seconds)]."""
    if not windows:
        return {}
    steady, total = [], 0
    for steps, seconds in windows:
        if total >= min(WARM_UP, sum(steps for steps, _ in windows) // 2):
            steady.append(1000.0 * seconds / steps)
        total += steps
    low, median, high = np.percentile(steady or [1000.0 * windows[0][1]], [25, 50, 75])
    return {
        "first_step_seconds": windows[0][1],
        "step_ms_median": float(median),
        "step_ms_iqr": float(high - low),
        "images_per_second": float(1000.0 * batch_size / median),
        "steps": total,
    }
