"""From a name to a judge: our own kinds and others' by entry point, and errors that help."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from judge_scripts import by_brightness

import snellen
from snellen.errors import InputError, JudgeError, MissingExtra, UnknownName
from snellen.judges import Judge, ScriptedJudge, load_judge, registry
from snellen.judges.catalogue import MODELS, NEEDS, unknown_model


def install(monkeypatch: pytest.MonkeyPatch, **targets: str) -> None:
    """Entry points as if packages had brought them."""
    points = [EntryPoint(name, target, registry.GROUP) for name, target in targets.items()]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)


def another(address: str, **options: int) -> ScriptedJudge:
    """A loader of somebody else."""
    return ScriptedJudge(by_brightness, f"another:{address} {options}")


def no_judge(address: str) -> object:
    return object()


def needs_torch(address: str) -> Judge:
    raise ModuleNotFoundError("No module named 'torch'", name="torch")


def takes_nothing(address: str) -> Judge:
    return ScriptedJudge(by_brightness)


def test_our_own_kinds_come_through_the_same_door() -> None:
    assert {"decisions", "hf", "onnx", "scripted", "server"} <= set(registry.schemes())
    judge = snellen.load_judge("scripted:judge_scripts:by_brightness")
    assert isinstance(judge, ScriptedJudge)


def test_every_kind_of_ours_says_what_it_needs() -> None:
    own = {s for s, p in registry.schemes().items() if registry.origin(p).startswith("snellen ")}
    assert set(NEEDS) == {*own, "built-in"}  # which has a name and no scheme


def test_a_judge_is_given_back_as_it_is() -> None:
    judge = ScriptedJudge(by_brightness)
    assert load_judge(judge) is judge


def test_another_package_adds_a_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, mine="test_judge_registry:another")
    assert load_judge("mine:a/b@c:d", size=3).name == "another:a/b@c:d {'size': 3}"


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("serve:m@http://x", UnknownName, "unknown kind of judge 'serve'. Did you mean 'server'?"),
        ("Qwen/Qwen2-VL-2B", InputError, "such as hf:Qwen/Qwen2-VL-2B"),
        ("", InputError, "such as hf:MODEL"),
        ("scripted:", InputError, "Write scripted:ADDRESS"),
        ("scripted", InputError, "Write scripted:ADDRESS"),
        ("scripted:no_such_module:f", InputError, "module no_such_module cannot be imported"),
        ("scripted:judge_scripts:no_such", InputError, "has no function 'no_such'"),
        ("scripted:judge_scripts:NOT_A_FUNCTION", InputError, "has no function"),
        ("scripted:judge_scripts", InputError, "neither a function nor a table"),
        ("scripted:no/such.jsonl", InputError, r"no/such.jsonl: .* cannot be read \(No such file"),
    ],
)
def test_names_that_lead_nowhere(name: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        load_judge(name)


def test_missing_packages_come_with_the_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, hf="test_judge_registry:needs_torch")
    with pytest.raises(MissingExtra, match=r"torch is needed to use hf:x.*'snellen\[judges\]'"):
        load_judge("hf:x")


def test_packages_of_others_that_fail_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, bad="no_such_package:load")
    with pytest.raises(JudgeError, match="no_such_package:load fails to import"):
        load_judge("bad:x")


def test_what_is_no_judge_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, bad="test_judge_registry:no_judge")
    with pytest.raises(JudgeError, match="what bad: loaded is no judge: object lacks"):
        load_judge("bad:x")
    with pytest.raises(JudgeError, match="it is no judge"):
        load_judge(3)  # type: ignore[arg-type]


def test_options_that_a_loader_does_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, plain="test_judge_registry:takes_nothing")
    with pytest.raises(InputError, match="unexpected keyword argument 'size'"):
        load_judge("plain:x", size=3)


def test_two_packages_with_one_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint("mine", f"package_{i}:load", registry.GROUP) for i in (1, 2)]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    with pytest.raises(JudgeError, match="package_1:load and package_2:load"):
        load_judge("mine:x")


def test_a_source_folder_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: [])
    with pytest.raises(JudgeError, match="pip install -e"):
        load_judge("hf:x")


def test_importing_judges_imports_no_model_library() -> None:
    import subprocess

    code = (
        "import sys, snellen.judges, snellen.judges.conformance, snellen.judges.doctor\n"
        "sys.exit(', '.join({'torch', 'transformers', 'openai', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_unknown_models_get_the_nearest_names() -> None:
    error = unknown_model("qwen/qwen2.5-vl-3b-instuct")
    assert "'Qwen/Qwen2.5-VL-3B-Instruct'" in error.fix
    assert "OWNER/MODEL" in unknown_model("zzz").fix


def test_the_catalogue_is_sound() -> None:
    names = [model.name for model in MODELS]
    assert len(set(names)) == len(names)
    assert all(model.name.count("/") == 1 and 0 < model.billions < 100 for model in MODELS)


def test_scripts_need_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_script.py").write_text("def ask(question): return question.options[1]\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    [answer] = load_judge("scripted:my_script:ask").answer(
        [snellen.judges.choice("How?", options=("Good", "Poor"))]
    )
    assert answer.probabilities == (0.0, 1.0)
