from parts.plugins.alpha import run as alpha_run


def run():
    return "beta after " + alpha_run()
