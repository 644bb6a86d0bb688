"""A function of a migration finds the models that Django would render, whatever it asks for."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("configured_django")


def key(**options: Any) -> tuple[str, Any]:
    """A primary key."""
    from django.db import models

    return ("id", models.BigAutoField(primary_key=True, **options))


def state_of(*models: tuple[str, list[tuple[str, Any]], dict[str, Any]]) -> Any:
    """A state with models of one app, each with its name, its fields and more."""
    from django.db.migrations.state import ModelState, ProjectState

    state = ProjectState()
    for name, fields, more in models:
        state.add_model(ModelState("shop", name, [*fields], **more))
    return state


def both(state: Any) -> tuple[Any, Any]:
    """Django's registry, and one that renders on demand."""
    from django.db.migrations.state import StateApps

    from ctest_containers.rendering.on_demand_apps import OnDemandApps

    return StateApps([], state.models), OnDemandApps([], state.models)


def rendered(apps: Any) -> set[str]:
    """The names of the models that a registry has rendered."""
    return {name for models in apps._all_models.values() for name in models}


def names(model: Any) -> list[str]:
    """The attributes of a model."""
    return dir(model)


def accessors(model: Any) -> list[str]:
    """What each attribute of a relation is, and whether instances have it."""
    found = []
    for name in dir(model):
        value = getattr(model, name, None)
        if type(value).__module__.startswith("django.db.models.fields"):
            relation = getattr(value, "rel", None) or getattr(value, "related", None)
            found.append(f"{name}: {type(value).__name__} {relation and relation.field}")
    return found


def fields(model: Any) -> list[str]:
    """The fields of a model, in their order."""
    return [str(one) for one in model._meta.get_fields(include_hidden=True)]


def related_objects(model: Any) -> list[str]:
    """What refers to a model, in its order."""
    return [f"{one} {one.get_accessor_name()}" for one in model._meta.related_objects]


def field_names(model: Any) -> list[str]:
    """The names by which a query finds fields."""
    return sorted(model._meta.fields_map)


def on_delete(model: Any) -> list[str]:
    """The relations that the deletion of a row goes through."""
    from django.db.models.deletion import get_candidate_relations_to_delete

    return [str(one) for one in get_candidate_relations_to_delete(model._meta)]


def one_to_one(model: Any) -> list[str]:
    """The names that nothing can be created with."""
    return sorted(getattr(model._meta, "_reverse_one_to_one_field_names", ()))


def base_names(model: Any) -> list[str]:
    """The classes that a model inherits from."""
    return [f"{one.__module__}.{one.__qualname__}" for one in model.__mro__]


def registry(model: Any) -> list[str]:
    """All models of its registry, in their order."""
    apps = model._meta.apps
    every = apps.get_models(include_auto_created=True, include_swapped=True)
    return [
        *(one._meta.label for one in every),
        *(f"{label}.{name}" for label, models in apps.all_models.items() for name in models),
        *(one.label for one in apps.get_app_configs()),
    ]


PROBES: tuple[Callable[[Any], list[str]], ...] = (
    *(names, accessors, fields, related_objects, field_names, on_delete, base_names, one_to_one),
    registry,
)


def answers(
    apps: Any, wanted: list[tuple[str, str]], probes: list[Callable[[Any], list[str]]]
) -> Iterator[list[str]]:
    """What a function gets that asks for models one after another, and something of each."""
    for (label, name), probe in zip(wanted, probes, strict=True):
        try:
            model = apps.get_model(label, name)
        except LookupError as error:
            yield [str(error)]
        else:
            yield probe(model)


