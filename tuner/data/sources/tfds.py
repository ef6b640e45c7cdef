"""Source `tfds`: any data set of TensorFlow Datasets with an image and a label.

`data.name` is a builder such as `fashion_mnist` or `oxford_flowers102:2.1.1`. What is already prepared under
`data.data_dir` (else $TFDS_DATA_DIR, else ~/tensorflow_datasets) is used as it is, and TensorFlow is imported only when
pixels have to be read. Encoded images are decoded by our own decoder, so that they look as they would from a folder.

Source: tensorflow.org/datasets, `tfds.builder_from_directory`, `tfds.decode.SkipDecoding`.
"""

import os
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.data.dataset import PARTS, DataError
from tuner.data.listing import Listing, Origin, Row, digest, file_state, shown
from tuner.data.sources.arrays import class_names
from tuner.progress import Progress

if TYPE_CHECKING:
    from tuner.recipe import Recipe

READ_AT_ONCE = 256  # encoded images: several times faster than one by one
METADATA = "dataset_info.json"  # TFDS writes it last
USUAL_SPLITS = {"train": ("train",), "validation": ("validation", "val", "valid", "dev"), "test": ("test",)}


def origin(recipe: "Recipe", progress: Progress) -> Origin:
    """The prepared data set; one that is not prepared yet is downloaded first, after saying how much and where to."""
    name = recipe.data.name
    if not name:
        raise DataError("data.source: tfds needs data.name, such as fashion_mnist.")
    data_dir = Path(recipe.path).parent.absolute() / Path(recipe.data.data_dir or default_data_dir()).expanduser()
    folder = prepared_folder(data_dir, name) or _prepare(name, data_dir, progress)
    states = [(p.name, file_state(p.stat())) for p in sorted(folder.iterdir()) if p.is_file()]
    key = digest("tfds", str(folder), states, _asked(recipe))
    return Origin(name, key, lambda: _listing(recipe, folder))


def default_data_dir() -> str:
    """Where TFDS itself keeps data sets."""
    return os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"


def prepared_folder(data_dir: Path, name: str) -> Path | None:
    """The newest prepared version of `builder[/config][:version]` under a folder, found without importing TFDS."""
    builder, _, version = name.partition(":")
    versions = [path.parent for path in (data_dir / builder).glob(f"{version or '*'}/{METADATA}")]
    numbered = [folder for folder in versions if re.fullmatch(r"\d+\.\d+\.\d+", folder.name)]
    return max(numbered, key=lambda folder: tuple(map(int, folder.name.split("."))), default=None)


def _prepare(name: str, data_dir: Path, progress: Progress) -> Path:
    tfds = _tfds()
    try:
        builder = tfds.builder(name, data_dir=str(data_dir))
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        raise DataError(
            f"data.name: TensorFlow Datasets has no '{shown(name)}': {str(error).splitlines()[0]}"
        ) from error
    size = builder.info.download_size or sum(info.size or 0 for info in builder.url_infos.values())
    amount = f"{size / 2**20:.0f} MiB" if size else "an unknown amount"
    progress.say(f"Downloading {builder.info.full_name} ({amount}) into {shown(data_dir)}")
    try:
        builder.download_and_prepare()
    except (OSError, tfds.download.DownloadError, AssertionError) as error:
        raise DataError(
            f"{builder.info.full_name} is not in {shown(data_dir)}, and preparing it failed: {error}\n"
            f"Prepare it where there is a network and copy the folder, or point data.data_dir to where it is."
        ) from error
    return Path(builder.data_dir)


