"""How noisy is the gradient at the weights that a trial kept? It says up to which batch size a larger one pays.

Of a head on frozen features it is exact, over all training images; of a whole network it is estimated from batches.
It is that of the plain cross-entropy: dropout of the head, label smoothing, penalties, class weights and augmentation
are left out. Importing this file does not import Keras.

Source: McCandlish et al. 2018, arXiv 1812.06162.
"""

from tuner.data import Problem
from tuner.heads.noise_scale import NoiseScale, noise_of_head
from tuner.records import Trial
from tuner.store import Store
from tuner.training import checkpoints
from tuner.training.frozen import ENGINES
from tuner.training.heads.stream import features_of

WITHOUT_BATCHES = "LBFGS"  # looks at all images at once


def noise_of(problem: Problem, run: Store, trial: Trial) -> NoiseScale | None:
    """The noise scale at the best weights of a trial; None where it kept none, or nobody can measure it."""
    if trial.weights is None or trial.hyperparameters.optimizer == WITHOUT_BATCHES:
        return None
    if trial.engine not in ENGINES:
        from tuner.training.net_noise import noise_of_net

        return noise_of_net(problem, run, trial)
    kept = checkpoints.read(run.weights_path(trial)).best.get("head", ())
    kernels, biases = ([value for value in kept if value.ndim == rank] for rank in (2, 1))
    features = features_of(problem, run, trial.spec, "train")
    return noise_of_head(features, problem.dataset.train.labels, kernels, biases)
