"""``python -m cinempc``: the command line."""

from cinempc.cli.main import main

if __name__ == "__main__":
    main()
