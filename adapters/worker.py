"""The worker: runs one trial in the framework's own interpreter.

    PYTHON -m adapters.worker TRIAL_DIR

Reads TRIAL_DIR/request.json:

    protocol        PROTOCOL
    verb            "train", "predict" (the test set, with given weights), "describe" (build and report) or "trace"
                    (steps from given weights, for verification)
    adapter         a name of adapters.ADAPTERS
    implementation  "module:class" of the network in that framework, one of the adapter's models
    model           the network's name
    outside         for a network from outside the project: "definition", its "module:attribute", and "packages",
                    {package: folder that contains it} to import it and its implementation from; absent for built-in
                    networks
    network         the network's fields
    settings        {setting: choice} for every setting of the network that the adapter supports; for "train" and
                    "predict"
    cases           [{"name", "settings", "seed"}], each built separately, one after the other; for "describe" and
                    "trace"; a case of "trace" also has "steps", "weights" (path of an .npz, or null) and "restore"
                    (bool)
    seed            int; for "train" and "predict"
    data            folder of the prepared data set (see adapters.common.batches.Batches)
    train_examples  how many training examples to use, or null for all
    epochs          int; for "train"
    keep_weights    whether to write the trained weights to TRIAL_DIR/weights.npz; for "train", false if not given
    weights         path of an .npz of canonical weights; for "predict"

Writes one JSON object per line to the standard output that it was started with:

    ready   import_seconds, data_seconds, build_seconds, settings (in force), versions; in "train" and "predict"
    case    name, settings (in force), versions, error ("" where it went well); in "describe" and "trace"
    epoch   epoch, loss (null if not finite), accuracy, train_seconds, evaluate_seconds
    done    verb's results; "diverged": true where the loss stopped being finite
    failed  error, message, traceback

Exactly one of done and failed is the last. Everything else that is printed goes to standard error. The worker ends,
with all its descendants, as soon as its standard input is closed: it never outlives the process that started it.

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
import traceback
from contextlib import contextmanager
from importlib.machinery import PathFinder

import numpy as np

from adapters import load, load_spec
from adapters.common.batches import Batches
from adapters.loop import STEPS, Clock, accuracy, predict_all, speed, train_epoch
from adapters.networks import load_network, register

PROTOCOL = 2


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
    """Writes events to a private copy of standard output; everything else printed there goes to standard error."""

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
    """Without garbage collection: the objects of a graph stay, and collecting takes a fifth of Theano's time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Job(object):
    """A request and the modules it needs, imported once; networks are built as often as the verb requires."""

    def __init__(self, request, folder, emit):
        self.request, self.folder, self.emit = request, folder, emit
        clock = Clock()
        if "outside" in request:
            sys.meta_path.append(Packages(request["outside"]["packages"]))
            register(request["model"], request["outside"]["definition"])
        self.spec, self.implementation = load_spec(request["adapter"]), load(request["implementation"])
        self.import_seconds = clock.lap()
        self.definition = load_network(request["model"])
        self.network = self.definition.fields(**tuples(request["network"]))

    def batches(self, settings):
        network, request = self.network, self.request
        shape = (network.batch_size, network.classes, request["train_examples"])
        return Batches(request["data"], self.definition.batch, settings, *shape)

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
        return {"settings": {name: found.get(name) for name in settings}, "versions": versions(self.spec)}


class Packages(object):
    """Finds packages in their folders, {package: folder}, whose other packages are for the host's interpreter."""

    def __init__(self, folders):
        self.folders = folders

    def find_spec(self, name, path=None, target=None):
        return PathFinder.find_spec(name, [self.folders[name]]) if name in self.folders else None


def tuples(fields):
    """A request's fields, with tuples for JSON's lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def versions(spec):
    framework = importlib.import_module(spec.package).__version__
    return {"python": platform.python_version(), "numpy": np.__version__, "framework": framework}


# Verbs


def ready(job):
    """(model, batches) of the request; emits the event ready."""
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
    """An epoch's result: mean loss (None if not finite), accuracy, and the seconds of the evaluation."""
    loss = float(np.mean([model.fetch(handle) for handle in losses]))
    clock = Clock()
    share = accuracy(predict_all(model, batches), batches.labels_test)
    return {"loss": loss if np.isfinite(loss) else None, "accuracy": share, "evaluate_seconds": clock.lap()}


def keep_weights(model, folder):
    """Save the canonical weights; returns the seconds that it took."""
    clock = Clock()
    weights = {name: np.ascontiguousarray(array) for name, array in model.get_weights().items()}
    np.savez(os.path.join(folder, "weights.npz"), **weights)
    return clock.lap()


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
    """Raises ValueError where the given weights don't have the network's shapes: some frameworks reshape silently."""
    given, own = ({name: array.shape for name, array in arrays.items()} for arrays in (given, own))
    if given != own:
        raise ValueError("the given weights have shapes {}, the network has {}".format(given, own))


def describe(job):
    return each_case(job, lambda case, model, batches: None)


def trace(job):
    return each_case(job, lambda case, model, batches: save_trace(job, case, model, batches))


def each_case(job, act):
    """Build each case, emit the settings in force, and act; the failure of one case does not affect the others."""
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
    """Take steps from given weights and save the results of each, for comparison with another framework.

    Saves NAME.npz: "logits" of the first test batch, "losses" (steps,), and "K/NAME": the weights after K steps. With
    `restore`, the weights are set from the given file before each step.
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
