"""A recipe written by us is read by any YAML reader as the same data, whatever stands in it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tuner.store.yaml_text import yaml_text

TEXT = st.text(st.characters(), max_size=12) | st.sampled_from(
    ["none", "null", "true", "1e-3", "a b", "- a", "a: b", "é"]
)
LEAF = (
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
DATA = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(TEXT, DATA, min_size=1, max_size=5))
def test_what_is_written_is_what_is_read(data: dict[str, Any]) -> None:
    assert YAML(typ="safe", pure=True).load(yaml_text(data)) == data


def test_people_see_blocks_and_few_quotes() -> None:
    data = {"name": "digits", "data": {"image_size": [64, 64], "path": "my images", "limit": None}, "space": {}}
    assert yaml_text(data) == (
        "name: digits\ndata:\n  image_size: [64, 64]\n  path: my images\n  limit: null\nspace: {}\n"
    )
