"""Policies and targets out of files: as the API server would take them, with its defaults filled in."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from jitgress.cli.exits import UsageError
from jitgress.cli.policy_yaml import Block, items, read_documents
from jitgress.crds.access_policy import AccessPolicySpec
from jitgress.crds.access_target import AccessTargetSpec
from jitgress.crds.fields import Part
from jitgress.crds.policies import policy_or_defect
from jitgress.crds.values import target_value
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.policy import Policy
from jitgress.domain.target import Ready, Target
from jitgress.kube.resources import ACCESS_POLICIES, ACCESS_TARGETS

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_TESTS: Final = ".test"
_ASSUMED: Final = Ready("192.0.2.1:80")  # RFC 5737: an address of documentation


@dataclass(frozen=True, slots=True)
class Files:
    """What files hold. A target of a file counts as Ready."""

    policies: tuple[Policy, ...]
    targets: tuple[Target, ...]

    def target(self, namespace: str, name: str) -> Target | None:
        """Return a target, or None."""
        return next((each for each in self.targets if (each.ref.namespace, each.ref.name) == (namespace, name)), None)


def read_files(paths: Iterable[Path]) -> Files:
    """Return the policies and targets of files and folders. Raises `UsageError` where there is neither."""
    listed = [each for path in paths for each in _listed(path)]
    found = understand([block for path in listed for block in read_documents(path)])
    if not found.policies and not found.targets:
        names = ", ".join(map(str, paths)) or "nothing"
        raise UsageError(f"no AccessPolicy and no AccessTarget in {names}", remedy="Name a file that holds one.")
    return found


def understand(blocks: Iterable[Block]) -> Files:
    """Return what `blocks` say. Objects of other kinds are left out. Raises `UsageError` where a name comes twice."""
    policies, targets = dict[str, Policy](), dict[str, Target]()
    for block in _objects(blocks):
        match block.get("kind"), str(block.get("apiVersion", "")).partition("/")[0]:
            case ACCESS_POLICIES.kind, ACCESS_POLICIES.group:
                policy = _policy(block)
                _once(block, policy.name, policies)
                policies[policy.name] = policy
            case ACCESS_TARGETS.kind, ACCESS_TARGETS.group:
                target = _target(block)
                _once(block, str(target.ref), targets)
                targets[str(target.ref)] = target
            case _:
                pass
    return Files(tuple(policies.values()), tuple(targets.values()))


def _once(block: Block, name: object, known: Mapping[Any, object]) -> None:
    if name in known:
        block.fail(f"{block['kind']} {name} is there twice", remedy="Leave one out.")


def _listed(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(
        each
        for each in path.rglob("*")
        if each.suffix in _SUFFIXES and Path(each.stem).suffix != _TESTS and each.is_file()
    )


def _objects(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        if block.get("kind") == "List":
            yield from (each for each in items(block.get("items")) if isinstance(each, Block))
        else:
            yield block


def _policy(block: Block) -> Policy:
    metadata = _metadata(block)
    spec = _with_defaults(AccessPolicySpec, block)
    if isinstance(spec, str):
        return replace(policy_or_defect({**block, "metadata": metadata}), defect=spec)
    return policy_or_defect({"metadata": metadata, "spec": spec})


def _target(block: Block) -> Target:
    metadata = {"namespace": "default", "uid": "of-a-file", **_metadata(block)}
    spec = _with_defaults(AccessTargetSpec, block)
    if isinstance(spec, str):
        block.fail(f"AccessTarget {metadata['name']}: {spec}", key="spec", remedy="Mend it.")
    try:
        return replace(target_value({"metadata": metadata, "spec": spec}), readiness=_ASSUMED)
    except InvalidValueError as error:
        block.fail(f"AccessTarget {metadata['name']}: {error.message}", key="spec", remedy=error.remedy)


def _metadata(block: Block) -> Block:
    metadata = block.get("metadata")
    if not isinstance(metadata, Block) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        block.fail(f"{block['kind']} without metadata.name", key="metadata", remedy="Give it a name.")
    return metadata


def _with_defaults(schema: type[Part], block: Block) -> dict[str, Any] | str:
    """Return the spec as the API server would keep it, or why it wouldn't."""
    try:
        # JSON, for types are taken strictly in it, and texts for what is one of several.
        spec = schema.model_validate_json(json.dumps(block.get("spec")), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in ("spec", *first["loc"]))
        return f"{where}: {first['msg'].removeprefix('Value error, ')}"
    except (TypeError, ValueError):
        return "spec is not what JSON can say"
    return spec.model_dump(mode="json", by_alias=True, exclude_none=True)
