"""The program: `python sweep.py --help`. Without a verb it runs sweeps/article.yaml, as `ray submit` does."""

if __name__ == "__main__":  # a process that the program starts imports this file too, and needs nothing from it
    import atexit
    import gc

    # What is imported and what MLflow reads stays to the end: the collector would walk through it again and again, and once more
    # when all is done, a third of a report's time.
    gc.set_threshold(50_000, 20, 20)
    atexit.register(gc.freeze)

    from sweeps.cli import main

    main(prog_name="sweep.py")