def test_a_wrong_call_is_refused_as_django_refuses_it() -> None:
    theirs, ours = both(state_of(("Page", [key()], {})))
    messages = []

    for apps in (theirs, ours):
        with pytest.raises(TypeError) as error:
            apps.get_model()
        messages.append(str(error.value))

    assert messages[0] in {messages[1], messages[1].replace("OnDemandApps", "Apps")}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_whatever_is_asked_for_in_whatever_order_is_as_in_djangos_registry(seed: int) -> None:
    from harness.generated_migrations import draw_history

    chance = random.Random(seed)
    from django.db.migrations.state import ProjectState

    state = ProjectState()
    for label, operation in draw_history(chance, 40):
        operation.state_forwards(label, state)
    try:
        theirs, ours = both(state)
    except ValueError:
        # Django finds a reference to a model that is missing, and so does a run.
        return
    keys = [*state.models, ("shop", "missing"), ("nowhere", "first")]
    every = theirs.get_models(include_auto_created=True)
    keys += [(one._meta.app_label, one._meta.model_name) for one in every]
    wanted = chance.choices(keys, k=4)
    probes = chance.choices(PROBES, k=4)

    assert [*answers(ours, wanted, probes)] == [*answers(theirs, wanted, probes)]


def test_a_model_is_rendered_with_what_it_refers_to_and_nothing_else() -> None:
    from django.db import models

    state = state_of(
        ("Author", [key()], {}),
        ("Book", [key(), ("author", models.ForeignKey("shop.Author", models.CASCADE))], {}),
        ("Review", [key(), ("book", models.ForeignKey("shop.Book", models.CASCADE))], {}),
    )
    _, apps = both(state)

    book = apps.get_model("shop", "Book")

    assert rendered(apps) == {"author", "book"}
    assert book.author.field.related_model is apps.get_model("shop.author")
    assert rendered(apps) == {"author", "book"}


@pytest.mark.parametrize(
    "ask",
    [
        lambda model, _: model.review_set,
        lambda model, _: hasattr(model(id=1), "review_set"),
        lambda model, _: model._meta.related_objects,
        lambda model, _: model._meta.get_field("review"),
        lambda model, _: model.objects.filter(review__id=1),
        lambda _, apps: apps.get_models(),
        lambda _, apps: apps.all_models,
        lambda _, apps: apps.app_configs,
        lambda _, apps: apps.get_app_config("shop"),
    ],
)
def test_all_models_are_rendered_where_a_model_is_asked_what_refers_to_it(ask: Any) -> None:
    from django.db import models

    state = state_of(
        ("Book", [key()], {}),
        ("Review", [key(), ("book", models.ForeignKey("shop.Book", models.CASCADE))], {}),
        ("Other", [key()], {}),
    )
    _, apps = both(state)
    book = apps.get_model("shop", "Book")
    assert rendered(apps) == {"book"}

    ask(book, apps)

    assert rendered(apps) == {"book", "review", "other"}
    assert type(book.review_set).__name__ == "ReverseManyToOneDescriptor"


def test_the_reverse_side_cannot_be_assigned_before_it_is_rendered_either() -> None:
    from django.db import models

    state = state_of(
        ("Book", [key()], {}),
        ("Review", [key(), ("book", models.ForeignKey("shop.Book", models.CASCADE))], {}),
    )
    _, apps = both(state)
    book = apps.get_model("shop", "Book")(id=1)

    with pytest.raises(TypeError, match="reverse side"):
        book.review_set = []


def test_a_field_of_somebody_elses_is_rendered_with_the_model_it_refers_to() -> None:
    from django.db import models

    class Parental(models.ForeignKey):  # type: ignore[type-arg]
        def contribute_to_related_class(self, cls: Any, related: Any) -> None:
            super().contribute_to_related_class(cls, related)
            cls._meta.child_relations = [*getattr(cls._meta, "child_relations", ()), related]

    state = state_of(
        ("Page", [key()], {}),
        ("Link", [key(), ("page", Parental("shop.Page", models.CASCADE))], {}),
        ("Other", [key(), ("page", models.ForeignKey("shop.Page", models.CASCADE))], {}),
    )
    _, apps = both(state)

    page = apps.get_model("shop", "Page")

    assert rendered(apps) == {"page", "link"}
    assert [one.name for one in page._meta.child_relations] == ["link"]


