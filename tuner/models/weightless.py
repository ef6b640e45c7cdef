"""How is a network looked at without its weights? Built with variables that have shapes and no values.

VGG16 with its classifier is 553 MB; to count its parameters none of them has to be there.
"""

import contextlib
from collections.abc import Iterator

from keras import StatelessScope
from keras.src.backend.common import global_state

_WAITING = "uninitialized_variables"  # Keras's list of variables that get their values when a scope ends


@contextlib.contextmanager
def weightless() -> Iterator[None]:
    """Within it, layers get variables without values: good for shapes and counts, and for nothing else."""
    waiting = list(global_state.get_global_attribute(_WAITING, []))
    try:
        with StatelessScope(initialize_variables=False):
            yield
    finally:
        global_state.set_global_attribute(_WAITING, waiting)
