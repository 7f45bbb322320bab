"""From a judge's answers to scores: one method a file.

from snellen.judges import load_judge
from snellen.scoring import JudgeScorer, make_method

scorer = JudgeScorer(load_judge("hf:Qwen/Qwen2.5-VL-3B-Instruct"), make_method("levels"))
scorer.score(read(Path("photo.jpg"))).value
"""

from snellen.scoring.base import Method
from snellen.scoring.explaining import Explanation, explain
from snellen.scoring.loading import load_scorer
from snellen.scoring.registry import DEFAULT, METHODS, make_method
from snellen.scoring.scorer import JudgeScorer

__all__ = [
    "DEFAULT",
    "METHODS",
    "Explanation",
    "JudgeScorer",
    "Method",
    "explain",
    "load_scorer",
    "make_method",
]
