from parts.late_constants import OFFSET

DOUBLE = OFFSET * 2


def answer(value):
    return value + DOUBLE + helper()


def helper():
    return 1


SET_AT_IMPORT = helper()
