"""The entry point of `python -m ctest_containers`."""

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    from ctest_containers.cli import main as run_command_line

    return run_command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