def test_two_relations_of_one_name_are_decided_as_django_decides_it() -> None:
    from django.db import models

    def reference() -> Any:
        return models.ForeignKey("shop.Page", models.CASCADE, related_name="items")

    state = state_of(
        ("B", [key(), ("page", reference())], {}),
        ("A", [key(), ("page", reference())], {}),
        ("Page", [key()], {}),
    )
    theirs, ours = both(state)

    found = [str(apps.get_model("shop", "Page").items.rel.field) for apps in (theirs, ours)]

    assert found[0] == found[1]


def test_what_refers_to_a_proxy_is_found_from_the_model_with_the_table() -> None:
    from django.db import models

    state = state_of(
        ("Page", [key()], {}),
        ("Shown", [], {"bases": ("shop.page",), "options": {"proxy": True}}),
        ("Link", [key(), ("page", models.ForeignKey("shop.Shown", models.CASCADE))], {}),
    )
    theirs, ours = both(state)

    found = [accessors(apps.get_model("shop", "Page")) for apps in (theirs, ours)]

    assert found[0] == found[1]
    assert any(one.startswith("link_set:") for one in found[1])


def test_a_row_is_created_without_rendering_all_models() -> None:
    from django.db import models
    from django.db.models.options import Options

    def to(**options: Any) -> Any:
        return models.OneToOneField("shop.Page", models.CASCADE, **options)

    state = state_of(
        ("Page", [key()], {}),
        ("Plain", [key(), ("page", to())], {}),
        ("Named", [key(), ("page", to(related_name="named_%(class)s"))], {}),
        ("Queried", [key(), ("page", to(related_query_name="asked_%(app_label)s"))], {}),
        ("Hidden", [key(), ("page", to(related_name="+"))], {}),
        (
            "Child",
            [("page_ptr", to(parent_link=True, primary_key=True))],
            {"bases": ("shop.page",)},
        ),
    )
    theirs, ours = both(state)

    found = [one_to_one(apps.get_model("shop", "Page")) for apps in (theirs, ours)]

    assert found == [found[0]] * 2
    if hasattr(Options, "_reverse_one_to_one_field_names"):
        assert found[0] == ["asked_shop", "child", "named_named", "plain"]
    assert rendered(ours) == {"page", "child"}


def test_a_relation_that_a_function_makes_its_own_breaks_nothing() -> None:
    from django.db import models

    def to(name: str) -> Any:
        return models.ForeignKey(name, models.CASCADE)

    state = state_of(
        ("Tag", [key()], {}),
        ("Page", [key(), ("tags", models.ManyToManyField("shop.Tag", through="shop.Link"))], {}),
        ("Link", [key(), ("tag", to("shop.Tag")), ("page", to("shop.Page"))], {}),
        ("Other", [key()], {}),
    )
    _, apps = both(state)

    # As is usual for `add()` with a model of one's own.
    apps.get_model("shop", "Link")._meta.auto_created = True

    assert len(apps.all_models["shop"]) == 4


def test_what_a_function_has_done_to_a_model_stays() -> None:
    from django.db import models

    def to(name: str) -> Any:
        return models.ForeignKey(name, models.CASCADE)

    state = state_of(
        ("Page", [key()], {}),
        ("Link", [key(), ("page", to("shop.Page"))], {}),
        ("Note", [key(), ("page", to("shop.Page"))], {}),
        ("Other", [key()], {}),
    )
    _, apps = both(state)
    page = apps.get_model("shop", "Page")
    manager = page.objects
    page.link_set = "something else"
    del page.note_set

    apps.get_model("shop", "Other")
    apps.get_models()

    assert page.objects is manager
    assert page.link_set == "something else"
    assert not hasattr(page, "note_set")


