"""``python -m attain``: the command line, where its script is not on the path."""

from attain.cli import main

if __name__ == "__main__":
    main()
