import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # drawn.py
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "diagnosis"))  # score_small.py
