"""Which other network might do what this one cannot? The next larger one, and one as deep with skip connections.

Names are those of a recipe. Each line grows in parameters; where both have ImageNet weights, so has the next.

Source: the papers and pages of each architecture (keras.io/api/applications has the counts); He et al. 2015, arXiv
1512.03385, table 1 and section 4.2.
"""

from itertools import pairwise

LINES = (
    ("LeNet5", "ResNet20", "ResNet56"),
    ("MobileNetV3Small", "MobileNetV3Large"),
    ("MobileNet", "EfficientNetV2B0"),
    ("MobileNetV2", "EfficientNetV2B0"),
    ("EfficientNetLite0", "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4"),
    ("EfficientNetB4", "EfficientNetB5", "EfficientNetB6", "EfficientNetB7"),
    ("EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2", "EfficientNetV2B3", "EfficientNetV2S"),
    ("EfficientNetV2S", "EfficientNetV2M", "EfficientNetV2L"),
    ("DenseNet121", "DenseNet169", "DenseNet201"),
    ("ConvNeXtTiny", "ConvNeXtSmall", "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtXLarge"),
    ("NASNetMobile", "NASNetLarge"),
    ("ResNet18", "ResNet34", "ResNet50", "ResNet101", "ResNet152"),
    ("ResNet50V2", "ResNet101V2", "ResNet152V2"),
    ("InceptionV3", "InceptionResNetV2"),
)
"""From small to large."""

LARGER = dict(pair for line in LINES for pair in pairwise(line))
"""A backbone -> the next larger one."""

WITH_SKIP_CONNECTIONS = {
    "PlainNet20": "ResNet20",
    "PlainNet56": "ResNet56",
    "VGG16": "ResNet18",
    "VGG19": "ResNet18",
}
"""A deep network without ways around its layers -> one of about the same depth that has them."""
