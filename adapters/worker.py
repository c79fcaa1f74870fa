"""The worker: runs one trial in the framework's own interpreter.

    PYTHON -m adapters.worker TRIAL_DIR

Reads TRIAL_DIR/request.json:

    protocol        PROTOCOL
    verb            "train", "predict" (the test set, with given weights), "describe" (build and report) or "trace" (steps from
                    given weights, for verification)
    adapter         a name of adapters.ADAPTERS
    implementation  "module:class" of the network in that framework, one of the adapter's models
    model           "cnn" or "gru"
    network         the fields of adapters.contract.model.NETWORKS[model]
    settings        {setting: choice} for every setting of the network that the adapter supports; for "train" and "predict"
    cases           [{"name", "settings", "seed"}], each built anew, one after the other; for "describe" and "trace"
                    a case of "trace" also has "steps", "weights" (path of an .npz, or null) and "restore" (bool)
    seed            int; for "train" and "predict"
    data            folder of the prepared data set (see adapters.common.batches.Batches)
    train_examples  how many training examples to use, or null for all
    epochs          int; for "train"
    keep_weights    whether a trained network leaves TRIAL_DIR/weights.npz; for "train", false if not given
    weights         path of an .npz of canonical weights; for "predict"

Writes one JSON object a line on the standard output that it was started with:

    ready   import_seconds, data_seconds, build_seconds, settings (in force), versions; in "train" and "predict"
    case    name, settings (in force), versions, error ("" where it went well); in "describe" and "trace"
    epoch   epoch, loss (null if not finite), accuracy, train_seconds, evaluate_seconds
    done    verb's results; "diverged": true where the loss stopped being finite
    failed  error, message, traceback

Exactly one of done and failed is the last. Everything else that is printed goes to standard error. The worker ends, with
all its descendants, as soon as its standard input is closed: it never outlives the process that started it.

Runs under Python 3.6 and later: standard library, NumPy, and the framework inside the adapter's leaf modules only.
"""

import gc
import importlib
import itertools
import json
import os
import platform
import signal
import sys
import threading
import time
import traceback
from contextlib import contextmanager

import numpy as np

from adapters import load, load_spec
from adapters.common.batches import Batches
from adapters.contract.model import NETWORKS

PROTOCOL = 2
WINDOW = 10  # steps between two synchronisations of the device: the unit of steady-state timing
WARM_UP = 20  # steps that are left out of it


def main(folder):
    emit = Events()
    threading.Thread(target=die_with_parent, daemon=True).start()
    try:
        with open(os.path.join(folder, "request.json")) as file:
            request = json.load(file)
        emit("done", **run(request, folder, emit))
    except BaseException as error:
        emit("failed", error=type(error).__name__, message=str(error), traceback=traceback.format_exc())
        return 1
    return 0


class Events(object):
    """Writes events to a private copy of standard output; what anything else prints there goes to standard error."""

    def __init__(self):
        sys.stdout.flush()
        self.file = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def __call__(self, event, **fields):
        self.file.write(json.dumps(dict(fields, event=event), allow_nan=False) + "\n")
        self.file.flush()


