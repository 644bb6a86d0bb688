"""The command line of a project whose tests end in every way there is."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outcomes.settings")
    execute_from_command_line(sys.argv)
