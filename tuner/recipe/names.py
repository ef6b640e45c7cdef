"""Which names may a recipe use? Plain tuples, so that checking a recipe never waits for Keras.

`tests/recipe/test_names.py` compares every table with the installed Keras.

Source: keras 3.15.1, `keras.applications`, `keras.optimizers`, `keras.layers`, `keras.initializers`.
"""

PYTHON = "python:"
"""Begins the name of a network of the user's own, which only Keras can know."""

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

CLASSICS = (
    *("LeNet5", "AlexNet", "GoogLeNet", "ResNet18", "ResNet34"),
    *("ResNet20", "ResNet56", "PlainNet20", "PlainNet56"),
)
"""The lecture's architectures, whose layers are ours: their normalization is a choice."""

UNTRAINED_BACKBONES = CLASSICS
"""Architectures for which there are no ImageNet weights here."""

NORMALIZATIONS = ("own", "batch", "layer", "group", "instance", "none")
"""What stands behind the convolutions of one of `CLASSICS`; `own` is what it was published with."""

WITHOUT_BATCH_NORM = (
    *("LeNet5", "AlexNet", "GoogLeNet", "VGG16", "VGG19"),
    *("ConvNeXtTiny", "ConvNeXtSmall", "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtXLarge"),
)
"""Backbones that have none of their own."""

ENDS_IN_A_VECTOR = ("LeNet5", "AlexNet")
"""Backbones that end in dense layers: their features are one vector an image, and nothing is pooled."""

BACKBONES = (*APPLICATIONS, "EfficientNetLite0", *UNTRAINED_BACKBONES)

SMALLEST_IMAGE = {
    **{"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75},
    **{"AlexNet": 67, "GoogLeNet": 28, "ResNet18": 28, "ResNet34": 28},
}
"""Least height and width in pixels where it is not `SMALLEST_IMAGE_OTHERWISE`; keras.applications refuses less."""
SMALLEST_IMAGE_OTHERWISE = 32

FULL_BATCH = ("LBFGS",)
"""Optimizers that look at all images for each step and find its length themselves: they have no learning rate."""

UNHEEDED = {
    "model.dropout": 0.0,
    "model.auxiliary_head": 0.0,
    "optimizer.momentum": 0.9,
    "optimizer.nesterov": False,
    "optimizer.global_clipnorm": None,
    "optimizer.ema_momentum": None,
    "schedule.name": "none",
    "schedule.warmup_epochs": 0.0,
    "augmentation": (),
    "transfer.layer_decay": 1.0,
}
"""Recipe path -> the default that it has for an optimizer of `FULL_BATCH`, which does not heed it."""

UNHEEDED_AXES = (*UNHEEDED, "optimizer.learning_rate", "data.batch_size")
"""What is not searched for such an optimizer; its batch is that of steps 1 and 2 alone, and of stages with another."""

OWN_OPTIMIZERS = ("NovoGrad", *FULL_BATCH)
"""Those that `keras.optimizers` lacks."""

OPTIMIZERS = (
    *("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "Muon", "Nadam"),
    *("RMSprop", "ScheduleFreeAdamW", "SGD"),
    *OWN_OPTIMIZERS,
)

SCHEDULE_FREE = ("ScheduleFreeAdamW",)
"""Optimizers that average instead of letting the rate fall: `schedule.name: auto` keeps it for them."""

AUTO = "auto"

SCHEDULES = (
    *("none", "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseSquareRoot", "InverseTimeDecay"),
    *("LinearDecay", "OneCycle", "PiecewiseConstantDecay", "PolynomialDecay", "ReduceLROnPlateau"),
    "StepDecay",
)
"""`none` keeps the rate."""

INITIALIZERS = (
    *("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal"),
    *("random_uniform", "random_normal", "truncated_normal", "variance_scaling", "orthogonal", "zeros"),
)

AUGMENTATIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "AutoAugment": (("policy",), ()),
    "AutoContrast": ((), ()),
    "ContrastLimitedAdaptiveHistogramEqualization": ((), ("clip_limit", "tile_grid_size")),
    "CutMix": ((), ("alpha",)),
    "Equalization": ((), ()),
    "MixUp": ((), ("alpha",)),
    "RandAugment": ((), ("num_ops", "factor")),
    "RandomBrightness": (("factor",), ()),
    "RandomColorDegeneration": (("factor",), ()),
    "RandomColorJitter": ((), ("brightness_factor", "contrast_factor", "saturation_factor", "hue_factor")),
    "RandomContrast": (("factor",), ()),
    "RandomElasticTransform": ((), ("factor", "scale", "interpolation", "fill_mode", "fill_value")),
    "RandomCrop": (("padding",), ("fill_mode",)),
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
"""Layer -> (arguments it needs, arguments it may have). Only layers that keep the shape; the tool itself gives `seed`,
`value_range` and `data_format`."""

OWN_AUGMENTATIONS = ("AutoAugment", "CutMix", "Equalization", "MixUp", "RandAugment", "RandomCrop")
"""Those that are ours: Keras has none of the name, or one that does something else."""

MIXING_AUGMENTATIONS = ("MixUp", "CutMix")
"""Those that mix two images and their labels."""

UNREPEATABLE_AUGMENTATIONS = ("AugMix",)
"""Layers that choose their operations by Python's own chance, once, while they are compiled (keras 3.15.1)."""

POLICIES = ("imagenet", "cifar10", "svhn")
"""Of AutoAugment, by the data that each was found on."""

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
