"""What can go wrong before a model exists? A name, a size, a shape, or weights that cannot be had."""


class ModelError(ValueError):
    """The recipe asks for a model that cannot be built: the law, what came, and what to write instead."""


class WeightsError(ModelError):
    """The model can be built, its weights cannot be loaded; the message says where else to get them."""