def _listing(recipe: "Recipe", folder: Path) -> Listing:
    builder = _tfds().builder_from_directory(str(folder))
    image, label = _keys(builder)
    splits = _splits(recipe, builder)
    feature = builder.info.features[label]
    names = class_names(recipe, tuple(feature.names))
    counts = {part: builder.info.splits[split].num_examples for part, split in splits.items()}
    unused = sorted(set(builder.info.splits) - {split.partition("[")[0] for split in splits.values()})
    notes = [f"{builder.info.full_name}, splits {', '.join(f'{part}: {split}' for part, split in splits.items())}."]
    if unused:
        notes.append(f"Not used: {', '.join(unused)}.")
    rows = partial(_rows, builder, splits, image, label, len(names))
    return Listing(names, sum(counts.values()), rows, notes=tuple(notes))


def _rows(builder: Any, splits: Mapping[str, str], image: str, label: str, num_classes: int) -> Iterator[Row]:
    from tuner.data.decode import decode_bytes

    for part, split in splits.items():
        for i, (data, value) in enumerate(_examples(builder, split, image, label)):
            if not 0 <= value < num_classes:
                raise DataError(
                    f"{builder.info.full_name}, {split}[{i}] has label {value}, but {num_classes} classes make the "
                    f"labels 0..{num_classes - 1}. A split without labels? Name others in data.splits."
                )
            yield Row(f"{split}[{i}]", value, part, partial(decode_bytes, data))


def _examples(builder: Any, split: str, image: str, label: str) -> Iterator[tuple[bytes, int]]:
    """Encoded image and label of each example, file after file, so that the order is always the same."""
    tfds = _tfds()
    config = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    decoders = tfds.decode.PartialDecoding({image: True, label: True}, decoders={image: tfds.decode.SkipDecoding()})
    examples = builder.as_dataset(split=split, decoders=decoders, read_config=config, shuffle_files=False)
    for batch in tfds.as_numpy(examples.batch(READ_AT_ONCE)):
        yield from zip(batch[image].tolist(), batch[label].tolist(), strict=True)


def _splits(recipe: "Recipe", builder: Any) -> dict[str, str]:
    """Part -> split expression: the recipe's, or those with the usual names."""
    there = set(builder.info.splits)
    asked = _asked(recipe)
    for part, expression in asked.items():
        alien = next((s for s in re.split(r"\s*\+\s*", expression) if s.partition("[")[0] not in there), None)
        if alien:
            raise DataError(f"data.splits.{part}: no split '{alien}', only {', '.join(sorted(there))}.")
    usual = {part: next((name for name in names if name in there), "") for part, names in USUAL_SPLITS.items()}
    splits = asked or {part: name for part, name in usual.items() if name}
    if "train" not in splits:
        raise DataError(f"data.splits: no split for train; there are {', '.join(sorted(there))}.")
    return splits


def _asked(recipe: "Recipe") -> dict[str, str]:
    """Part -> split expression, as far as the recipe says, in the order of the parts."""
    asked = recipe.data.splits or {}
    return {part: asked[part] for part in PARTS if part in asked}


def _keys(builder: Any) -> tuple[str, str]:
    """The names of the image and of the label in an example."""
    tfds = _tfds()
    features = builder.info.features
    keys = builder.info.supervised_keys or ("image", "label")
    if len(keys) != 2 or any(key not in features for key in keys):
        raise DataError(f"{builder.info.full_name} has {', '.join(features)}, but not one image and one label.")
    image, label = keys
    if not isinstance(features[image], tfds.features.Image) or not isinstance(
        features[label], tfds.features.ClassLabel
    ):
        raise DataError(f"{builder.info.full_name} is no image classification: {features[image]} -> {features[label]}.")
    return image, label


def _tfds() -> Any:
    """TensorFlow Datasets, imported late: it brings TensorFlow."""
    try:
        import tensorflow as tf
        import tensorflow_datasets
    except ModuleNotFoundError as error:
        raise DataError(
            f"data.source: tfds needs TensorFlow Datasets: pip install 'seven-step-tuner[tfds]' ({error})."
        ) from error
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        tf.config.set_visible_devices([], "GPU")  # the memory belongs to the backend that trains
    tensorflow_datasets.disable_progress_bar()
    return tensorflow_datasets
