"""Complete an environment of Lasagne: what Lasagne 0.1 misses in Theano 1.0, Theano's flags, its compiled operations.

Lasagne 0.1, the last that was released, imports theano.tensor.signal.downsample, which Theano 1.0 has no more: a module of
this name calls what took its place. Theano reads its flags when it is imported: a .pth file sets them whenever this
environment's Python starts. Compiled operations are kept in the environment, and those that call a BLAS are linked to the
one that NumPy brought along; with none, Theano goes through NumPy's Python interface. Theano compiles an operation with g++
when it meets it first, more than a minute for a network: that is done here, once, where no trial's clock runs. Some of them
Theano would compile anew in every process all the same: two of its lines are mended. Half of g++'s time goes into headers,
the same for every operation: they are compiled first. A sixth goes into what a debugger reads: nobody asked for that.

Run by the environment's own Python: -m adapters.lasagne.complete
"""

import glob
import itertools
import os
import shutil
import subprocess
import sys
import sysconfig

from adapters import load
from adapters.contract.model import Network, RecurrentNetwork
from adapters.lasagne import SPEC

SITE = sysconfig.get_paths()["purelib"]
LIBRARIES = os.path.join(SITE, "numpy.libs")
DOWNSAMPLE = '''"""What Lasagne 0.1 imports; Theano 1.0 has it under another name."""
from theano.tensor.signal.pool import pool_2d


def max_pool_2d(input, ds, ignore_border=False, st=None, padding=(0, 0), mode="max"):
    return pool_2d(input, ws=ds, ignore_border=ignore_border, stride=st, pad=padding, mode=mode)
'''
# {file of Theano: (its line, the mended one)}. A compiled operation is found again by its key: class, properties, C code,
# types, compiler. But an operation that has no properties, which are an empty tuple, counts as one that has no version and is
# never kept (PyTensor, Theano's successor, tests them as here). And where the C code comes from a file, the key holds Python's
# hash of its text, which is another in every process: the text itself takes its place.
KEYS = {
    "gof/cc.py": ("if hasattr(node.op, '__props__'):", "if getattr(node.op, '__props__', ()):"),
    "gof/op.py": ("(hash(tuple(self.func_codes)), )", "(tuple(self.func_codes), )"),
}
HEADERS = os.path.join("theano", "gof", "c_code", "theano_headers.h")  # beside Theano's own, where g++ looks for it
INCLUDED = """#include <Python.h>
#include <iostream>
#include <math.h>
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#include <vector>
#include <algorithm>
#include "theano_mod_helper.h"
"""
FLAGS = "import os; os.environ['THEANO_FLAGS'] = {!r}\n"
# Operations are the same for every size, but for sizes of 1.
NETWORKS = {
    "cnn": Network((3, 20, 20), 10, (2, 2), 8, (0.25, 0.25, 0.5), 4, 0.01, 0.9, 1, "cpu"),
    "gru": RecurrentNetwork(3, 5, 2, 2, 2, 4, 0.001, 0.9, 0.999, 1, "cpu"),
}
# What is compiled for beside the native configuration: choices with operations of their own, in one network for most of these.
OTHERS = {
    "conv_bias": "off",
    "conv_padding": "valid",
    "pool_stride": "one",
    "clip": "value_0.01",
    "input_gradient": "computed",
}
CONFIGURATIONS = {"cnn": ({}, OTHERS), "gru": ({},)}
# What a certificate compares, without dropout, and has operations of its own: several choices in one network.
CERTIFIED = {
    "cnn": (
        {},
        {"precision": "float32"},
        {"nesterov": "on", "loss": "logits"},
        {"loss": "softmax_twice", "labels": "one_hot"},
    ),
    "gru": ({"reset": "before", "adam_epsilon": "hat_1e-8"}, {"gates": "hard_sigmoid"}),
}


def main():
    if not shutil.which("g++"):
        sys.exit("Lasagne's environment needs g++, with which Theano compiles its operations: install it")
    write(os.path.join("theano", "tensor", "signal", "downsample.py"), DOWNSAMPLE)
    prepare_theano()
    compile_operations(SPEC, NETWORKS, CERTIFIED)


def prepare_theano():
    """All but the operations."""
    name_blas()
    mend_keys()
    write("theano_flags.pth", FLAGS.format(flags()))
    os.environ["THEANO_FLAGS"] = flags()
    precompile_headers()


def write(name, text):
    with open(os.path.join(SITE, name), "w") as file:
        file.write(text)


def name_blas():
    """Give NumPy's OpenBLAS, whose name has a hash in it, the name that a linker and Theano look for."""
    for library in glob.glob(os.path.join(LIBRARIES, "libopenblas*.so")):
        os.symlink(os.path.basename(library), os.path.join(LIBRARIES, "libopenblas.so"))


def mend_keys():
    """Before Theano is imported. Raises ValueError where a line is not in its file once."""
    for name, (line, mended) in KEYS.items():
        path = os.path.join(SITE, "theano", name)
        with open(path) as file:
            before, after = file.read().split(line)
        os.remove(path)  # it may be a link to the installer's own copy
        write(path, before + mended + after)


def precompile_headers():
    """With the options that operations are compiled with: where they differ g++ reads the header itself."""
    write(HEADERS, INCLUDED)
    import theano
    from theano.gof.cc import CLinker
    from theano.gof.cmodule import std_include_dirs

    one = theano.tensor.vector()
    path = os.path.join(SITE, HEADERS)
    options = CLinker().accept(theano.gof.FunctionGraph([one], [one + 1])).compile_args()
    options = ["-g"] + options + ["-fvisibility=hidden"] + ["-I" + folder for folder in std_include_dirs()]
    subprocess.check_call([theano.config.cxx] + options + ["-x", "c++-header", path, "-o", path + ".gch"])


def flags():
    chosen = [
        "base_compiledir=" + os.path.join(sys.prefix, "theano"),
        "compile.wait=1",
    ]  # seconds before it tries a lock again
    chosen.append("gcc.cxxflags=-g0 -include " + os.path.basename(HEADERS))
    if os.path.exists(os.path.join(LIBRARIES, "libopenblas.so")):
        chosen.append("blas.ldflags=-L{0} -lopenblas -Wl\\,-rpath\\,{0}".format(LIBRARIES))
    return ",".join(chosen)


def compile_operations(spec, networks, certified):
    undropped = dict(networks, cnn=networks["cnn"]._replace(dropout=(0.0, 0.0, 0.0)))
    for name in spec.models:
        for precision, choices in itertools.product(spec.settings["precision"].choices, CONFIGURATIONS[name]):
            build(spec, name, networks[name], dict(choices, precision=precision))
        for choices in certified[name]:
            build(spec, name, undropped[name], dict({"precision": "float64"}, **choices))


def build(spec, name, network, choices):
    load(spec.models[name])(network, dict(spec.native(name), **choices), 0).report()


if __name__ == "__main__":
    main()
