"""What people read is plain, standard, American English: no private idiom, no British spelling."""

import io
import re
import subprocess
import tokenize

import pytest

from experiments.locations import PROJECT

# {what must not be written: what to write instead}
IDIOM = {
    r"(if|unless) nobody asks": "the framework's default",
    r"nobody|somebody|everybody": "name who",
    r"anew": "again",
    r"noughts?": "zero",
    r"(a|the|our) house|house's|house server": "team, self-hosted",
    r"go(es)? on from there|what is done is kept": "completed trials are saved; rerun the same command to resume",
    r"left out by name": "skipped, with a message",
    r"four times in five": "80 % power",
    r"honest intervals?|hold together": "simultaneous 95 % confidence intervals",
    r"leaves? nothing to judge": "no residual degrees of freedom",
    r"is no event|that will do": "invalid event",
    r"patiently|hopeless": "with_retries, unavailable",
    r"(is|are|was|were) tried|put to the test": "is tested",
    r"(find|initializer|kernel|weights'|first|their|own) laws?|laws of|recogni[sz]e_laws": "initializers",
    r"pictures?": "images",
    r"(film|bad|good|real|made-up|whose|[\d,]+) reviews|reviews of|a review": "texts",
    r"in words": "format_*",
    r"for the time being": "temporary",
    r"mend(ed|s|ing)?": "fixed, maintained",
}
STEMS = "initialis optimis recognis normalis synchronis randomis serialis summaris organis minimis maximis generalis"
BRITISH = {
    rf"({'|'.join(STEMS.split())})\w*": "-iz-",
    r"colour\w*|behaviour\w*|favour\w*|neighbour\w*|honour\w*": "-or",
    r"analys(e|ed|ing)": "-yz-",
    r"grey|centre[ds]?|artefacts?|labell\w+|modell\w+|travell\w+": "American spelling",
    r"per cent": "percent, or %",
}
WORDS = {
    re.compile(rf"(?<![\w-])(?:{pattern})(?!\w)", re.IGNORECASE): use for pattern, use in (IDIOM | BRITISH).items()
}
READ = (".md", ".yaml", ".yml", ".j2", ".toml", ".cff", ".sql", "Dockerfile", "Makefile", ".in")
FOLDERS = ("adapters/", "benchmarks/", "deploy/", "docs/", "experiments/", "sweeps/", ".github/")


def files():
    """The tracked files with something to read: documents, settings, templates, and sources outside tests/."""
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True).stdout.split()
    here = [name for name in listed if name.startswith(FOLDERS) or "/" not in name]
    return [name for name in here if name.endswith((".py", *READ))]


def lines(name):
    """[(number, text)] of what is read in a file: all of a document; a source's strings and comments."""
    text = (PROJECT / name).read_text()
    if not name.endswith(".py"):
        return list(enumerate(text.splitlines(), 1))
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    return [
        (token.start[0] + offset, line)
        for token in tokens
        if token.type in kinds
        for offset, line in enumerate(token.string.splitlines())
    ]


@pytest.mark.parametrize("name", files())
def test_words(name):
    found = [
        f"{name}:{number}: '{match[0]}': write: {use}"
        for number, line in lines(name)
        for word, use in WORDS.items()
        for match in word.finditer(line)
    ]
    assert not found, "\n" + "\n".join(found)
