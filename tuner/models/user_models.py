"""How does a model that the user wrote come in? `python:module:function`, called with what it asks for.

The function returns a Keras model and takes nothing, `(input_shape, num_classes)` (either or both, by name), or
keras-tuner's `hp`; or the name is a keras-tuner `HyperModel`, a class or an instance, built at its default
hyperparameters. A model whose output is `(None, num_classes)` is a whole classifier; any other is a backbone.
"""

import contextlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import keras

from tuner.models.errors import ModelError
from tuner.models.pixels import ImageShape
from tuner.recipe.names import PYTHON


def is_user_model(backbone: str) -> bool:
    """Whether a recipe's `model.backbone` names the user's own code."""
    return backbone.startswith(PYTHON)


def build_user_model(place: str, folder: Path, image_shape: ImageShape, num_classes: int) -> keras.Model:
    """The Keras model behind `python:module:function`.

    Args:
        place: the recipe's `model.backbone`; `module` is a dotted name, or a path ending in .py.
        folder: where modules are looked for first (the recipe's folder), then the working directory.
        image_shape: (height, width, channels) of the images that it will be given, float32 in 0..255.
        num_classes: the number of scores that a whole classifier has to end in.

    Raises `ModelError` that names the place if there is no such thing, or it is no Keras model, or takes other images.
    An error inside the user's code is theirs, and passes through with its traceback.
    """
    found = _look_up(place, folder)
    model = _call(found, place, image_shape, num_classes)
    if not isinstance(model, keras.Model):
        raise ModelError(f"model.backbone: {place} returned {type(model).__name__}, not a keras.Model.")
    return _taking(model, place, image_shape)


def _look_up(place: str, folder: Path) -> Any:
    """The object that `python:module:function` names."""
    module_name, _, attribute = place.removeprefix(PYTHON).rpartition(":")
    if not module_name or not attribute:
        raise ModelError(f"model.backbone: '{place}' is not of the form python:module:function.")
    _forget_namesake(module_name, folder)
    with _importable(folder):
        if module_name.endswith(".py"):
            return _attribute(_load_file(place, folder / module_name), place, attribute)
        name = module_name
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise  # the module is there; something that it imports is not
            where = f"{folder.absolute()}, the working directory or the installed packages"
            raise ModelError(f"model.backbone: {place}: no module '{name}' in {where}.") from error
    return _attribute(module, place, attribute)


def _forget_namesake(name: str, folder: Path) -> None:
    """Lets `name` come from this recipe's folder though another recipe of the process brought one so called.

    What is installed keeps its name.
    """
    file, module = folder / f"{name}.py", sys.modules.get(name)
    if module is None or not file.is_file() or PathFinder.find_spec(name):
        return
    if module.__file__ and file.resolve() != Path(module.__file__).resolve():
        del sys.modules[name]


def _load_file(place: str, file: Path) -> ModuleType:
    """The module in a file, under its own name."""
    if not file.is_file():
        raise ModelError(f"model.backbone: {place}: no file {file.absolute()}.")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(file.stem, module)  # so that its classes can be found when a model is saved
    spec.loader.exec_module(module)
    return module


def _attribute(module: ModuleType, place: str, name: str) -> Any:
    if not hasattr(module, name):
        raise ModelError(f"model.backbone: {place}: {module.__file__} has no '{name}'.")
    return getattr(module, name)


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Within it, modules beside the recipe and in the working directory can be imported."""
    before = list(sys.path)
    sys.path[:0] = [str(folder.absolute()), str(Path.cwd())]
    try:
        yield
    finally:
        sys.path[:] = before


def _call(found: Any, place: str, image_shape: ImageShape, num_classes: int) -> Any:
    """Builds whatever was found: a HyperModel, a function of the shapes, or a function of keras-tuner's `hp`."""
    if inspect.isclass(found) and hasattr(found, "build") and not issubclass(found, keras.Model):
        found = found()
    if _is_hypermodel(found):
        return found.build(_default_hyperparameters())
    if not callable(found):
        raise ModelError(f"model.backbone: {place} is {type(found).__name__}, not a function returning a model.")
    known = {"input_shape": image_shape, "num_classes": num_classes}
    wanted = _required(found)
    if wanted == ["hp"]:
        result = found(_default_hyperparameters())
    elif set(wanted) <= set(known):
        optional = set(inspect.signature(found).parameters) & set(known)
        result = found(**{name: known[name] for name in optional})
    elif len(wanted) == len(known):
        result = found(image_shape, num_classes)
    else:
        raise ModelError(
            f"model.backbone: {place} wants ({', '.join(wanted)}); it may take nothing, "
            "(input_shape, num_classes), or (hp)."
        )
    return result.build(_default_hyperparameters()) if _is_hypermodel(result) else result


def _required(function: Callable[..., Any]) -> list[str]:
    """Names of the parameters without a default."""
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.kind not in variadic]


def _is_hypermodel(found: Any) -> bool:
    """Whether it builds models as keras-tuner's HyperModel does; told by its shape: keras-tuner stays optional."""
    return hasattr(found, "build") and not isinstance(found, keras.layers.Layer) and not inspect.isclass(found)


def _default_hyperparameters() -> Any:
    """keras-tuner's hyperparameters at their defaults."""
    from keras_tuner import HyperParameters

    return HyperParameters()


def _taking(model: keras.Model, place: str, image_shape: ImageShape) -> keras.Model:
    """The model, built for these images; a grey image is repeated for a model that wants three channels."""
    if not model.built:
        model(keras.ops.zeros((1, *image_shape)))
    if not isinstance(model.input_shape, tuple) or not isinstance(model.output_shape, tuple):
        raise ModelError(f"model.backbone: {place} has several inputs or outputs; one of each is allowed.")
    wanted = model.input_shape[1:]
    if _fits(wanted, image_shape):
        return model
    if image_shape[-1] == 1 and _fits(wanted, (*image_shape[:2], 3)):
        images = keras.Input(image_shape, dtype="float32", name="images")
        return keras.Model(images, model(keras.layers.Concatenate(name="grey_to_rgb")([images] * 3)), name="classifier")
    raise ModelError(
        f"model.backbone: {place} takes images {wanted}, these are {image_shape}. "
        "Set data.image_size, or build the model from its argument input_shape."
    )


def _fits(wanted: tuple[int | None, ...], shape: ImageShape) -> bool:
    return len(wanted) == len(shape) and all(w is None or w == s for w, s in zip(wanted, shape, strict=True))


def ends_in_probabilities(model: keras.Model) -> bool:
    """Whether the last part that computes something is a softmax or a sigmoid: a layer, an activation, or an operation.

    Read from the graph; step 1 measures whether the outputs really add up to 1.
    """
    parts = list(getattr(model, "operations", model.layers))
    while parts and isinstance(parts[-1], _PASSING):
        parts.pop()
    if not parts:
        return False
    last = parts[-1]
    if isinstance(last, keras.Model):
        return ends_in_probabilities(last)
    activation = getattr(last, "activation", None)
    names = (type(last).__name__, getattr(activation, "__name__", ""))
    return any(name.lower() in ("softmax", "sigmoid", "hardsigmoid", "hard_sigmoid") for name in names)


_PASSING = (  # layers that leave every value as it is, at least in inference
    keras.layers.Dropout,
    keras.layers.Reshape,
    keras.layers.Flatten,
    keras.layers.Identity,
)
