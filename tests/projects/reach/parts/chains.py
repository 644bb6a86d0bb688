from parts import numbers as n
from parts.numbers import *
from parts.numbers import add as plus

FACTOR = 3
TABLE = {"one": 1, "two": plus(1, 1)}


def stamped(version):
    return f"stamp {version}"


def first(value):
    return second(value) + FACTOR


def second(value):
    return n.times(value, FACTOR)


def starred(value):
    return minus(value, 1)


def looked_up(name):
    return TABLE[name]


def with_default(value=plus(2, 2)):
    return value


def chosen(value):
    return third(value) if value > 10 else fourth(value)


def third(value):
    return value - 1


def fourth(value):
    return value + 1


def generated(count):
    yield from (n.times(number, 2) for number in range(count))


def nested(value):
    def inner(other):
        return deeper(other) + value

    return inner


def deeper(value):
    return value * 10


LAMBDAS = {"half": lambda value: n.half(value)}
