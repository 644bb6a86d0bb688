def first_colours():
    return ["red", "green"]
