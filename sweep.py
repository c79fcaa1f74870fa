"""The program: `python sweep.py --help`. Without a verb it runs sweeps/configs/article.yaml, as `ray submit` does."""

if __name__ == "__main__":  # a process that the program starts imports this file too, and needs nothing from it
    from experiments import processes

    processes.spare()  # before the imports, which take a third less

    from sweeps.cli import main

    main(prog_name="sweep.py")
