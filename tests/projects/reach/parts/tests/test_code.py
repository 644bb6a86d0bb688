import threading

from django.test import SimpleTestCase

from parts import caches, chains, registry, shapes


class ChainTests(SimpleTestCase):
    def test_first(self):
        self.assertEqual(chains.first(2), 9)

    def test_star(self):
        self.assertEqual(chains.starred(2), 1)

    def test_table(self):
        self.assertEqual(chains.looked_up("two"), 2)

    def test_default(self):
        self.assertEqual(chains.with_default(), 4)

    def test_chosen_small(self):
        self.assertEqual(chains.chosen(1), 2)

    def test_chosen_large(self):
        self.assertEqual(chains.chosen(11), 10)

    def test_generator(self):
        self.assertEqual(list(chains.generated(3)), [0, 2, 4])

    def test_nested(self):
        self.assertEqual(chains.nested(1)(2), 21)

    def test_lambda(self):
        self.assertEqual(chains.LAMBDAS["half"](4), 2)

    def test_thread(self):
        values = []
        thread = threading.Thread(target=lambda: values.append(chains.deeper(2)))
        thread.start()
        thread.join()
        self.assertEqual(values, [20])


class ShapeTests(SimpleTestCase):
    def test_square(self):
        self.assertEqual(shapes.Square().describe(), "square with 4 sides")

    def test_big_square(self):
        self.assertEqual(shapes.BigSquare().describe(), "big square with 4 sides")

    def test_area(self):
        self.assertEqual(shapes.Square().area, 40)

    def test_known(self):
        self.assertEqual(shapes.Shape.known, ["Square", "BigSquare"])

    def test_static(self):
        self.assertEqual(shapes.Square.make().unit(), "cm")

    def test_descriptor(self):
        box = shapes.Box()
        box.width = -3
        self.assertEqual(box.width, 3)

    def test_dataclass(self):
        self.assertEqual(shapes.Paint().colour, "grey")
        self.assertLess(shapes.Paint(price=3), shapes.Paint())

    def test_point(self):
        self.assertEqual(shapes.Point(1).y, 7)

    def test_metaclass(self):
        self.assertEqual(shapes.Tagged.tagged, "tagged")

    def test_size(self):
        self.assertEqual([size.value for size in shapes.Size], [1, 10])


class CacheTests(SimpleTestCase):
    def test_expensive(self):
        self.assertEqual(caches.expensive(2), 200)

    def test_expensive_again(self):
        self.assertEqual(caches.expensive(2) + 1, 201)

    def test_remembered(self):
        self.assertEqual(caches.remembered("a"), "a!")

    def test_remembered_again(self):
        self.assertEqual(caches.remembered("a") * 2, "a!a!")

    def test_client(self):
        self.assertEqual(caches.client().url(), "http://x")

    def test_client_base(self):
        self.assertEqual(caches.client().base, "http")

    def test_lazy(self):
        self.assertEqual(caches.Lazy.get(), [1, 2])

    def test_lazy_length(self):
        self.assertEqual(len(caches.Lazy.get()), 2)


class RegistryTests(SimpleTestCase):
    def test_bolt(self):
        self.assertEqual(registry.handle("bolt", 3), "<bolt 3>")

    def test_nut(self):
        self.assertEqual(registry.handle("nut", 3), "<nut 3>")

    def test_partial(self):
        self.assertEqual(registry.scaled(4), "<bolt 4>")

    def test_dispatch(self):
        self.assertEqual(registry.shown(1), "int 1")
        self.assertEqual(registry.shown(1.5), "?")

    def test_dispatch_text(self):
        self.assertEqual(registry.shown("a"), "str a")

    def test_handlers(self):
        self.assertEqual(sorted(registry.HANDLERS), ["bolt", "nut"])
