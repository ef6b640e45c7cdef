"""Which names may a recipe use? Plain tuples, so that checking a recipe never waits for Keras.

`tests/recipe/test_names.py` compares every table with the installed Keras.

Source: keras 3.15.1, `keras.applications`, `keras.optimizers`, `keras.layers`, `keras.initializers`.
"""

SOURCES = ("directory", "tfds", "npz", "csv", "python", "digits")

APPLICATIONS = (
    *("ConvNeXtTiny", "ConvNeXtSmall", "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtXLarge"),
    *("DenseNet121", "DenseNet169", "DenseNet201"),
    *("EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3"),
    *("EfficientNetB4", "EfficientNetB5", "EfficientNetB6", "EfficientNetB7"),
    *("EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2", "EfficientNetV2B3"),
    *("EfficientNetV2S", "EfficientNetV2M", "EfficientNetV2L"),
    *("InceptionV3", "InceptionResNetV2", "Xception"),
    *("MobileNet", "MobileNetV2", "MobileNetV3Small", "MobileNetV3Large"),
    *("NASNetMobile", "NASNetLarge"),
    *("ResNet50", "ResNet101", "ResNet152", "ResNet50V2", "ResNet101V2", "ResNet152V2"),
    *("VGG16", "VGG19"),
)
"""Every constructor of `keras.applications`."""

UNTRAINED_BACKBONES = ("LeNet5",)
"""Architectures that nobody has trained on ImageNet."""

BACKBONES = (*APPLICATIONS, "EfficientNetLite0", *UNTRAINED_BACKBONES)

SMALLEST_IMAGE = {"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75}
"""Least height and width in pixels where it is not `SMALLEST_IMAGE_OTHERWISE`; keras.applications refuses less."""
SMALLEST_IMAGE_OTHERWISE = 32

OPTIMIZERS = (
    *("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "Muon", "Nadam"),
    *("RMSprop", "ScheduleFreeAdamW", "SGD"),
)

SCHEDULES = (
    *("none", "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseSquareRoot", "InverseTimeDecay"),
    *("LinearDecay", "OneCycle", "PiecewiseConstantDecay", "PolynomialDecay", "ReduceLROnPlateau"),
)
"""`none` keeps the rate."""

INITIALIZERS = (
    *("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal"),
    *("random_uniform", "random_normal", "truncated_normal", "variance_scaling", "orthogonal", "zeros"),
)

AUGMENTATIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "AugMix": ((), ("num_chains", "chain_depth", "factor", "alpha", "all_ops", "interpolation")),
    "AutoContrast": ((), ()),
    "ContrastLimitedAdaptiveHistogramEqualization": ((), ("clip_limit", "tile_grid_size")),
    "Equalization": ((), ("bins",)),
    "RandAugment": ((), ("num_ops", "factor", "interpolation")),
    "RandomBrightness": (("factor",), ()),
    "RandomColorDegeneration": (("factor",), ()),
    "RandomColorJitter": ((), ("brightness_factor", "contrast_factor", "saturation_factor", "hue_factor")),
    "RandomContrast": (("factor",), ()),
    "RandomElasticTransform": ((), ("factor", "scale", "interpolation", "fill_mode", "fill_value")),
    "RandomErasing": ((), ("factor", "scale", "fill_value")),
    "RandomFlip": ((), ("mode",)),
    "RandomGaussianBlur": ((), ("factor", "kernel_size", "sigma")),
    "RandomGrayscale": ((), ("factor",)),
    "RandomHue": (("factor",), ()),
    "RandomInvert": ((), ("factor",)),
    "RandomPerspective": ((), ("factor", "scale", "interpolation", "fill_value")),
    "RandomPosterization": (("factor",), ()),
    "RandomRotation": (("factor",), ("fill_mode", "interpolation", "fill_value")),
    "RandomSaturation": (("factor",), ()),
    "RandomSharpness": (("factor",), ()),
    "RandomShear": ((), ("x_factor", "y_factor", "interpolation", "fill_mode", "fill_value")),
    "RandomTranslation": (("height_factor", "width_factor"), ("fill_mode", "interpolation", "fill_value")),
    "RandomZoom": (("height_factor",), ("width_factor", "fill_mode", "interpolation", "fill_value")),
    "Solarization": ((), ("addition_factor", "threshold_factor")),
}
"""Layer -> (arguments it needs, arguments it may have). Only layers that keep the shape and the labels; the tool
itself gives `seed`, `value_range` and `data_format`."""

MIXING_AUGMENTATIONS = ("MixUp", "CutMix")
"""Layers that mix the labels of two images, which a loss on class numbers cannot take."""

STEPS = (
    "initial_loss",
    "overfit_small_sample",
    "learning_rate",
    "short_runs",
    "learning_curves",
    "change",
    "repeat",
)
"""The seven, in order."""
