"""What is hashed is RFC 8785, whoever writes it: our writer and the reference one agree on every byte."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from equipment.transparency.entry import canonical, plain

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS,
    st.datetimes(timezones=st.just(UTC)), st.decimals(allow_nan=False), st.dates(),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.tuples(inner, inner), st.dictionaries(st.one_of(TEXTS, st.integers()), inner)
    ),
    max_leaves=20,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=6))
@example({"\ue000": 1, "\U0001f600": 2, "梯": 3})
@example({"a": 1.0, "b": -0.0, "c": 1e-7, "d": 1e21, "e": 123456789012345680.0, "f": 0.0001, "g": 2.0**53})
@example({"a": '\x00\x1f\x7f"\\/\b\f\n\r\t\u2028', "b": 2**53, "c": -(2**53) + 1, "d": Decimal("1.50")})
@example({"at": datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC), "deep": [{"b": [], "a": {}}]})
def test_the_fast_writer_and_the_reference_write_the_same(content: dict[str, object]) -> None:
    assert canonical(content) == rfc8785.dumps(plain(content))  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "\ud800"])
def test_what_has_no_canonical_form_is_refused(bad: object) -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical({"value": bad})
