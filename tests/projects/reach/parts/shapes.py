import dataclasses
import enum
import functools
from collections import namedtuple


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 10


class Shape:
    sides = 0
    known = []

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        Shape.known.append(cls.__name__)

    def describe(self):
        return f"{self.name()} with {self.sides} sides"

    def name(self):
        return "shape"

    @staticmethod
    def unit():
        return "cm"

    @classmethod
    def make(cls):
        return cls()


class Square(Shape):
    sides = 4

    def name(self):
        return "square"

    @functools.cached_property
    def area(self):
        return self.sides * int(Size.LARGE)


class BigSquare(Square):
    def name(self):
        return "big " + super().name()


class Positive:
    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner):
        return getattr(instance, self.name, 1)

    def __set__(self, instance, value):
        setattr(instance, self.name, abs(value))


class Box:
    width = Positive()


def grey():
    return "grey"


@dataclasses.dataclass(order=True)
class Paint:
    price: int = 4
    colour: str = dataclasses.field(default_factory=grey, compare=False)


Point = namedtuple("Point", ["x", "y"], defaults=[7])


class Meta(type):
    def __new__(mcs, name, bases, namespace):
        namespace["tagged"] = mcs.tag(name)
        return super().__new__(mcs, name, bases, namespace)

    @staticmethod
    def tag(name):
        return name.lower()


class Tagged(metaclass=Meta):
    pass
