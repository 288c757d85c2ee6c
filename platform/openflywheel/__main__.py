"""`python -m openflywheel`: the command line, where it is not installed under its own name."""

from openflywheel.commands import main

if __name__ == "__main__":
    main(prog_name="openflywheel")
