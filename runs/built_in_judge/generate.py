"""Free text: let a judge of the transformers kind describe a picture, and read what it said."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from runs.built_in_judge.wordings import ADJECTIVES, DESCRIBE
from snellen.judges.image import ImagePart

LONGEST = 24  # tokens


def describe(judge: Any, image: ImagePart) -> str:
    """What the judge says of the quality of `image`, greedily, without end marks."""
    import torch

    model, processor = judge.model, judge.processor
    messages = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": DESCRIBE[0][0]}]}
    ]
    text = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    picture = Image.fromarray(np.asarray(image.pixels()))
    inputs = processor(text=[text], images=[[picture]], return_tensors="pt")
    with torch.inference_mode():
        ids = model.generate(**inputs, max_new_tokens=LONGEST, do_sample=False)
    new = ids[0, inputs["input_ids"].shape[1] :]
    said: str = processor.tokenizer.decode(new, skip_special_tokens=True)
    return said


def faults_in(text: str) -> set[str]:
    """Families that a description names; {"clean"} for a clean one, nothing for no description."""
    found = {family for family, words in ADJECTIVES.items() if any(word in text for word in words)}
    return found or ({"clean"} if "clean" in text else set())
