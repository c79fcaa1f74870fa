"""The sources never unpickle data, evaluate code or start a shell."""

import ast

import pytest

from experiments.locations import PROJECT

SOURCES = [path for name in ("adapters", "experiments", "sweeps") for path in sorted((PROJECT / name).rglob("*.py"))]
UNPICKLING = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
LOADING = {
    ("np", "load"),
    ("yaml", "load"),
    ("torch", "load"),
    ("pd", "read_pickle"),
    ("chainer", "load_npz"),
    ("os", "system"),
    ("os", "popen"),
}


def dangers(source: str) -> list[str]:
    """The imports and calls in a source that could run untrusted code."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name.split(".")[0] for alias in node.names} | {
                (getattr(node, "module", "") or "").split(".")[0]
            }
            found += sorted(names & UNPICKLING)
        if isinstance(node, ast.Call):
            keywords = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            dotted = (
                (getattr(node.func.value, "id", ""), node.func.attr)
                if isinstance(node.func, ast.Attribute)
                else ("", name)
            )
            safe = dotted == ("np", "load") and keywords.get("allow_pickle", True) is False
            if (dotted in LOADING and not safe) or name in ("eval", "exec") or keywords.get("shell"):
                found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_no_source_unpickles_or_runs_untrusted_data(path):
    assert dangers(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "np.load(x)",
        "np.load(x, allow_pickle=True)",
        "yaml.load(x)",
        "eval(x)",
        "subprocess.run(x, shell=True)",
        "torch.load(x)",
    ],
)
def test_the_search_finds_dangerous_sources(source):
    assert (
        len(dangers(source)) == 1
        and dangers("np.load(x, allow_pickle=False); yaml.safe_load(x); self.net.eval()") == []
    )
