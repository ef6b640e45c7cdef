"""What can be seen of a trained network? Its loss landscape, where it looks, what its first filters became.

`pictures.py` is what the end of a run takes (small and bounded), `landscape.py` and `smoothness.py` what
`tuner landscape` asks for. Nothing here changes a trial, and no test image is ever read.
Importing the room does not import Keras.
"""

from tuner.data import Problem
from tuner.records import Trial
from tuner.store import Store


def store_pictures(problem: Problem, run: Store, best: Trial) -> None:
    """Put the pictures of the best trial's network into the run, for its report: see `pictures.store_pictures`."""
    from tuner.seeing import pictures

    pictures.store_pictures(problem, run, best)
