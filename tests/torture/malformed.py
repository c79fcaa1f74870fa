"""Strategies: valid documents, and their mutations."""

import datetime
import json

import yaml
from hypothesis import strategies as st

NAMES = ["../../etc/passwd", "/etc", "a/b", "", " ", "a\nb", "\x00", "\x1b[2J", "<script>", "[/]", "ü" * 300, "\ud800"]
NUMBERS = [0, -1, 2**31, 2**32, 2**63, 10**400, 1e308, 5e-324, float("nan"), float("inf"), -0.0]
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(NAMES),
    st.sampled_from(NUMBERS),
    st.dates(datetime.date(1, 1, 1)),
    st.binary(max_size=20),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def places(document):
    """The path of every value in a document, without the document itself."""
    pairs = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path for key, value in pairs for path in [(key,), *((key, *rest) for rest in places(value))]]


def changed(document, path, change):
    """A copy in which `change(holder, key)` was applied to the holder of the value at `path`."""
    key, *rest = path
    copy = document.copy()
    if rest:
        copy[key] = changed(copy[key], rest, change)
    else:
        change(copy, key)
    return copy


@st.composite
def mutated(draw, document):
    """A document with up to three values replaced, deleted, duplicated or copied to another key."""
    for _ in range(draw(st.integers(1, 3))):
        found = places(document)
        if not found:
            break
        path = draw(st.sampled_from(found))
        what, other = draw(st.sampled_from(["replace", "replace", "delete", "add"])), draw(values)

        def change(holder, key, what=what, other=other):
            if what == "replace":
                holder[key] = other
            elif what == "delete":
                del holder[key]
            elif isinstance(holder, list):
                holder.append(other)
            else:
                holder[str(other)[:20]] = holder[key]

        document = changed(document, path, change)
    return document


@st.composite
def spoiled(draw, content):
    """Bytes with a piece deleted, duplicated or overwritten, or cut off at the end."""
    start = draw(st.integers(0, len(content)))
    end = draw(st.integers(start, min(len(content), start + 40)))
    piece = draw(
        st.sampled_from([b"", content[start:end] * 2, b"\x00", b"\xff\xfe", b"\n", b"{[" * 1000, b"&a *a !!x "])
        | st.binary(max_size=30)
    )
    return draw(st.sampled_from([content[:start] + piece + content[end:], content[:start]]))


def as_json(document):
    return json.dumps(document, default=str).encode()


def as_yaml(document):
    return yaml.dump(document, allow_unicode=True).encode(errors="surrogatepass")


def files(document, write):
    """Files of a document with changed values, changed bytes or both; and files of random content."""
    mutants = mutated(document).map(write)
    return st.one_of(
        mutants, mutants, mutants.flatmap(spoiled), spoiled(write(document)), values.map(write), st.binary(max_size=200)
    )


ALIAS_BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi")
)
HOSTILE_YAML = [
    ALIAS_BOMB,
    ALIAS_BOMB + "settings: *i",
    ALIAS_BOMB + "name: *i",
    "[" * 2_000,
    "{a: " * 1_000,
    "- " * 2_000,
    "a: " * 2_000,
    "name: " + "9" * 5_000,
    "when: 2020-13-45",
    "when: 2020-01-01 25:61:61",
    "!!timestamp x",
    "!!int ''",
    "!!int '0b'",
    "!!float x",
    "!!bool x",
    "!!binary é",
    "!!set [a]",
    "!!omap {a: 1}",
    "!!python/object/apply:os.system [id]",
    "!!python/name:os.system",
    "!!python/object/new:os.system [id]",
    "!<tag:yaml.org,2002:python/module:os> x",
    "&a [*a]",
    "&a {<<: *a}",
    "<<: 1",
    "<<: [1]",
    "{[a]: b}",
    "? {a: b}\n: c",
    "*undefined",
    "%YAML 9.9\n---\na: 1",
    "a: 1\n---\nb: 2",
    "\tname: x",
    "\x00",
    "name: 1:99:99",
    "%TAG ! x",
    "name: x\nname: y",
    "'",
    '"\\ud800"',
    '"\\x"',
    "a: !!null x",
    "1: 2",
    "~: ~",
    "name: " + "x" * 90_000,
    "x" * 1_000_001,
]
hostile_yaml = st.sampled_from(
    [text.encode() for text in HOSTILE_YAML]
    + ["name: é".encode("latin-1"), "name: x".encode("utf-16"), b"\xef\xbb\xbfname: x"]
)
