"""The error tree. Every error a user can cause is a RosettaError: one clear line that says what was asked, the rule
and the remedy. The command line prints it and exits with status 2; anything else is a defect and shows its traceback.

    RosettaError
    +-- SweepError          a sweep file, a name or an option that breaks a rule
    +-- EnvironmentFailed   a framework's interpreter or packages can't be had
    +-- DatasetError        data that can't be fetched, or is not what it should be
    +-- TrackingError       the MLflow server can't be reached or refuses
    +-- LedgerError         the ledger can't be opened, or belongs to another sweep
    +-- ClusterError        Ray has not what the sweep asks for
    +-- NotCertified        an adapter that nobody proved equal to the reference here
    +-- WorkerDied          a worker process ended without saying done or failed
        +-- WorkerKilled    somebody else ended it: the kernel does where memory runs out
"""

from experiments.redaction import without_passwords

LONGEST = 2000  # characters of a line; one that nobody reads to its end is not clear


def one_line(text: str) -> str:
    """A text on one line, without control characters and passwords; a long one loses its middle, for the remedy stands at its end.

    Messages quote files, workers and servers: what these say must neither pass for a second message nor move a terminal's cursor.
    """
    line = without_passwords(" ".join("".join(sign if sign.isprintable() else " " for sign in text).split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"


class RosettaError(Exception):
    """Something the user can act on. Its message is one line, whatever it quotes."""

    def __init__(self, message: str):
        super().__init__(one_line(message))


class SweepError(RosettaError):
    """A sweep file, a name or an option that breaks a rule."""


class EnvironmentFailed(RosettaError):
    """A framework's interpreter or packages can't be had."""


class DatasetError(RosettaError):
    """Data that can't be fetched, or is not what it should be."""


class TrackingError(RosettaError):
    """The MLflow server can't be reached or refuses."""


class LedgerError(RosettaError):
    """The ledger can't be opened, or belongs to another sweep."""


class ClusterError(RosettaError):
    """Ray has not what the sweep asks for."""


class NotCertified(RosettaError):
    """An adapter that nobody proved equal to the reference here."""


class WorkerDied(RosettaError):
    """A worker process ended without saying done or failed."""


class WorkerKilled(WorkerDied):
    """A worker process that somebody else ended: the kernel does where memory runs out."""
