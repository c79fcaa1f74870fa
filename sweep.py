"""The program: `python sweep.py --help`. Without a verb it runs sweeps/article.yaml, as `ray submit` does."""

from sweeps.cli import main

if __name__ == "__main__":
    main(prog_name="sweep.py")
