"""Who changed a target or a policy last: the annotation, and what it rightfully says (CEL variables)."""

from typing import Final

from jitgress.crds.admitting import CALLER, or_empty

ANNOTATION: Final = "jitgress.dev/changed-by"


def _list_of(which: str) -> str:
    """Return the CEL expression for the annotation of `which` object: a list of one, or the empty one."""
    found = f"{which}.metadata.annotations"
    return f"has({found}) && '{ANNOTATION}' in {found} ? [{found}['{ANNOTATION}']] : []"


VARIABLES: Final = {
    "stated": _list_of("object"),
    "before": f"request.operation == 'CREATE' ? [] : ({_list_of('oldObject')})",
    # labels choose the policy of a target, so they are as good as its spec
    "changes": "request.operation == 'CREATE' || object.spec != oldObject.spec"
    f" || {or_empty('object.metadata.labels')} != {or_empty('oldObject.metadata.labels')}",
    "rightful": f"variables.changes ? [{CALLER}] : variables.before",
}
