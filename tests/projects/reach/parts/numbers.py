__all__ = ["add", "minus"]


def add(left, right):
    return left + right


def minus(left, right):
    return left - right


def times(left, right):
    return left * right


def half(value):
    return value / 2
