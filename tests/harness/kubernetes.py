"""What Kubernetes and the operator of dask-kubernetes take, by their own schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from harness.wheels import wheel_of

DEFINITIONS: Final = "/api/_definitions.json"
"""What the schemas of Kubernetes call the file that they all refer to."""

CRD: Final = "deployment/helm/dask-kubernetes-operator/crds/daskcluster.yaml"

Schema = dict[str, Any]


class Schemas:
    """The schemas of the newest Kubernetes, and of the resource of the newest operator.

    Args:
        folder: Where the packages that have them are put.
    """

    def __init__(self, folder: Path) -> None:
        with wheel_of("dask-kubernetes", folder) as operator:
            definition = yaml.safe_load(operator.read(f"dask_kubernetes/operator/{CRD}"))
        (version,) = definition["spec"]["versions"]
        group, kind = definition["spec"]["group"], definition["spec"]["names"]["kind"]
        self._own = {(f"{group}/{version['name']}", kind): version["schema"]["openAPIV3Schema"]}
        with wheel_of("kubernetes-validate", folder) as wheel:
            names = [name for name in wheel.namelist() if name.endswith("strict/_definitions.json")]
            newest = max(names, key=_version)
            contents = json.loads(wheel.read(newest))
        self._definitions = contents["$defs"]
        resource = Resource.from_contents(contents, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(DEFINITIONS, resource)

    def problems(self, resource: dict[str, Any]) -> list[str]:
        """Why a resource would not be taken, or not be taken as it is."""
        kind = resource["apiVersion"], resource["kind"]
        if kind in self._own:
            # A resource's own schema says nothing of these.
            body = {name: part for name, part in resource.items() if name == "spec"}
            metadata = self._problems("ObjectMeta", resource["metadata"])
            schema = strict(self._own[kind])
            return [*metadata, *map(_told, Draft202012Validator(schema).iter_errors(body))]
        return self._problems(kind[1], resource)

    def problems_of_pod(self, spec: dict[str, Any]) -> list[str]:
        """Why the specification of a pod would not be taken by Kubernetes itself."""
        return self._problems("PodSpec", spec)

    def _problems(self, name: str, value: Any) -> list[str]:
        (full,) = [one for one in self._definitions if one.endswith(f".v1.{name}")]
        schema = {"$ref": f"{DEFINITIONS}#/$defs/{full}"}
        validator = Draft202012Validator(schema, registry=self._registry)
        return list(map(_told, validator.iter_errors(value)))


def strict(schema: Schema) -> Schema:
    """A schema that refuses fields that it does not know, which a server would leave out."""
    changed = {key: _strict_part(key, part) for key, part in schema.items()}
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        changed.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        changed.pop("type", None)
    return changed


def pods_of(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The specifications of pods that are anywhere in a resource."""
    for name, part in resource.items():
        if name == "spec" and "containers" in part:
            yield part
        elif isinstance(part, dict):
            yield from pods_of(part)


def _strict_part(key: str, part: Any) -> Any:
    if key == "properties":
        return {name: strict(one) for name, one in part.items()}
    return (
        strict(part)
        if key in {"items", "additionalProperties"} and isinstance(part, dict)
        else part
    )


def _version(name: str) -> list[int]:
    """The version in a name such as `…/v1.37.0-local-strict/_definitions.json`."""
    return [int(one) for one in name.split("/")[-2].partition("-")[0].lstrip("v").split(".")]


def _told(error: Any) -> str:
    return f"{error.json_path}: {error.message}"
