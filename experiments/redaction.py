"""Secrets: what an address or the environment holds of them goes into no message, no log, no page and no process that has no use for it."""

import re
from collections.abc import Mapping

WORD = re.compile(r"\S+")
IN_QUERY = re.compile(r"(?i)([?&][a-z_]{0,30}(?:pass|token|secret|key)[a-z_]{0,30}=)[^&\s'\"]+")
# What opens MLflow, the ledger, Ray and artifact stores. Package indexes are not among them: whoever builds an environment needs them.
OURS = ("MLFLOW_", "RAY_", "ROSETTA_LEDGER", "AWS_", "AZURE_", "GOOGLE_", "PG")


def without_passwords(text: str) -> str:
    """A text in which no address has a user name, a password or a token.

    >>> without_passwords("https://me:secret@host/simple?token=x&a=b can't be reached")
    "https://host/simple?token=***&a=b can't be reached"
    """
    return IN_QUERY.sub(r"\1***", WORD.sub(_without_user, text))


def _without_user(word: re.Match[str]) -> str:
    """A word less what stands between :// and its last @: a password may have one too."""
    before, separator, rest = word[0].partition("://")
    return before + separator + rest.rpartition("@")[2]


def for_builders(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for programs that run what others packed: building a package runs its code."""
    return {name: value for name, value in environment.items() if not name.startswith(OURS)}
