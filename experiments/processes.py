"""Processes: what one that the program starts does first, and how Python's garbage collector is spared in one that imports much."""

import atexit
import gc
import multiprocessing
import os
import signal
import threading


def follow_parent() -> None:
    """Ctrl-C reaches this process too, and is the parent's to answer; where the parent is gone, however it ended, this one ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def spare() -> None:
    """Let the collector walk less often, never through what is there by now, and not once more at the end.

    It took a fifth of the time in which a report is made, and of what MLflow needs to write.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    atexit.register(gc.freeze)
