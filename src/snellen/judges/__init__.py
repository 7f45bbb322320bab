"""Ask any vision-language model a closed question; get the probability of every option.

from snellen.judges import choice, load_judge

judge = load_judge("hf:Qwen/Qwen2.5-VL-3B-Instruct")
[answer] = judge.answer([choice(Path("photo.jpg"), "How is the quality?",
                                options=("Good", "Poor"), prefill="The quality is ")])
answer["Good"], answer.mass
"""

from snellen.judges.answer import Answer, Shown, ShownImage
from snellen.judges.image import ImagePart
from snellen.judges.memory import Memory
from snellen.judges.protocol import (
    Capabilities,
    Describes,
    Judge,
    SpellsOptions,
    TokenScore,
    WhiteBox,
    check_images,
    unfit,
)
from snellen.judges.question import Question, choice, predicate, score
from snellen.judges.registry import load_judge, schemes
from snellen.judges.scripted import Logits, ScriptedJudge
from snellen.judges.store import AnswerStore

__all__ = [
    "Answer",
    "AnswerStore",
    "Capabilities",
    "Describes",
    "ImagePart",
    "Judge",
    "Logits",
    "Memory",
    "Question",
    "ScriptedJudge",
    "Shown",
    "ShownImage",
    "SpellsOptions",
    "TokenScore",
    "WhiteBox",
    "check_images",
    "choice",
    "load_judge",
    "predicate",
    "schemes",
    "score",
    "unfit",
]
