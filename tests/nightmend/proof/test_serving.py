"""The target's own loader and model are really run, in a sandbox, and what they predict is compared."""

import json

import pytest

from nightmend.proof.serving import ModelCheck, Served, serve, serving_of

STORE = '''\
"""Models on disk."""

import json


class Line:
    def __init__(self, weights):
        self.weights = weights
        self.features = [str(number) for number in range(len(weights))]

    def predict(self, rows):
        return [sum(w * x for w, x in zip(self.weights, row)) for row in rows]


def load_model(path, strict=True):
    print("served by us")
    with open(path) as file:
        return Line(json.load(file)["weights"])


def load_settings(path):
    raise SystemExit(3)


def load_two(path, other):
    return None
'''


@pytest.fixture(scope="module")
def workspace(shared_workspace_of):
    model = json.dumps({"weights": [1.0, 2.0]})
    return shared_workspace_of(
        {"src/shop/__init__.py": "", "src/shop/models.py": STORE, "data/line_model.json": model, "a.py": ""}
    )


@pytest.fixture
def box(workspace):
    with workspace.sandbox(workspace.night.base, "serve") as box:
        yield box


def test_loaders_and_model_files_are_found(workspace):
    serving = serving_of(workspace, workspace.night.base)
    assert serving.files == ("data/line_model.json",)
    assert serving.loaders == (("shop.models", "load_model"), ("shop.models", "load_settings"))
    assert serving.roots == ("src",)


def test_a_target_without_models_has_nothing_to_serve(workspace_of):
    workspace = workspace_of({"shop.py": STORE})
    assert serving_of(workspace, workspace.night.base) is None


def test_the_model_is_loaded_and_predicts(workspace, box):
    serving = serving_of(workspace, workspace.night.base)
    served, other = serve(workspace, box, serving)
    assert served.works
    assert served.predictions == pytest.approx((5 / 3, 8 / 3, 11 / 3))
    assert (other.works, other.error) == (False, "SystemExit: 3")


def test_a_repair_that_breaks_the_model_is_seen(workspace, box):
    serving = serving_of(workspace, workspace.night.base)
    before = serve(workspace, box, serving)
    box.write("src/shop/models.py", STORE.replace("w * x", "w + x").encode())
    other = ModelCheck(before=before, after=serve(workspace, box, serving))
    assert other.problem == "shop.models.load_model predicts other numbers from data/line_model.json"
    box.write("src/shop/models.py", STORE.replace('["weights"]', '["weight"]').encode())
    gone = ModelCheck(before=before, after=serve(workspace, box, serving))
    assert gone.problem.endswith("does not serve data/line_model.json any more: KeyError: 'weight'")


def served(*predictions, error=""):
    return (Served(loader="a.load", file="m.npz", predictions=predictions, error=error),)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (served(1.0, 2.0), served(1.0, 2.0 + 1e-12), ""),
        (served(error="ImportError: x"), served(1.0), ""),
        (served(1.0), (), "a.load does not serve m.npz any more: no answer"),
        (served(1.0), served(float("nan")), "a.load does not serve m.npz any more: "),
        (served(error="E: x"), served(error="E: x"), "no model of the target can be loaded and asked: E: x"),
    ],
)
def test_what_counts_as_served(before, after, problem):
    assert ModelCheck(before=before, after=after).problem == problem
