"""Removal of secrets from messages, logs and pages, and from the environment of processes that do not need them."""

import re
from collections.abc import Mapping

WORD = re.compile(r"\S+")
IN_QUERY = re.compile(r"(?i)([?&][a-z_]{0,30}(?:pass|token|secret|key)[a-z_]{0,30}=)[^&\s'\"]+")
# Variables with credentials for MLflow, the ledger, Ray and artifact stores. Those for package indexes are not listed:
# package installers need them.
CREDENTIALS = ("MLFLOW_", "RAY_", "ROSETTA_LEDGER", "AWS_", "AZURE_", "GOOGLE_", "PG")


def without_passwords(text: str) -> str:
    """The text with user names, passwords and tokens removed from its addresses.

    >>> without_passwords("https://me:secret@host/simple?token=x&a=b can't be reached")
    "https://host/simple?token=***&a=b can't be reached"
    """
    return IN_QUERY.sub(r"\1***", WORD.sub(_without_user, text))


def _without_user(word: re.Match[str]) -> str:
    """The word without the part between :// and its last @. The last one, since a password may contain an @."""
    before, separator, rest = word[0].partition("://")
    return before + separator + rest.rpartition("@")[2]


def for_builders(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without credentials, for package installers: building a package runs third-party code."""
    return {name: value for name, value in environment.items() if not name.startswith(CREDENTIALS)}