def test_threads_find_whole_models() -> None:
    from django.db import models

    names = [f"Model{number}" for number in range(12)]
    state = state_of(
        ("Page", [key()], {}),
        *(
            (name, [key(), ("page", models.ForeignKey("shop.Page", models.CASCADE))], {})
            for name in names
        ),
    )
    _, apps = both(state)
    page = apps.get_model("shop", "Page")
    meeting = threading.Barrier(len(names))

    def use(name: str) -> str:
        meeting.wait(10)
        page.objects.filter(**{f"{name.lower()}__id": 1})
        return str(apps.get_model("shop", name)._meta.label)

    with ThreadPoolExecutor(len(names)) as threads:
        found = [*threads.map(use, names)]

    assert found == [f"shop.{name}" for name in names]


class Registered:
    """A base class that records the names of its subclasses."""

    names: ClassVar[list[str]] = []

    def __init_subclass__(cls) -> None:
        cls.names.append(cls.__name__)


def test_who_is_told_of_new_classes_is_told_of_all_in_djangos_order() -> None:
    from django.db import models
    from django.db.models.signals import class_prepared

    def note(sender: Any, **_: Any) -> None:
        prepared.append(sender.__name__)

    prepared: list[str] = []
    plain = state_of(("B", [key()], {}), ("A", [key()], {}))
    hooked = state_of(("B", [key()], {"bases": (Registered, models.Model)}), ("A", [key()], {}))

    both(hooked)[1].get_model("shop", "A")
    class_prepared.connect(note)
    both(plain)[1].get_model("shop", "A")
    class_prepared.disconnect(note)

    assert Registered.names == ["B"] * 2
    assert prepared == ["B", "A"] * 2


def test_a_model_knows_its_subclasses() -> None:
    from django.db import models

    link: Any = models.OneToOneField(
        "shop.Page", models.CASCADE, parent_link=True, primary_key=True
    )
    state = state_of(
        ("Page", [key()], {}),
        ("Child", [("page_ptr", link)], {"bases": ("shop.page",)}),
        ("Shown", [], {"bases": ("shop.page",), "options": {"proxy": True}}),
    )
    _, apps = both(state)

    page = apps.get_model("shop", "Page")

    assert {one.__name__ for one in page.__subclasses__()} == {"Child", "Shown"}


@pytest.mark.parametrize("ask", [lambda apps: apps.get_models(), lambda apps: apps.all_models])
def test_a_model_that_cannot_be_rendered_is_left_to_django(ask: Any) -> None:
    from django.db import models

    from ctest_containers.errors import RenderingError
    from ctest_containers.rendering.fallback import ERRORS
    from ctest_containers.rendering.on_demand_apps import OnDemandApps

    class Broken(models.ForeignKey):  # type: ignore[type-arg]
        def contribute_to_class(self, *_: Any, **__: Any) -> None:
            raise AttributeError("no such thing")

    state = state_of(
        ("Page", [key()], {}),
        ("Other", [key()], {}),
        ("Link", [key(), ("other", Broken("shop.Other", models.CASCADE))], {}),
    )
    apps = OnDemandApps([], state.models)
    apps.get_model("shop", "Page")
    ERRORS.clear()

    with pytest.raises(RenderingError, match="no such thing"):
        ask(apps)

    assert len(ERRORS) == 1
    ERRORS.clear()


def test_a_child_of_a_proxy_without_its_link_is_found_from_the_model_with_the_table() -> None:
    state = state_of(
        ("Page", [key()], {}),
        ("Shown", [], {"bases": ("shop.page",), "options": {"proxy": True}}),
        ("Child", [], {"bases": ("shop.shown",)}),
    )
    theirs, ours = both(state)

    found = [accessors(apps.get_model("shop", "Page")) for apps in (theirs, ours)]

    assert found[0] == found[1]
    assert any(one.startswith("child:") for one in found[1])


def test_the_table_of_a_relation_can_be_asked_for() -> None:
    from django.db import models

    state = state_of(
        ("Tag", [key()], {}),
        ("Page", [key(), ("tags", models.ManyToManyField("shop.Tag"))], {}),
    )
    _, apps = both(state)

    assert apps.get_model("shop", "Page_tags")._meta.db_table == "shop_page_tags"
