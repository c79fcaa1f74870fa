"""The program in a checkout: `python sweep.py --help`.

Without arguments it runs the shipped sweep `article`, for `ray submit`.
"""

if __name__ == "__main__":  # processes that the program starts import this file too, and need nothing from it
    from sweeps.cli import program

    program()
