"""What can a linear head on given features do at all? Its optimum and its evidence, without Keras or a rate."""

from tuner.heads.logme import log_evidence
from tuner.heads.optimum import Optimum, Strength, head_optimum

__all__ = ["Optimum", "Strength", "head_optimum", "log_evidence"]
