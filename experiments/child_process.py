"""What a process that the program starts does first: it is ended by the program, and never outlives it."""

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
