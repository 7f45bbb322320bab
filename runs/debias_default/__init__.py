"""How the defaults of `debias` and `contrast` were chosen: ask once, read in many ways.

    python -m runs.debias_default ../shared/data --judge built-in --part validation
    python -m runs.debias_default ../shared/data --judge built-in --part test

Pictures are photos degraded with KADID-10k's recipes, whose mean opinion is known
(`distortions.severity`). Choices are made on the validation contents; figures in the docs are of
the test contents (`runs.built_in_scorer.photos`: a photo's role follows from its hash, and neither
part was trained on by anything of this project). Answers are kept, so the same command again goes
on where it was stopped, and asks nothing when it was finished.
"""
