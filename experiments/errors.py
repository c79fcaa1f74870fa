"""The error classes. Every error that a user can cause is a RosettaError: one line with the request, the rule and the
remedy. The command line prints it and exits with status 2. Any other exception is a bug and shows its traceback.

    RosettaError
    +-- SweepError          a sweep file, a name or an option is invalid
    +-- EnvironmentFailed   a framework's environment cannot be built or used
    +-- DatasetError        a data set cannot be fetched, or its content is wrong
    +-- TrackingError       the MLflow server cannot be reached, or refuses a request
    +-- LedgerError         the ledger cannot be opened, or belongs to another sweep
    +-- ClusterError        the Ray cluster cannot provide the requested resources
    +-- NotCertified        an adapter has no passing certificate on this machine
    +-- WorkerDied          a worker process ended without the event done or failed
        +-- WorkerKilled    another process killed it, such as the kernel when memory runs out
"""

from experiments.redaction import without_passwords

LONGEST = 2000  # characters of a message; a longer line is not clear


def one_line(text: str) -> str:
    """The text on one line, without control characters and passwords. A long text is cut in the middle.

    Messages quote files, workers and servers. A quote must not look like a second message or move the cursor, and
    the remedy at the end of a message must not be cut off.
    """
    line = without_passwords(" ".join("".join(sign if sign.isprintable() else " " for sign in text).split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"


class RosettaError(Exception):
    """An error that the user can act on. Its message is always one line."""

    def __init__(self, message: str):
        super().__init__(one_line(message))


class SweepError(RosettaError):
    """A sweep file, a name or an option is invalid."""


class EnvironmentFailed(RosettaError):
    """A framework's environment cannot be built or used."""


class DatasetError(RosettaError):
    """A data set cannot be fetched, or its content is wrong."""


class TrackingError(RosettaError):
    """The MLflow server cannot be reached, or refuses a request."""


class LedgerError(RosettaError):
    """The ledger cannot be opened, or belongs to another sweep."""


class ClusterError(RosettaError):
    """The Ray cluster cannot provide the requested resources."""


class NotCertified(RosettaError):
    """An adapter has no passing equivalence certificate on this machine."""


class WorkerDied(RosettaError):
    """A worker process ended without the event done or failed."""


class WorkerKilled(WorkerDied):
    """Another process killed a worker, such as the kernel when memory runs out."""