def die_with_parent():
    # os.read, not sys.stdin: the lock of sys.stdin aborts the interpreter at exit while a thread waits in it.
    while os.read(0, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def run(request, folder, emit):
    if request["protocol"] != PROTOCOL:
        raise ValueError("request has protocol {}, this worker speaks {}".format(request["protocol"], PROTOCOL))
    return VERBS[request["verb"]](Job(request, folder, emit))


@contextmanager
def no_collection():
    """What a framework builds a graph of stays: the collector would go through it again and again, a fifth of Theano's time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Job(object):
    """A request, and what it needs of the framework: imported once, built as often as the verb asks."""

    def __init__(self, request, folder, emit):
        self.request, self.folder, self.emit = request, folder, emit
        clock = Clock()
        self.spec, self.implementation = load_spec(request["adapter"]), load(request["implementation"])
        self.import_seconds = clock.lap()
        self.network = network_of(request["model"], request["network"])

    def batches(self, settings):
        network, request = self.network, self.request
        shape = (network.batch_size, network.classes, request["train_examples"])
        return Batches(request["data"], request["model"], settings, *shape)

    def build(self, settings, seed, batches):
        with no_collection():
            model = self.implementation(self.network, settings, seed)
        model.synchronize()
        if settings.get("loader") == "framework":
            batches.load = model.load
        return model

    def in_force(self, model, batches, settings):
        threads = os.environ.get("ROSETTA_THREADS", "given")
        found = dict(batches.report(), threads=threads, sync=settings["sync"], **model.report())
        known = self.spec.supported(self.request["model"])
        return {"settings": {name: found.get(name) for name in known}, "versions": versions(self.spec)}


def network_of(model, fields):
    """The request's network; JSON's lists become tuples."""
    return NETWORKS[model](
        **{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    )


def versions(spec):
    framework = importlib.import_module(spec.package).__version__
    return {"python": platform.python_version(), "numpy": np.__version__, "framework": framework}


class Clock(object):
    def __init__(self):
        self.start = time.perf_counter()

    def lap(self):
        """Seconds since the last lap."""
        now = time.perf_counter()
        seconds, self.start = now - self.start, now
        return seconds


# Verbs


def ready(job):
    """(model, batches) that the request asks for; says so."""
    request, clock = job.request, Clock()
    batches = job.batches(request["settings"])
    data_seconds = clock.lap()
    model = job.build(request["settings"], request["seed"], batches)
    seconds = {"import_seconds": job.import_seconds, "data_seconds": data_seconds, "build_seconds": clock.lap()}
    job.emit("ready", **dict(seconds, **job.in_force(model, batches, request["settings"])))
    return model, batches


def train(job):
    request, (model, batches) = job.request, ready(job)
    windows, seconds, result = [], 0.0, {"diverged": False, "accuracy": None}
    step = STEPS[request["settings"]["sync"]]
    for epoch in range(request["epochs"]):
        laps, losses = train_epoch(model, step, batches.epoch(request["seed"], epoch), first=epoch == 0)
        fields = evaluated(model, batches, losses)
        train_seconds = sum(lap for _, lap in laps)
        windows, seconds = windows + laps, seconds + train_seconds
        job.emit("epoch", epoch=epoch, train_seconds=train_seconds, **fields)
        result = {"diverged": fields["loss"] is None, "accuracy": fields["accuracy"]}
        if result["diverged"]:
            break
    if request.get("keep_weights") and not result["diverged"]:
        result["save_seconds"] = keep_weights(model, job.folder)
    return dict(result, train_seconds=seconds, **speed(windows, batches.batch_size))


def evaluated(model, batches, losses):
    """What an epoch came to: mean loss (None if not finite), accuracy, and the seconds that evaluating took."""
    loss = float(np.mean([model.fetch(handle) for handle in losses]))
    clock = Clock()
    share = accuracy(predict_all(model, batches), batches.labels_test)
    return {"loss": loss if np.isfinite(loss) else None, "accuracy": share, "evaluate_seconds": clock.lap()}


def fetched_step(model, x, y):
    """A step that waits for its loss, as a loop does that prints it."""
    loss = model.train_step(x, y)
    model.fetch(loss)
    return loss


STEPS = {"every_ten": lambda model, x, y: model.train_step(x, y), "each_step": fetched_step}


def train_epoch(model, step, batches, first):
    """Train on every batch. Returns [(steps, seconds)] of each window and the loss handles.

    The device is synchronised at both ends of a window and not inside it, unless the step does. The very first step is a
    window of its own.
    """
    laps, losses = [], []
    sizes = itertools.chain([1] if first else [], itertools.repeat(WINDOW))
    clock = Clock()
    batches = iter(batches)  # once: a framework's loader would begin its epoch anew in each window
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
    """Share of the examples whose highest score is the right class. No sum goes through NaN: it counts as wrong."""
    return float(np.mean(np.argmax(scores, axis=1) == labels))


def keep_weights(model, folder):
    """Save the canonical weights; returns the seconds that it took."""
    clock = Clock()
    weights = {name: np.ascontiguousarray(array) for name, array in model.get_weights().items()}
    np.savez(os.path.join(folder, "weights.npz"), **weights)
    return clock.lap()


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


def predict(job):
    """Predict the whole test set with given weights; saves scores.npy. Returns the accuracy."""
    model, batches = ready(job)
    archive = np.load(job.request["weights"], allow_pickle=False)
    weights = {name: archive[name] for name in archive.files}
    check_shapes(weights, model.get_weights())
    model.set_weights(weights)
    scores = predict_all(model, batches)
    np.save(os.path.join(job.folder, "scores.npy"), scores)
    return {"accuracy": accuracy(scores, batches.labels_test)}


def check_shapes(given, own):
    """Raises ValueError where given weights are not the network's: a framework that reshapes what it gets would hide it."""
    given, own = ({name: array.shape for name, array in arrays.items()} for arrays in (given, own))
    if given != own:
        raise ValueError("the given weights have shapes {}, the network has {}".format(given, own))


def describe(job):
    return each_case(job, lambda case, model, batches: None)


def trace(job):
    return each_case(job, lambda case, model, batches: save_trace(job, case, model, batches))


def each_case(job, act):
    """Build every case anew, say what is in force, and act; one that fails keeps no other from its turn."""
    for case in job.request["cases"]:
        fields, error = {"settings": {}, "versions": {}}, ""
        try:
            batches = job.batches(case["settings"])
            model = job.build(case["settings"], case["seed"], batches)
            fields = job.in_force(model, batches, case["settings"])
            act(case, model, batches)
        except Exception as failure:
            traceback.print_exc()
            error = "{}: {}".format(type(failure).__name__, failure)
        job.emit("case", name=case["name"], error=error, **fields)
    return {"cases": len(job.request["cases"])}


def save_trace(job, case, model, batches):
    """Take steps from given weights and save what happens at each, for comparison with another framework.

    Saves NAME.npz: "logits" of the first test batch, "losses" (steps,), and "K/NAME": the weights after K steps. With
    `restore`, the weights are set anew from the given file before each step.
    """
    given = np.load(case["weights"], allow_pickle=False) if case["weights"] else None
    if given is not None:
        model.set_weights(weights_after(given, 0))
    saved, losses = {"logits": model.predict(next(batches.test())[0])}, []
    save_weights(saved, 0, model)
    for step, (x, y) in enumerate(itertools.islice(endless(batches, case["seed"]), case["steps"])):
        if case["restore"] and given is not None:
            model.set_weights(weights_after(given, step))
        losses.append(model.fetch(model.train_step(x, y)))
        model.synchronize()
        save_weights(saved, step + 1, model)
    np.savez(os.path.join(job.folder, case["name"] + ".npz"), losses=np.array(losses, np.float64), **saved)


def endless(batches, seed):
    return itertools.chain.from_iterable(batches.epoch(seed, number) for number in itertools.count())


def weights_after(arrays, step):
    prefix = "{}/".format(step)
    return {name[len(prefix) :]: arrays[name] for name in arrays.files if name.startswith(prefix)}


def save_weights(saved, step, model):
    for name, array in model.get_weights().items():
        saved["{}/{}".format(step, name)] = np.array(array)


VERBS = {"train": train, "predict": predict, "describe": describe, "trace": trace}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
