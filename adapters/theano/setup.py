"""Completing an environment that has Theano 1.0: its flags, its BLAS, two corrected lines, and compiled operations.

Theano reads its flags when it is imported: a .pth file sets them whenever the environment's Python starts. Compiled
operations are stored in the environment, and those that call a BLAS are linked to the one that NumPy ships; without
one, Theano calls NumPy through Python. Theano compiles an operation with g++ when it first meets it, more than a
minute for a network: that is done here, once, outside every trial. Theano would still recompile some of them in every
process: two of its lines are corrected. Half of g++'s time is spent on headers that are the same for every operation:
they are precompiled. A sixth is spent on debugging information: it is switched off.
"""

import glob
import itertools
import os
import shutil
import subprocess
import sys
import sysconfig
from typing import Any, Dict, NamedTuple, Tuple

from adapters.contract.lookup import load

SITE = sysconfig.get_paths()["purelib"]
LIBRARIES = os.path.join(SITE, "numpy.libs")
# {file of Theano: (its line, the corrected one)}. A compiled operation is found by its key: class, properties, C code,
# types, compiler. But an operation without properties, which are an empty tuple, is taken for one without a version and
# is never stored (PyTensor, Theano's successor, tests them as here). And where the C code comes from a file, the key
# holds Python's hash of its text, which differs between processes: the text itself replaces it.
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
# What is compiled beside the default configuration: choices with operations of their own, all in one network.
OTHERS = {
    "conv_bias": "off",
    "conv_padding": "valid",
    "pool_stride": "one",
    "clip": "value_0.01",
    "input_gradient": "computed",
}


class Compiled(NamedTuple):
    """A network whose operations are compiled, small: operations are the same for every size but 1.

    fields: as it is trained; in every precision. verified: as it is verified, without dropout, in float64 unless
    `choices` says otherwise. choices: the configurations to verify that have operations of their own, several choices
    in one.
    """

    fields: Any
    verified: Any
    choices: Tuple[Dict[str, str], ...]


def check_compiler(name):
    """Exit with one line where the compiler is missing."""
    if not shutil.which("g++"):
        sys.exit("{} needs g++, with which Theano compiles its operations: install it".format(name))


def prepare():
    """Everything but the operations."""
    name_blas()
    correct_keys()
    write("theano_flags.pth", FLAGS.format(flags()))
    os.environ["THEANO_FLAGS"] = flags()
    precompile_headers()


def write(name, text):
    """Write a file of the environment's site-packages."""
    with open(os.path.join(SITE, name), "w") as file:
        file.write(text)


def name_blas():
    """Give NumPy's OpenBLAS, whose name has a hash in it, the name that a linker and Theano look for."""
    for library in glob.glob(os.path.join(LIBRARIES, "libopenblas*.so")):
        os.symlink(os.path.basename(library), os.path.join(LIBRARIES, "libopenblas.so"))


def correct_keys():
    """Before Theano is imported. Raises ValueError where a line is not in its file once."""
    for name, (line, corrected) in KEYS.items():
        path = os.path.join(SITE, "theano", name)
        with open(path) as file:
            before, after = file.read().split(line)
        os.remove(path)  # it may be a link to the installer's own copy
        write(path, before + corrected + after)


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
    """The value of THEANO_FLAGS."""
    chosen = ["base_compiledir=" + os.path.join(sys.prefix, "theano")]
    chosen.append("compile.wait=1")  # seconds before it tries a lock again
    chosen.append("gcc.cxxflags=-g0 -include " + os.path.basename(HEADERS))
    if os.path.exists(os.path.join(LIBRARIES, "libopenblas.so")):
        chosen.append("blas.ldflags=-L{0} -lopenblas -Wl\\,-rpath\\,{0}".format(LIBRARIES))
    return ",".join(chosen)


def compile_operations(spec, networks):
    """Build each network so that Theano compiles its operations. networks: {name: Compiled}."""
    for name, network in networks.items():
        others = {setting: choice for setting, choice in OTHERS.items() if setting in spec.supported(name)}
        configurations = [{}, others] if others else [{}]
        for precision, choices in itertools.product(spec.choices("precision"), configurations):
            build(spec, name, network.fields, dict(choices, precision=precision))
        for choices in network.choices:
            build(spec, name, network.verified, dict({"precision": "float64"}, **choices))


def build(spec, name, fields, choices):
    load(spec.models[name])(fields, dict(spec.native(name), **choices), 0).report()
