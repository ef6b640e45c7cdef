"""The recorded figures are the networks', and these have the layers that the papers and the lecture say."""

import math

import pytest

from tuner.models import BACKBONES
from tuner.models.classic.googlenet import MODULES
from tuner.models.figures import FIGURES, OTHER_COUNTS
from tuner.models.published import published
from tuner.models.table import LayerRow, layer_table, totals
from tuner.models.weightless import weightless
from tuner.recipe import names

BUILT = (*names.CLASSICS, "VGG16", "VGG19", "MobileNetV3Small", "EfficientNetLite0")
LECTURE_ALEXNET = (34_944, 614_656, 885_120, 1_327_488, 884_992, 37_752_832, 16_781_312, 4_097_000)
LECTURE_VGG16 = (
    *(1_792, 36_928, 73_856, 147_584, 295_168, 590_080, 590_080),
    *(1_180_160, 2_359_808, 2_359_808, 2_359_808, 2_359_808, 2_359_808),
    *(102_764_544, 16_781_312, 4_097_000),
)
GOOGLENET_TABLE = {  # table 1 of the paper, in 1024s; 4c stands there with 463
    **{"conv2": 112, "3a": 159, "3b": 380, "4a": 364, "4b": 437},
    **{"4d": 580, "4e": 840, "5a": 1072, "5b": 1388, "classifier": 1000},
}


def rows(name: str, normalization: str = "own") -> tuple[LayerRow, ...]:
    with weightless():
        return layer_table(published(name, normalization=normalization))


def counts(name: str, normalization: str = "own") -> tuple[int, ...]:
    return tuple(row.parameters for row in rows(name, normalization) if row.parameters)


@pytest.mark.parametrize("name", BUILT)
def test_what_is_recorded_is_what_is_built(name: str) -> None:
    figures = FIGURES[name]
    with weightless():
        network, backbone = totals(published(name)), published(name, top=False)
    assert (network.parameters, network.kept) == (figures.parameters, figures.kept)
    assert totals(backbone).parameters == figures.backbone
    assert backbone.output_shape[-1] == figures.features
    assert network.operations / 1e9 == pytest.approx(figures.gigaflops, abs=0.006 if figures.gigaflops > 0.1 else 5e-4)


def test_every_backbone_has_figures_and_every_count_a_backbone() -> None:
    assert tuple(FIGURES) == tuple(BACKBONES)
    assert set(OTHER_COUNTS) <= set(BACKBONES)


@pytest.mark.parametrize(
    ("name", "published_count"),
    [
        ("LeNet5", 61_706),
        ("AlexNet", 62_378_344),
        ("VGG16", 138_357_544),
        ("VGG19", 143_667_240),
        ("GoogLeNet", 6_998_552),
        ("ResNet18", 11_689_512),
        ("ResNet34", 21_797_672),
        ("ResNet20", 269_722),
        ("ResNet56", 853_018),
    ],
)
def test_the_published_counts(name: str, published_count: int) -> None:
    assert FIGURES[name].parameters == published_count


def test_alexnet_and_vgg16_are_the_lectures_row_by_row() -> None:
    assert counts("AlexNet") == LECTURE_ALEXNET
    assert counts("VGG16") == LECTURE_VGG16
    assert sum(LECTURE_VGG16) + 65_664 == 138_423_208  # the lecture's sum has parameters in a row of max-pooling


def test_alexnet_in_two_towers_is_the_papers() -> None:
    halves = (0, 5 * 5 * 48 * 256, 0, 3 * 3 * 192 * 384, 3 * 3 * 192 * 256)
    assert 62_378_344 - sum(halves) == 60_965_224


def test_lenet_differs_from_the_paper_by_what_nobody_kept() -> None:
    table = {row.name: row for row in rows("LeNet5")}
    assert [table[name].parameters for name in ("conv1", "dense1", "dense2")] == [156, 48_120, 10_164]
    subsampling, some_maps, codes = 12 + 32, table["conv2"].parameters - 1_516, table["classifier"].parameters
    assert FIGURES["LeNet5"].parameters - some_maps - codes + subsampling == 60_000
    assert table["conv1"].output == (28, 28, 6)  # of 32 x 32, as in the paper's figure 2


def test_googlenet_is_the_papers_table_row_by_row() -> None:
    with weightless():
        model = published("GoogLeNet")
    weights = {layer.name: math.prod(layer.kernel.shape) for layer in model.layers if hasattr(layer, "kernel")}
    found = {name: sum(n for layer, n in weights.items() if f"_{name}_" in layer) / 1024 for name in MODULES}
    found |= {"conv2": (weights["conv2"] + weights["conv2_reduce"]) / 1024, "classifier": weights["classifier"] / 1024}
    for name, wanted in GOOGLENET_TABLE.items():
        assert found[name] == pytest.approx(wanted, rel=0.055), name
    assert weights["conv1"] == 9_408
    shapes = {row.name: row.output for row in layer_table(model)}
    assert shapes["inception_3b_concat"] == (28, 28, 480)
    assert shapes["inception_4e_concat"] == (14, 14, 832)
    assert shapes["inception_5b_concat"] == (7, 7, 1024)


def test_resnet18_without_normalization_is_the_lectures_but_for_its_shortcuts() -> None:
    table = {row.name: row.parameters for row in rows("ResNet18", "none")}
    shortcuts = sum(count for name, count in table.items() if "shortcut" in name)
    assert sum(table.values()) - shortcuts == 11_511_784


def test_looking_at_a_network_gives_its_variables_no_values() -> None:
    import keras

    with weightless():
        model = keras.applications.VGG19(weights=None)
    with keras.StatelessScope():
        pass  # when a scope ends, Keras gives values to the variables that wait for them
    assert all(weight._value is None for weight in model.weights)
