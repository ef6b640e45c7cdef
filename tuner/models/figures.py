"""How old, how large and how costly is each backbone, and what is it for? Recorded, so that nobody waits for Keras.

Counted from the networks themselves, built with their published classifier at their published size by Keras 3.15.1
(`tests/models/test_figures.py` builds some of them again). The years are those of the papers.

Source: https://keras.io/api/applications/; the papers that the modules of `tuner/models` name.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """One published network, its classifier included, unless it says backbone."""

    year: int
    parameters: int  # that learn
    kept: int  # that do not: averages of batch normalization, means of the pixels
    classes: int
    backbone: int  # parameters that learn without the classifier: what a recipe puts its own head on
    features: int  # of an image, after pooling
    gigaflops: float  # of one image at its published size, two for each multiplication
    about: str


FIGURES: Mapping[str, Figures] = {
    "ConvNeXtTiny": Figures(
        2022,
        28_589_128,
        0,
        1000,
        27_820_128,
        768,
        8.91,
        "a convolutional network in the manner of transformers: strong, slow",
    ),
    "ConvNeXtSmall": Figures(2022, 50_223_688, 0, 1000, 49_454_688, 768, 17.37, "as ConvNeXtTiny, deeper"),
    "ConvNeXtBase": Figures(2022, 88_591_464, 0, 1000, 87_566_464, 1_024, 30.71, "as ConvNeXtSmall, wider"),
    "ConvNeXtLarge": Figures(
        2022, 197_767_336, 0, 1000, 196_230_336, 1_536, 68.72, "as ConvNeXtBase, wider; for a GPU"
    ),
    "ConvNeXtXLarge": Figures(
        2022, 350_196_968, 0, 1000, 348_147_968, 2_048, 121.84, "as ConvNeXtLarge, wider; for a large GPU"
    ),
    "DenseNet121": Figures(
        2017,
        7_978_856,
        83_648,
        1000,
        6_953_856,
        1_024,
        5.67,
        "each layer sees all before it: few parameters, much memory",
    ),
    "DenseNet169": Figures(2017, 14_149_480, 158_400, 1000, 12_484_480, 1_664, 6.72, "as DenseNet121, deeper"),
    "DenseNet201": Figures(2017, 20_013_928, 229_056, 1000, 18_092_928, 1_920, 8.58, "as DenseNet169, deeper"),
    "EfficientNetB0": Figures(
        2019,
        5_288_548,
        42_023,
        1000,
        4_007_548,
        1_280,
        0.77,
        "depth, width and size grown together: accurate for its cost",
    ),
    "EfficientNetB1": Figures(
        2019, 7_794_184, 62_055, 1000, 6_513_184, 1_280, 1.37, "as EfficientNetB0, larger in all three"
    ),
    "EfficientNetB2": Figures(
        2019, 9_109_994, 67_575, 1000, 7_700_994, 1_408, 1.99, "as EfficientNetB1, larger in all three"
    ),
    "EfficientNetB3": Figures(
        2019, 12_233_232, 87_303, 1000, 10_696_232, 1_536, 3.65, "as EfficientNetB2, larger in all three"
    ),
    "EfficientNetB4": Figures(
        2019, 19_341_616, 125_207, 1000, 17_548_616, 1_792, 8.79, "as EfficientNetB3, larger in all three"
    ),
    "EfficientNetB5": Figures(
        2019, 30_389_784, 172_743, 1000, 28_340_784, 2_048, 20.53, "as EfficientNetB4, larger in all three"
    ),
    "EfficientNetB6": Figures(
        2019, 43_040_704, 224_439, 1000, 40_735_704, 2_304, 38.14, "as EfficientNetB5, larger in all three"
    ),
    "EfficientNetB7": Figures(
        2019, 66_347_960, 310_727, 1000, 63_786_960, 2_560, 75.49, "as EfficientNetB6, larger in all three"
    ),
    "EfficientNetV2B0": Figures(
        2021, 7_139_704, 60_608, 1000, 5_858_704, 1_280, 1.44, "EfficientNet made to train faster"
    ),
    "EfficientNetV2B1": Figures(2021, 8_141_052, 71_072, 1000, 6_860_052, 1_280, 2.39, "as EfficientNetV2B0, larger"),
    "EfficientNetV2B2": Figures(2021, 10_096_086, 82_288, 1000, 8_687_086, 1_408, 3.4, "as EfficientNetV2B1, larger"),
    "EfficientNetV2B3": Figures(
        2021, 14_358_406, 109_216, 1000, 12_821_406, 1_536, 6.02, "as EfficientNetV2B2, larger"
    ),
    "EfficientNetV2S": Figures(
        2021, 21_458_488, 153_872, 1000, 20_177_488, 1_280, 16.73, "as EfficientNetV2B3, larger"
    ),
    "EfficientNetV2M": Figures(2021, 54_139_356, 292_032, 1000, 52_858_356, 1_280, 49.16, "as EfficientNetV2S, larger"),
    "EfficientNetV2L": Figures(
        2021, 118_515_272, 512_576, 1000, 117_234_272, 1_280, 112.16, "as EfficientNetV2M, larger; for a GPU"
    ),
    "InceptionResNetV2": Figures(
        2016,
        55_813_192,
        60_544,
        1000,
        54_276_192,
        1_536,
        26.31,
        "Inception modules with sums around them: accurate, large",
    ),
    "InceptionV3": Figures(
        2015,
        23_817_352,
        34_432,
        1000,
        21_768_352,
        2_048,
        11.43,
        "GoogLeNet's modules with smaller kernels and batch norm",
    ),
    "MobileNet": Figures(
        2017, 4_231_976, 21_888, 1000, 3_206_976, 1_024, 1.14, "separable convolutions: small and fast"
    ),
    "MobileNetV2": Figures(
        2018,
        3_504_872,
        34_112,
        1000,
        2_223_872,
        1_280,
        0.6,
        "narrow sums, wide between them: small, fast, a good first choice on a CPU",
    ),
    "MobileNetV3Large": Figures(2019, 5_483_032, 24_400, 1000, 2_971_952, 960, 0.43, "as MobileNetV2, found by search"),
    "MobileNetV3Small": Figures(
        2019, 2_542_856, 12_112, 1000, 927_008, 576, 0.11, "the fastest here with ImageNet weights"
    ),
    "NASNetLarge": Figures(
        2017, 88_753_150, 196_668, 1000, 84_720_150, 4_032, 47.57, "modules found by search: large and slow"
    ),
    "NASNetMobile": Figures(
        2017, 5_289_978, 36_738, 1000, 4_232_978, 1_056, 1.13, "NASNetLarge's modules, for small devices"
    ),
    "ResNet50": Figures(
        2015,
        25_583_592,
        53_120,
        1000,
        23_534_592,
        2_048,
        7.72,
        "sums around every three convolutions: the usual reference",
    ),
    "ResNet101": Figures(2015, 44_601_832, 105_344, 1000, 42_552_832, 2_048, 15.14, "as ResNet50, deeper"),
    "ResNet152": Figures(2015, 60_268_520, 151_424, 1000, 58_219_520, 2_048, 22.56, "as ResNet101, deeper"),
    "ResNet50V2": Figures(
        2016, 25_568_360, 45_440, 1000, 23_519_360, 2_048, 6.96, "as ResNet50, normalized before each convolution"
    ),
    "ResNet101V2": Figures(2016, 44_577_896, 97_664, 1000, 42_528_896, 2_048, 14.39, "as ResNet50V2, deeper"),
    "ResNet152V2": Figures(2016, 60_236_904, 143_744, 1000, 58_187_904, 2_048, 21.81, "as ResNet101V2, deeper"),
    "VGG16": Figures(
        2014,
        138_357_544,
        0,
        1000,
        14_714_688,
        512,
        30.94,
        "3 x 3 convolutions in a row; three quarters of it are its first dense layer",
    ),
    "VGG19": Figures(2014, 143_667_240, 0, 1000, 20_024_384, 512, 39.26, "as VGG16, three convolutions deeper"),
    "Xception": Figures(
        2016,
        22_855_952,
        54_528,
        1000,
        20_806_952,
        2_048,
        16.71,
        "separable convolutions in place of Inception's modules",
    ),
    "EfficientNetLite0": Figures(
        2020,
        4_652_008,
        42_016,
        1000,
        3_371_008,
        1_280,
        0.77,
        "EfficientNetB0 for small devices; its weights need no network",
    ),
    "LeNet5": Figures(1998, 61_706, 0, 10, 60_856, 84, 0.001, "digits, in a minute from scratch"),
    "AlexNet": Figures(
        2012, 62_378_344, 0, 1000, 58_281_344, 4_096, 2.27, "the first deep one: ReLU, dropout, large dense layers"
    ),
    "GoogLeNet": Figures(
        2014, 6_998_552, 0, 1000, 5_973_552, 1_024, 3.17, "four kernel sizes side by side; few parameters"
    ),
    "ResNet18": Figures(2015, 11_689_512, 9_600, 1000, 11_176_512, 512, 3.63, "the smallest ResNet for photographs"),
    "ResNet34": Figures(2015, 21_797_672, 17_024, 1000, 21_284_672, 512, 7.33, "as ResNet18, deeper"),
    "ResNet20": Figures(2015, 269_722, 1_376, 10, 269_072, 64, 0.081, "a ResNet for images of about 32 pixels"),
    "ResNet56": Figures(2015, 853_018, 4_064, 10, 852_368, 64, 0.25, "as ResNet20, deeper: the sums make it trainable"),
    "PlainNet20": Figures(2015, 269_722, 1_376, 10, 269_072, 64, 0.081, "ResNet20 without its sums, to compare"),
    "PlainNet56": Figures(
        2015, 853_018, 4_064, 10, 852_368, 64, 0.25, "ResNet56 without its sums: trains worse than PlainNet20"
    ),
}
"""Backbone -> its figures, in the order of `tuner.models.BACKBONES`."""

OTHER_COUNTS: Mapping[str, str] = {
    "LeNet5": "the paper counts 60,000: 1,516 instead of 2,416 in the second convolution, which sees some maps only; a "
    "scale and a shift for each map of the averages, 44; and no 850 in the outputs, which are distances to fixed codes",
    "AlexNet": "the paper's two towers have 60,965,224: convolutions 2, 4 and 5 see only their own half",
    "VGG16": "the lecture's 138,423,208 counts 65,664 in a row of max-pooling, which has no parameters",
    "GoogLeNet": "the paper's table counts in 1024s and without biases; with 7 x 7 x 3 x 64 weights its first row is "
    "9.2K and not 2.7K",
    "ResNet18": "the lecture's 11,511,784 has biases in place of batch normalization, and no convolutions in its "
    "shortcuts",
}
"""Backbone -> why another count of its parameters is in circulation."""
