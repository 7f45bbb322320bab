"""What the judge is asked in training, in how many words, and what is kept from it.

Every wording is (text, pre-fill). The prompts of the methods that will ask the judge are among
them to the letter: Q-Bench, Q-Align, Q-Debias (arXiv 2411.12791), Q-SiT (2503.09197), adaptive
logit weighting, the letters question of LEAF's pairs (2601.20689, ours). `HELD_OUT` is never
trained on: with it the card measures what another wording costs.
"""

from __future__ import annotations

from typing import TypeAlias

from snellen.scorers.base import FAMILIES

Wording: TypeAlias = tuple[str, str]

LEVELS = ("excellent", "good", "fair", "poor", "bad")
STARS = ("5", "4", "3", "2", "1")
IS = "The quality of the image is"

RATE: tuple[Wording, ...] = (
    ("Rate the quality of the image.", IS),
    ("Rate the quality of the image.", IS),
    ("Rate the quality of the image.", ""),
    ("Rate the quality of this image.", "The quality of this image is"),
    ("Can you evaluate the quality of the image?", IS),
    ("How would you rate the quality of this image?", "The quality of this image is"),
    ("How would you rate the quality of this image?", IS),
    ("What do you think about the quality of this image?", "The quality of this image is"),
    ("Rate the visual quality of this image.", "The visual quality of the image is"),
    ("How good is this picture?", "The picture is"),
    ("Rate the quality of the image: {levels}?", ""),
    ("Is the quality of the image {levels}?", IS),
    ("Rate the perceptual quality of the image. Choose from {levels}.", ""),
    ("Assume you are an image quality evaluator. How would you rate the quality of this image?",
     "The quality of this image is"),
    ("Taking into account the details and the rationality of the image, how would you rate the"
     " quality of this image?", "The quality of this image is"),
)  # fmt: skip
RATE_IN_STARS: tuple[Wording, ...] = (
    ("Rate the quality of the image from 1 to 5, where 5 is best.", ""),
    ("On a scale from 1 to 5, how good is the quality of this image?", "The score is"),
    ("Give the image a score from 1 (bad) to 5 (excellent).", ""),
)
GOOD_OR_POOR: tuple[Wording, ...] = (
    ("Is the quality of the image good or poor?", IS),
    ("Is the quality of the image good or poor?", ""),
    ("Is this image of good or poor quality?", "The quality of this image is"),
    ("Rate the quality of the image. Good or poor?", IS),
    ("Is the visual quality poor or good?", ""),
)
ATTRIBUTE: tuple[Wording, ...] = (
    ("Rate the {what} of the image.", "The {what} of the image is"),
    ("Rate the {what} of the image.", ""),
    ("Rate the {what} of this image.", "The {what} of this image is"),
    ("How is the {what} of the image?", "The {what} of the image is"),
    ("How would you rate the {what} of this image?", "The {what} of this image is"),
    ("Rate the quality of the image in terms of {what}.", "The {what} of the image is"),
    ("Rate the quality of the image in terms of {what}.", "In terms of {what} the quality is"),
    ("Rate the {what} of the image: {levels}?", ""),
)
# How a person calls the side of quality that each family harms.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "blur": ("sharpness", "focus", "detail"),
    "noise": ("noise", "graininess", "noise level", "freedom from noise"),
    "compression": (
        "artifacts",
        "artefacts",
        "compression",
        "compression artifacts",
        "freedom from compression artefacts",
    ),
    "brightness": ("exposure", "brightness", "lighting"),
    "contrast": ("contrast", "tonal range"),
    "colorfulness": ("color", "colour", "colors", "colours", "colorfulness", "saturation"),
    "jitter": ("geometry", "structure"),
}
NAME: tuple[Wording, ...] = (
    ("Which distortion is in the image? {options}.", ""),
    ("Which distortion does the image show: {options}?", ""),
    ("Which distortion does the image show: {options}?", "The distortion is"),
    ("What is the main distortion of this image? Options: {options}.", ""),
    ("What is the main distortion of this image? Options: {options}.", "It is"),
    ("What kind of distortion affects this image the most? Choose from {options}.", ""),
    ("Name the distortion of the image: {options}.", "The distortion of the image is"),
    ("Which type of distortion is present in this image? {options}.", ""),
    ("What is the most apparent distortion in this image?", "The distortion is"),
    ("Name the distortion.", ""),
)
NAME_BY_LETTER: tuple[Wording, ...] = (
    ("Which distortion is in the image? {lettered} Answer with the option's letter.", ""),
    ("What is the main distortion of this image? {lettered} Answer with the option's letter from"
     " the given choices directly.", ""),
    ("Name the distortion. {lettered}", "Answer:"),
)  # fmt: skip
FAMILY_NAMES: tuple[tuple[str, ...], ...] = (
    FAMILIES,
    FAMILIES,
    FAMILIES,
    ("blurriness", "graininess", "artifacts", "exposure", "flatness", "color", "displacement",
     "none"),
    ("blurry", "noisy", "compressed", "misexposed", "flat", "discolored", "jittered",
     "undistorted"),
)  # fmt: skip
ADJECTIVES: dict[str, tuple[str, ...]] = {
    "blur": ("blurred", "blurry", "out of focus"),
    "noise": ("noisy", "grainy"),
    "compression": ("compressed", "full of compression artifacts", "blocky"),
    "brightness": ("too dark or too bright", "badly exposed"),
    "contrast": ("wrong in contrast",),
    "colorfulness": ("wrong in color", "discolored", "wrong in colour"),
    "jitter": ("jittered", "displaced in places"),
}
IS_IT: tuple[Wording, ...] = (
    ("Is the image {what}? Yes or no", ""),
    ("Is this image {what}?", ""),
    ("Is the picture {what}? Answer yes or no.", ""),
)
IS_IT_DISTORTED: tuple[Wording, ...] = (
    ("Is the image distorted? Yes or no", ""),
    ("Does the image have any distortion?", ""),
    ("Is anything wrong with the image?", ""),
)
VISIBLE: tuple[Wording, ...] = (
    ("How visible is the distortion?", ""),
    ("How visible is the distortion?", "The distortion is"),
    ("How strong is the distortion of the image: {options}?", ""),
    ("How severe is the distortion? {options}.", "The distortion is"),
)
DESCRIBE: tuple[Wording, ...] = (
    ("Describe the quality of the image.", ""),
    ("Describe the distortion of the image.", ""),
    ("What is wrong with the image?", ""),
)
BETTER_LETTER: tuple[Wording, ...] = (
    ("Which image has a better visual quality? A. The first image. B. The second image. Answer with"
     " the option's letter from the given choices directly.", ""),
    ("Which image has a better visual quality? A. The first image. B. The second image. Answer with"
     " the option's letter from the given choices directly.", ""),
    ("Which of the two images is better? A. The first image. B. The second image.", ""),
    ("Which image is better? A. The first one. B. The second one.", "Answer:"),
)  # fmt: skip
BETTER_WORD: tuple[Wording, ...] = (
    ("Which image has the better visual quality, the first or the second?", ""),
    ("Which of the two images is better, the first or the second?", "The better image is the"),
    ("Which image looks better? First or second?", ""),
)
WORSE_WORD: tuple[Wording, ...] = (
    ("Which image has the worse visual quality, the first or the second?", ""),
    ("Which of the two images is worse, the first or the second?", "The worse image is the"),
)
IS_FIRST_BETTER: tuple[Wording, ...] = (
    ("Is the first image better than the second image? Yes or no", ""),
    ("Is the quality of the first image better than that of the second?", ""),
)
MORE: tuple[Wording, ...] = (("Which image is more {what}, the first or the second?", ""),)
SAME: tuple[Wording, ...] = (
    ("Do these two images describe the same object? Yes or no", ""),
    ("Do these two images describe the same object? Yes or no", ""),
    ("Do these images show the same object?", ""),
    ("Do both images show the same scene? Yes or no", ""),
    ("Is it the same thing in both images?", ""),
)
SECOND_BESIDE_POOR: tuple[Wording, ...] = (
    ("The visual quality of the first image is poor. How about the visual quality of the second"
     " image. Good or poor?", IS),
    ("The visual quality of the first image is poor. How about the visual quality of the second"
     " image. Good or poor?", IS),
    ("The first image has poor quality. How about the second image, good or poor?", IS),
    ("The quality of the first image is poor. Is the quality of the second image good or poor?",
     ""),
)  # fmt: skip
SECOND_IN_LEVELS: tuple[Wording, ...] = (
    ("The visual quality of the first image is poor. How about the visual quality of the second"
     " image. {levels}?", IS),
    ("The visual quality of the first image is poor. How about the visual quality of the second"
     " image.", IS),
    ("The first image has poor quality. Rate the quality of the second image.",
     "The quality of the second image is"),
)  # fmt: skip
RATE_SECOND: tuple[Wording, ...] = (
    ("Rate the quality of the second image.", "The quality of the second image is"),
    ("Rate the quality of the second image.", IS),
)
RATE_FIRST: tuple[Wording, ...] = (
    ("Rate the quality of the first image.", "The quality of the first image is"),
)
CAPTION: tuple[Wording, ...] = (
    ("Describe the image.", ""),
    ("What does the image show?", "The image shows"),
    ("Write a caption for this image.", ""),
)
COLOUR: tuple[Wording, ...] = (
    ("What is the main color of the image?", ""),
    ("Which color is most of the image?", "It is mostly"),
)

