import functools

from parts import numbers

SEEN = {}
COUNTS = {"calls": 0}
_instance = None


@functools.lru_cache
def expensive(value):
    return numbers.times(value, scale())


def scale():
    return 100


def remembered(key):
    if key not in SEEN:
        SEEN[key] = computed(key)
    return SEEN[key]


def computed(key):
    return f"{key}!"


class Client:
    base = "http"

    def url(self):
        return self.base + "://x"


def client():
    global _instance
    if _instance is None:
        _instance = made_client()
    return _instance


def made_client():
    return Client()


class Lazy:
    values = None

    @classmethod
    def get(cls):
        if cls.values is None:
            cls.values = cls.load()
        return cls.values

    @classmethod
    def load(cls):
        return [1, 2]
