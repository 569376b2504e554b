"""Both sides of the gate's short way: a token of the portal begins as the gate's map of grants says."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from jitgress.domain.grant import GrantId
from jitgress.gate.keys import read_keys
from jitgress.gate.layout import token_beginning
from jitgress.identity.tokens import mint
from tests.unit.gate.builders import NOW, a_grant, a_jwks, a_key

KEYS = [a_key(), a_key()]


@given(number=st.integers(1, 1000), username=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_a_token_begins_as_the_gate_expects(number: int, username: str) -> None:
    grant = a_grant(number, username=username)
    for key in KEYS:
        token = mint(grant, subject=username, now=NOW, key=key, issuer="https://portal.example.test", token_id="t1")
        (public,) = read_keys(a_jwks(key))
        assert token.text.reveal().startswith(token_beginning(grant.id, public))


@given(st.lists(st.uuids(), min_size=2, max_size=5, unique=True))
def test_no_grants_beginning_is_the_beginning_of_anothers(ids: list[UUID]) -> None:
    keys = read_keys(a_jwks(*KEYS))
    beginnings = [token_beginning(GrantId(str(each)), key) for each in ids for key in keys]
    assert len({len(each) for each in beginnings}) == 1
    assert len(set(beginnings)) == len(beginnings)
