from parts.registry import PLUGINS

PLUGINS.append("alpha")


def run():
    return "alpha ran"
