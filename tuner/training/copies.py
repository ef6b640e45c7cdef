"""What does an augmentation make of given images? Copies as uint8, repeatable, outside of any training step."""

import numpy as np
from keras import ops

from tuner.training.augmentation import Recipe, augmented, build_augmentation
from tuner.training.batches import chunks_of
from tuner.training.trainee import rekey, seed_states

AT_ONCE = 64  # images


def distorted(recipe: Recipe, images: np.ndarray, seed: int, number: int = 0) -> np.ndarray:
    """Copies of uint8 images (N, H, W, C) after the layers of `recipe`, rounded to uint8.

    Args:
        recipe: as in `Hyperparameters.augmentation`. What mixes takes its partners from `images`, 64 at a time.
        images: uint8; may be memory-mapped.
        seed: of the random numbers.
        number: of the copy, from 0: each has other ones.
    """
    layers = build_augmentation(recipe)
    states = [state for layer in layers for state in seed_states(layer)]
    found = []
    for place, (chunk, count) in enumerate(chunks_of(images, min(AT_ONCE, max(1, len(images))))):
        rekey(states, seed + number, place)
        after, _ = augmented(layers, ops.convert_to_tensor(chunk.astype(np.float32)))
        found.append(np.clip(np.rint(ops.convert_to_numpy(after)[:count]), 0, 255).astype(np.uint8))
    return np.concatenate(found)
