"""Complete a CNTK environment: stand-ins for shared libraries that its wheel wants and this machine may lack.

CNTK 2.7 is linked to Open MPI 1.10 for distributed training, which current distributions lack and nothing here calls:
libmpi.so.12 and libmpi_cxx.so.1 become small libraries whose every function ends the program with a message. A Python
that was built without a shared library lacks libpython3.6m.so.1.0, whose symbols the interpreter itself has: an empty
library satisfies the linker. They are put into cntk/libs, which is on the wheel's RPATH, and are not made where the
system has the library. Needs a C compiler (CC, or cc) and nm.

Run by the environment's own Python: -m adapters.cntk.mpi_stubs
"""

import ctypes
import glob
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile

PREFIXES = re.compile(r"(MPI_[A-Z]|ompi_|_ZN3MPI)")
CALLBACKS = ("ompi_mpi_cxx_op_intercept", "ompi_op_set_cxx_callback")
HEADER = """#include <stdio.h>
#include <stdlib.h>
static void end(const char *name) {
    fprintf(stderr, "CNTK called %s: distributed training is not available\\n", name);
    abort();
}
"""


def main():
    site = sysconfig.get_paths()["purelib"]
    folder = os.path.join(site, "cntk", "libs")
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not compiler or not shutil.which("nm"):
        sys.exit("CNTK's environment needs a C compiler and nm: install gcc and binutils")
    if missing("libmpi.so.12") or missing("libmpi_cxx.so.1"):
        libraries = glob.glob(os.path.join(folder, "*.so")) + glob.glob(os.path.join(site, "_cntk_py*.so"))
        build(compiler, folder, "libmpi.so.12", mpi_source(libraries))
        build(compiler, folder, "libmpi_cxx.so.1", "")
    if missing("libpython3.6m.so.1.0"):
        build(compiler, folder, "libpython3.6m.so.1.0", "")


def missing(library):
    try:
        ctypes.CDLL(library)
    except OSError:
        return True
    return False


def mpi_source(libraries):
    """C source that defines every MPI name that the libraries use."""
    listed = subprocess.check_output(["nm", "-D", "--undefined-only"] + libraries, universal_newlines=True)
    names = sorted(set(name for name in re.findall(r" U (\S+)", listed) if PREFIXES.match(name)))
    return HEADER + "\n".join(definition(name.split("@")[0]) for name in names)


def definition(name):
    if name.startswith("ompi_") and name not in CALLBACKS:
        return "long {}[256];".format(name)  # an object whose address is taken
    return 'void {0}(void) {{ end("{0}"); }}'.format(name)


def build(compiler, folder, library, source):
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "stub.c")
        with open(path, "w") as file:
            file.write(source + "\n")
        options = ["-shared", "-fPIC", "-O1", "-w", "-fno-builtin", "-Wl,-soname," + library]
        subprocess.check_call([compiler] + options + ["-o", os.path.join(folder, library), path])


if __name__ == "__main__":
    main()
