"""What can go wrong between the agent and HAProxy."""

from jitgress.domain.errors import JitgressError


class HaproxyUnreachableError(JitgressError):
    """The runtime socket is not there, or gave no answer in time."""

    code = "haproxy_unreachable"


class UnexpectedAnswerError(JitgressError):
    """HAProxy answered something that we don't understand, or did not do what it was told."""

    code = "haproxy_unexpected"


class HaproxyMissingError(JitgressError):
    """There is no HAProxy on this machine."""

    code = "haproxy_missing"
