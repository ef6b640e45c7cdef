"""The report shows what training saw, and what averaging over augmented copies gave."""

import json
from dataclasses import replace

import pytest

from tuner.report.panels import augmented
from tuner.report.summary import key_numbers
from tuner.report.view import View


def test_mixed_labels_are_explained_where_something_mixes(run):
    def panel(items):
        return list(augmented.panel(View(run, {"augmented.json": json.dumps(items).encode()}.get)))

    item = {"layers": ["MixUp"], "where": "the best trial's", "labels": ["cat", "dog"], "draws": 7}
    item["image"] = "data:image/webp;base64,UklGRg=="
    text, pictures = panel([item])
    assert pictures.title == "MixUp"
    assert "an image of class cat, dog" in pictures.pictures[0].alt
    assert "0.4 cat and 0.6 dog" in text.text
    assert len(panel([item | {"layers": ["RandomFlip"]}])) == 1
    assert panel([item | {"image": "http://example.com/a.png"}, item | {"layers": 7}]) == []


@pytest.mark.parametrize(("used", "said"), [(True, "that of the mean, too"), (False, "no gain, so not used")])
def test_averaging_is_a_key_number(run, used, said):
    found = {"accuracy": [0.9, 0.95], "copies": 4, "used": used}
    view = View(replace(run, conclusion={**run.conclusion, "test_time_augmentation": found}), lambda name: None)
    number = next(number for number in key_numbers(view) if number.label == "With test-time augmentation")
    assert number.value == "0.950"
    assert "an image and 4 augmented views" in number.remark
    assert number.remark.endswith(said)
