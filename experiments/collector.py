"""Python's garbage collector in a program that imports much: what is imported, and what MLflow reads and writes, mostly stays."""

import atexit
import gc


def spare() -> None:
    """Let the collector walk less often, never through what is there by now, and not once more at the end.

    It took a fifth of the time in which a report is made, and of what MLflow needs to write.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    atexit.register(gc.freeze)