# Never trained on.
HELD_OUT: dict[str, tuple[Wording, ...]] = {
    "rate": (
        ("Tell me how good the technical quality of this photo is.", "The quality of the photo is"),
        ("Please judge the quality of the picture shown above.", "The quality of the picture is"),
    ),
    "name": (
        ("Pick the one fault that spoils this photo most: {options}.", "The fault is"),
        ("Something may have degraded this picture. Was it {options}?", ""),
    ),
    "pair": (
        ("Here are two photos. Which one would you keep? A. The first one. B. The second one.", ""),
        ("Compare the two pictures and say which has fewer faults, the first or the second.", ""),
    ),
    "same": (
        ("Are these two photos of one and the same thing?", ""),
        ("Does the second picture show what the first one shows? Yes or no", ""),
    ),
}

# Words that no wording above has and that a question may well have.
FURTHER_WORDS = """
    the a an of in on at by is are was it its this that these those there here one two three four
    five six seven eight nine ten all any both each neither none and or not no yes but than more
    most less least very much slightly strongly extremely clearly barely somewhat quite too image
    images picture pictures photo photos photograph photographs scene object objects thing things
    quality visual perceptual technical aesthetic good poor excellent fair bad better worse best
    worst high low great terrible awful perfect acceptable unacceptable annoying imperceptible
    perceptible slight clear strong extreme mild moderate severe medium normal distortion distorted
    distortions degradation degraded artifact artifacts artefact artefacts blur blurred blurry
    blurriness noise noisy grain grainy compression compressed jpeg jpeg2000 blocking blocky blocks
    ringing brightness bright dark darken brighten exposure overexposed underexposed contrast flat
    color colour colors colours colorful colorfulness saturation saturated desaturated hue jitter
    jittered pixelated pixelate clean pristine undistorted sharp sharpness sharper unsharp noisier
    detail details focus defocus motion gaussian lens white impulse multiplicative quantization
    denoise smooth smoothed sharpen shift mean spatial displacement random patch fog haze zoom
    spatter rain snow frost first second third last left right top bottom middle left-hand score
    rating rate rates rated scale level levels option options answer question choose select pick
    following which what how who where does do can you your please only with from to for as be
    compare compared between similar different same content show shows showing describe describes
    0 1 2 3 4 5 6 7 8 9 10 20 30 40 50 60 70 80 90 100 true false poorly well
    b c d e f g h i j
"""
