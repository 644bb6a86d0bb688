PREFIX = "P-"


def new_code():
    return PREFIX + digits()


def digits():
    return "001"
