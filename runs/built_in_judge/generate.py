"""Free text: let a checkpoint describe a picture in its own words, and read what it said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from runs.built_in_judge.wordings import ADJECTIVES, DESCRIBE
from snellen.judges.image import ImagePart

LONGEST = 24  # tokens


class Describer:
    """A checkpoint's model, to be asked for sentences: judges answer closed questions only."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoConfig, AutoModelForImageTextToText

        from snellen.judges.transformers_processor import load_processor

        config = AutoConfig.from_pretrained(folder)
        self.model = AutoModelForImageTextToText.from_pretrained(folder, dtype="float32").eval()
        self.processor = load_processor(str(folder), config)

    def describe(self, image: ImagePart) -> str:
        """What the model says of the quality of `image`, greedily, without end marks."""
        import torch

        content = [{"type": "image"}, {"type": "text", "text": DESCRIBE[0][0]}]
        text = self.processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
        )
        picture = Image.fromarray(np.asarray(image.pixels()))
        inputs = self.processor(text=[text], images=[[picture]], return_tensors="pt")
        with torch.inference_mode():
            ids = self.model.generate(**inputs, max_new_tokens=LONGEST, do_sample=False)
        new = ids[0, inputs["input_ids"].shape[1] :]
        said: str = self.processor.tokenizer.decode(new, skip_special_tokens=True)
        return said


def faults_in(text: str) -> set[str]:
    """Families that a description names; {"clean"} for a clean one, nothing for no description."""
    found = {family for family, words in ADJECTIVES.items() if any(word in text for word in words)}
    return found or ({"clean"} if "clean" in text else set())
