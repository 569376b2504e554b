"""A target that could open more than is meant, or nothing, is refused; the message names the field and the remedy."""

import pytest

from jitgress.kube.resources import ACCESS_TARGETS
from tests.integration.crds.api import Api
from tests.integration.crds.malformed import ABSENT, Case, assert_refused, table
from tests.integration.crds.whole_objects import a_target, with_field

pytestmark = pytest.mark.real

EXACT = "host must be one exact name in lower case, such as orders.example.com"
SEGMENTS = "paths must be / or whole segments such as /api/v1"
NO_DOTS = "paths must not hold the segments . or ..: write the path that is meant"
METHODS = 'supported values: "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"'
A_PORT = "port must be a number from 1 to 65535, or the name of a port, such as http"
A_NAME = "must be a name of lower-case letters, digits and hyphens, such as orders"

HOSTS = (
    Case("a wildcard", "spec.host", "*.example.com", EXACT),
    Case("a wildcard alone", "spec.host", "*", EXACT),
    Case("a wildcard inside", "spec.host", "orders.*.com", EXACT),
    Case("upper case", "spec.host", "Orders.example.com", EXACT),
    Case("an IPv4 address", "spec.host", "10.0.0.1", EXACT),
    Case("an IPv4 address in hexadecimal", "spec.host", "0x7f.0x1", EXACT),
    Case("an IPv6 address", "spec.host", "[2001:db8::1]", EXACT),
    Case("a port", "spec.host", "orders.example.com:443", EXACT),
    Case("a final dot", "spec.host", "orders.example.com.", EXACT),
    Case("a scheme", "spec.host", "https://orders.example.com", EXACT),
    Case("a path", "spec.host", "orders.example.com/api", EXACT),
    Case("a user", "spec.host", "alice@orders.example.com", EXACT),
    Case("one label", "spec.host", "localhost", EXACT),
    Case("an empty label", "spec.host", "orders..example.com", EXACT),
    Case("a label of 64", "spec.host", f"{'a' * 64}.example.com", EXACT),
    Case("a hyphen in front", "spec.host", "-orders.example.com", EXACT),
    Case("an underscore", "spec.host", "my_orders.example.com", EXACT),
    Case("letters beyond ASCII", "spec.host", "b\u00fccher.example.com", EXACT),
    Case("a look-alike letter", "spec.host", "orders.ex\u0430mple.com", EXACT),
    Case("a line break at the end", "spec.host", "orders.example.com\n", EXACT),
    Case("a space at the end", "spec.host", "orders.example.com ", EXACT),
    Case("nothing", "spec.host", "", EXACT),
    Case("254 characters", "spec.host", f"{'a.' * 126}ab", "may not be more than 253 bytes"),
    Case("a number", "spec.host", 7, "must be of type string"),
    Case("absent", "spec.host", ABSENT, "Required value"),
)
PATHS = (
    *(
        Case(about, "spec.paths.0", path, SEGMENTS, named="spec.paths[0]")
        for about, path in (
            ("a wildcard", "/api/*"),
            ("a query", "/api?all=true"),
            ("a fragment", "/api#top"),
            ("an escaped dot", "/api/%2e%2e/admin"),
            ("an escaped slash", "/api%2fadmin"),
            ("an escaped letter", "/%61pi"),
            ("doubled slashes", "/api//admin"),
            ("doubled slashes in front", "//admin"),
            ("a backslash", "/api\\admin"),
            ("a path parameter", "/api;v=1"),
            ("a space", "/my orders"),
            ("a line break at the end", "/api\n"),
            ("a regular expression", "/api/(.*)"),
            ("letters beyond ASCII", "/caf\u00e9"),
            ("no slash in front", "api"),
            ("a whole URL", "https://orders.example.com/api"),
            ("nothing", ""),
        )
    ),
    *(
        Case(about, "spec.paths.0", path, NO_DOTS, named="spec.paths[0]")
        for about, path in (
            ("two dots", "/api/../admin"),
            ("two dots at the end", "/api/.."),
            ("two dots alone", "/.."),
            ("one dot", "/api/./admin"),
        )
    ),
    Case("257 characters", "spec.paths.0", f"/{'a' * 256}", "may not be more than 256 bytes", named="spec.paths[0]"),
    Case("none", "spec.paths", [], "should have at least 1 items"),
    Case("33", "spec.paths", [f"/{number}" for number in range(33)], "must have at most 32 items"),
    Case("the same twice", "spec.paths", ["/api", "/api"], 'Duplicate value: "/api"', named="spec.paths[1]"),
    Case("a text", "spec.paths", "/api", "must be of type array"),
    Case("absent", "spec.paths", ABSENT, "Required value"),
)
METHODS_REFUSED = (
    *(
        Case(about, "spec.methods.0", method, METHODS, named="spec.methods[0]")
        for about, method in (
            ("an unknown one", "FETCH"),
            ("lower case", "get"),
            ("a wildcard", "*"),
            ("CONNECT", "CONNECT"),
            ("TRACE", "TRACE"),
            ("a space at the end", "GET "),
            ("nothing", ""),
        )
    ),
    Case("none", "spec.methods", [], "should have at least 1 items"),
    Case("the same twice", "spec.methods", ["GET", "GET"], 'Duplicate value: "GET"', named="spec.methods[1]"),
    Case("absent", "spec.methods", ABSENT, "Required value"),
)
SERVICES = (
    *(
        Case(about, "spec.service.port", port, A_PORT)
        for about, port in (
            ("zero", 0),
            ("negative", -1),
            ("too high", 65_536),
            ("no name", ""),
            ("upper case", "HTTP"),
            ("a space", "ht tp"),
            ("a path", "../http"),
        )
    ),
    Case("64 characters", "spec.service.port", "a" * 64, "may not be more than 63 bytes"),
    Case("a fraction", "spec.service.port", 80.5, "must be of type integer,string"),
    Case("absent", "spec.service.port", ABSENT, "Required value"),
    Case("in another namespace", "spec.service.name", "other/orders", A_NAME),
    Case("a host name", "spec.service.name", "orders.other.svc", A_NAME),
    Case("upper case", "spec.service.name", "Orders", A_NAME),
    Case("a line break at the end", "spec.service.name", "orders\n", A_NAME),
    Case("nothing", "spec.service.name", "", A_NAME),
    Case("64 characters", "spec.service.name", "a" * 64, "may not be more than 63 bytes"),
    Case("absent", "spec.service", ABSENT, "Required value"),
    Case("absent", "spec", ABSENT, "Required value"),
)


@table((*HOSTS, *PATHS, *METHODS_REFUSED, *SERVICES))
def test_a_malformed_target_is_refused_in_words(case: Case, root: Api, namespace: str) -> None:
    assert_refused(root, ACCESS_TARGETS, namespace, case)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spec.host", "a.de"),
        ("spec.host", f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 56}.test"),
        ("spec.host", "xn--bcher-kva.example.com"),
        ("spec.paths", ["/"]),
        ("spec.paths", ["/api/", "/a.b~c@d:e+f=g,h-i_j/..."]),
        ("spec.paths", [f"/{'a' * 255}"]),
        ("spec.methods", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
        ("spec.service.port", 1),
        ("spec.service.port", 65_535),
        ("spec.service.port", "h"),
        ("spec.service.port", "a" * 63),
        ("spec.service.name", "a" * 63),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_just_inside_the_rules_is_taken(field: str, value: object, root: Api, namespace: str) -> None:
    answer = root.create(ACCESS_TARGETS, with_field(a_target(), field, value), namespace, is_dry=True)

    assert answer.status == 201, answer.message
