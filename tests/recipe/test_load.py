"""What a recipe file means once it is loaded."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tuner.hyperparameters import PATHS
from tuner.recipe import Recipe, RecipeError, load

ROOT = Path(__file__).parents[2]
Load = Callable[..., Recipe]


@pytest.mark.parametrize("text", ["1e-3", "1E-3", ".001", "0.001", "1.0e-03", "+0.001", "10e-4"])
def test_all_ways_to_write_a_number_are_the_same_number(loaded: Load, text: str) -> None:
    assert loaded(f"optimizer: {{learning_rate: {text}}}\n").optimizer.learning_rate == 0.001
    assert loaded("", f"optimizer.learning_rate={text}").optimizer.learning_rate == 0.001


@pytest.mark.parametrize("text", ["no", "on", "off", "yes", "y", "12:30", "1_000", "2026-11-21", "0o9", "1e", "."])
def test_words_of_yaml_1_1_stay_text(loaded: Load, text: str) -> None:
    assert loaded(f"description: {text}\n").description == text


@pytest.mark.parametrize(("text", "value"), [("0x10", 16), ("0o17", 15), ("+7", 7), ("007", 7)])
def test_whole_numbers_of_yaml_1_2(loaded: Load, text: str, value: int) -> None:
    assert loaded(f"seed: {text}\n").seed == value


@pytest.mark.parametrize("nothing", ["none", "null", "~", "", "Null"])
def test_none_and_null_are_the_same(loaded: Load, nothing: str) -> None:
    recipe = loaded(f"target: {nothing}\noptimizer: {{global_clipnorm: {nothing}}}\nschedule: {{name: {nothing}}}\n")
    assert recipe.target is None
    assert recipe.optimizer.global_clipnorm is None
    assert recipe.schedule.name == "none"


@pytest.mark.parametrize(
    ("text", "seconds"), [("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("45s", 45), ("3600", 3600)]
)
def test_durations(loaded: Load, text: str, seconds: float) -> None:
    assert loaded(f"budget: {{max_time: {text}}}\n").budget.max_time == seconds


def test_four_lines_are_a_recipe(loaded: Load) -> None:
    recipe = loaded()
    assert (recipe.optimizer.learning_rate, recipe.transfer, recipe.data.batch_size) == ("auto", "auto", 32)
    assert (recipe.schedule.name, recipe.start().schedule) == ("auto", "none")


def test_a_recipe_cannot_be_changed(loaded: Load) -> None:
    with pytest.raises(ValueError, match="frozen"):
        loaded().seed = 7


def test_anchors_and_aliases_repeat_a_value(loaded: Load) -> None:
    assert loaded("steps: {change: {epochs: &e 7, top_k: *e}}\n").steps.change.top_k == 7


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path: Path, smallest: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + smallest.replace("\n", "\r\n").encode())
    assert load(path).name == "flowers"


def test_weights_are_imagenet_where_there_are_any(loaded: Load) -> None:
    assert loaded().model.weights == "imagenet"
    assert loaded("", "model.backbone=LeNet5").model.weights is None
    assert loaded("", "model.backbone=python:mine.py:build").model.weights is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [("none", "none"), ("half", "half"), ("all", "all"), ("{last: 30}", "last:30"), ("{from_layer: top}", "from:top")],
)
def test_trainable_is_told_in_the_words_of_hyperparameters(loaded: Load, written: str, meant: str) -> None:
    recipe = loaded(f"transfer: [{{name: head, trainable: {written}}}]\n")
    assert recipe.transfer[0].trainable == recipe.start().trainable == meant


def test_paths_are_relative_to_the_file_that_names_them(tmp_path: Path, smallest: str) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "base.yaml").write_text(smallest)
    child = tmp_path / "child.yaml"
    child.write_text("extends: base/base.yaml\nmodel: {weights: mine.weights.h5}\n")
    recipe = load(child)
    assert recipe.data.path == tmp_path / "base" / "flowers"
    assert recipe.model.weights == str(tmp_path / "mine.weights.h5")


def test_a_path_in_a_set_is_relative_to_the_working_directory(
    loaded: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert loaded("", "data.path=tulips").data.path == elsewhere / "tulips"


def test_a_module_is_no_file(loaded: Load) -> None:
    assert str(loaded("", "data.source=python", "data.path=mine.data:load").data.path) == "mine.data:load"


def test_a_child_is_laid_over_its_parent(tmp_path: Path, smallest: str) -> None:
    space = "search: {space: {model.dropout: {min_value: 0.0, max_value: 0.5}}}\n"
    parent = smallest + "optimizer: {name: SGD, momentum: 0.8}\nsteps: {learning_rate: {rates: [1.0, 0.1]}}\n" + space
    (tmp_path / "parent.yaml").write_text(parent)
    child = tmp_path / "child.yaml"
    child.write_text(
        "extends: parent.yaml\nname: roses\noptimizer: {momentum: 0.5}\nsteps: {learning_rate: {rates: [0.3]}}\n"
        "search: {space: {model.dropout: {values: [0.1]}}}\n"
    )
    recipe = load(child)
    assert (recipe.name, recipe.optimizer.name, recipe.optimizer.momentum) == ("roses", "SGD", 0.5)  # maps merge
    assert recipe.steps.learning_rate.rates == (0.3,)  # lists are replaced
    assert recipe.search.space["model.dropout"].to_json() == {"values": [0.1]}  # so are axes
    assert recipe.provenance["optimizer.name"] == f"{tmp_path / 'parent.yaml'}:5"
    assert recipe.provenance["optimizer.momentum"] == f"{child}:3"
    assert recipe.text.startswith("extends: parent.yaml")


def test_five_parents_are_allowed(tmp_path: Path, smallest: str) -> None:
    for i in range(5):
        (tmp_path / f"{i}.yaml").write_text(f"extends: {i + 1}.yaml\nseed: {i}\n")
    (tmp_path / "5.yaml").write_text(smallest)
    assert load(tmp_path / "0.yaml").seed == 0


class TestSet:
    """`--set path=value`."""

    def test_changes_a_setting_and_is_recorded(self, loaded: Load) -> None:
        recipe = loaded("", "optimizer.name=SGD", "seed=7", "seed=8")
        assert (recipe.optimizer.name, recipe.seed) == ("SGD", 8)
        assert recipe.provenance["seed"] == "--set seed=8"

    def test_reads_lists_and_maps(self, loaded: Load) -> None:
        recipe = loaded("", "model.head_units=[256, 64]", "target={at_least: 0.9}", "steps.learning_rate.rates=[1e-2]")
        assert recipe.model.head_units == (256, 64)
        assert recipe.target is not None
        assert recipe.target.at_least == 0.9

    def test_counts_the_items_of_lists(self, loaded: Load) -> None:
        stages = "transfer:\n  - {name: head, trainable: none}\n  - {name: rest, trainable: all}\n"
        recipe = loaded(stages, "transfer.1.epochs=30")
        assert [stage.epochs for stage in recipe.transfer if stage != "auto"] == [None, 30]

    def test_reaches_into_the_search_space(self, loaded: Load) -> None:
        axis = "search: {space: {model.dropout: {min_value: 0.0, max_value: 0.5}}}\n"
        recipe = loaded(axis, "search.space.model.dropout.step=0.1", "search.space.data.batch_size={values: [16, 32]}")
        assert recipe.search.space["model.dropout"].step == 0.1
        assert recipe.search.space["data.batch_size"].values == (16, 32)

    @pytest.mark.parametrize(
        ("setting", "message"),
        [
            ("epochs", "--set epochs: write it as path=value, for example optimizer.learning_rate=3e-4"),
            ("=3", "--set =3: write it as path=value"),
            (
                "optimizer.learnin_rate=1",
                "--set optimizer.learnin_rate=1: no setting 'optimizer.learnin_rate'. "
                "Did you mean 'optimizer.learning_rate'?",
            ),
            ("lr=1e-3", "--set lr=1e-3: no setting 'lr'. Did you mean 'optimizer.learning_rate'?"),
            ("batch_size=3", "--set batch_size=3: no setting 'batch_size'. Did you mean 'data.batch_size'?"),
            ("seed.x=3", "no setting 'seed.x'"),
            ("search.space.model.drop=3", "no setting 'search.space.model.drop'"),
            ("optimizer.name=adam", "--set optimizer.name=adam: optimizer.name: unknown optimizer 'adam'"),
            ("transfer.0.epochs=3", "'transfer' is not written as a list: set the whole list"),
            ("seed=[1", "--set seed=[1:1:3: a bracket is not closed"),
            ("extends=a.yaml", "no setting 'extends'"),
            ("steps.repeat.enabled=false", "steps.repeat.max_rounds at 1 the run ends after one round"),
            ("steps.change.patience=3", "It belongs at regularization.early_stopping.patience"),
        ],
    )
    def test_says_what_is_wrong_with_it(self, loaded: Load, setting: str, message: str) -> None:
        with pytest.raises(RecipeError) as caught:
            loaded("", setting)
        assert message in str(caught.value)

    def test_an_item_that_is_not_there(self, loaded: Load) -> None:
        with pytest.raises(RecipeError, match="'transfer' has 1 items, counted from 0"):
            loaded("transfer: [{name: head, trainable: none}]\n", "transfer.1.epochs=3")

    def test_problems_of_sets_and_of_the_file_are_told_together(self, loaded: Load) -> None:
        with pytest.raises(RecipeError) as caught:
            loaded("sed: 3\n", "lr=1", "optimizer.name=adam")
        assert [problem.path or problem.file for problem in caught.value.problems] == [
            "--set lr=1",
            "sed",
            "optimizer.name",
        ]


class TestJson:
    """What a run stores, and what a resume compares."""

    MORE = (
        "transfer: [{name: head, trainable: {last: 3}}]\n"
        "augmentation: [{RandomFlip: }, {RandomRotation: {factor: 0.1}}]\n"
        "budget: {max_time: 2h}\nsearch:\n  space:\n    optimizer.global_clipnorm: {values: [none, 1]}\n"
        "    schedule.name: {values: [none, CosineDecay]}\n    augmentation: {values: [[], [{RandomFlip: {}}]]}\n"
        "    transfer.trainable: {values: [none, {last: 3}]}\n    model.dropout: {min_value: 0, max_value: 0.5}\n"
    )

    def test_it_is_plain_complete_and_stable(self, loaded: Load) -> None:
        recipe = loaded(self.MORE)
        data = json.loads(json.dumps(recipe.to_json(), allow_nan=False))
        again = Recipe.from_json(data)
        assert again == recipe
        assert list(data) == list(Recipe.model_fields)
        assert json.dumps(again.to_json()) == json.dumps(recipe.to_json())

    def test_equal_recipes_are_equal_however_they_are_written(self, loaded: Load) -> None:
        flow = loaded("optimizer: {weight_decay: 1.0e-4, name: AdamW}\nseed: 42\ntarget: ~\n")
        assert flow.to_json() == loaded().to_json()
        assert flow == loaded()

    def test_values_of_the_space_stand_in_the_form_of_a_point(self, loaded: Load) -> None:
        recipe = loaded(self.MORE)
        values = {path: axis.values for path, axis in recipe.search.space.items() if axis.values}
        assert values["optimizer.global_clipnorm"] == (None, 1.0)
        assert values["schedule.name"] == ("none", "CosineDecay")
        assert values["transfer.trainable"] == ("none", "last:3")
        for path, several in values.items():
            for value in several:
                assert recipe.start().replace(path, value).get(path) is not ...

    def test_the_point_of_an_augmentation_is_that_of_the_start(self, loaded: Load) -> None:
        recipe = loaded(
            "augmentation: [{RandomFlip: }]\nsearch: {space: {augmentation: {values: [[{RandomFlip: }]]}}}\n"
        )
        (value,) = recipe.search.space["augmentation"].values or ()
        assert recipe.start().replace("augmentation", value) == recipe.start()


EVERY_HYPERPARAMETER = """\
loss: {label_smoothing: 0.1}
optimizer: {name: SGD, learning_rate: 0.1, weight_decay: 0.0, momentum: 0.8, nesterov: true, global_clipnorm: 1}
schedule: {name: StepDecay, warmup_epochs: 1, alpha: 0.1, drop_every: 2, drop_factor: 0.5, power: 2, restarts: 2}
search: {space: {schedule.name: {values: [StepDecay, PolynomialDecay, CosineDecayRestarts]}}}
regularization: {l1: 0.1, l2: 0.2}
augmentation: [{RandomFlip: {mode: horizontal}}]
transfer: [{name: all, trainable: all, freeze_batch_norm: false, layer_decay: 0.5}]
"""


def test_the_start_reads_every_setting(loaded: Load) -> None:
    head = ["data.batch_size=64", "model.dropout=0.3", "model.head_units=[16]", "model.head_initializer=zeros"]
    head += ["optimizer.ema_momentum=0.9", "model.auxiliary_head=0.3"]
    recipe = loaded(EVERY_HYPERPARAMETER, *head)
    start = recipe.start()
    default = type(start)()
    assert [path for path in PATHS if start.get(path) == default.get(path)] == []
    assert start.augmentation == (("RandomFlip", (("mode", "horizontal"),)),)
    assert hash(start)


def test_the_start_of_a_model_without_weights_trains_everything(loaded: Load) -> None:
    start = loaded("", "model.weights=none").start()
    assert (start.trainable, start.freeze_batch_norm) == ("all", False)
    start = loaded().start()
    assert (start.trainable, start.freeze_batch_norm, start.learning_rate) == ("none", True, 1e-3)


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").rglob("*.yaml")), ids=lambda path: path.name)
def test_the_recipes_that_come_with_the_tool_are_right(path: Path) -> None:
    assert load(path).name


def test_loading_is_quick() -> None:
    path = ROOT / "recipes" / "digits.yaml"
    load(path)
    began = time.process_time()
    load(path)
    assert time.process_time() - began < 0.1


def test_a_missing_file_names_the_nearest(tmp_path: Path, smallest: str) -> None:
    (tmp_path / "flowers.yaml").write_text(smallest)
    with pytest.raises(RecipeError, match=r"no file .*flower.yaml. Did you mean '.*flowers.yaml'\?"):
        load(tmp_path / "flower.yaml")
    with pytest.raises(RecipeError, match="is not a file"):
        load(tmp_path)
