import csv
import json
import os
from pathlib import Path

DATA = Path(__file__).parent / "data"
NOTES = (DATA / "notes.txt").read_text().split()


def prices():
    with open(DATA / "prices.csv") as file:
        return {row["name"]: int(row["price"]) for row in csv.DictReader(file)}


def configuration():
    return json.loads((DATA / "configuration.json").read_text())


def plugin_files():
    return sorted(path.name for path in DATA.glob("plugins/*.txt"))


def has_override():
    return os.path.exists(DATA / "override.txt")


def notes():
    return NOTES
