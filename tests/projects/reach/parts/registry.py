import functools

HANDLERS = {}
PLUGINS = []


def handles(name):
    def register(function):
        HANDLERS[name] = logged(function)
        return function

    return register


def logged(function):
    @functools.wraps(function)
    def wrapper(*args):
        return f"<{function(*args)}>"

    return wrapper


@handles("bolt")
def bolt(size):
    return f"bolt {size}"


@handles("nut")
def nut(size):
    return f"nut {size}"


def handle(name, size):
    return HANDLERS[name](size)


@functools.singledispatch
def shown(value):
    return "?"


@shown.register
def _(value: int):
    return f"int {value}"


@shown.register
def _(value: str):
    return f"str {value}"


scaled = functools.partial(handle, "bolt")
