import pytest
import torch
from PIL import Image

from colourize.colour.rgb import eight_bit
from colourize.data.scenes import load
from colourize.errors import InputError
from colourize.evaluation.frechet import distance
from colourize.evaluation.photograph_scores import scored
from colourize.evaluation.recognition import Classifier, Looks, classes_of
from tests.block_models import Redness, block_model, save, shown


@pytest.fixture
def model():
    return block_model()


def test_a_classifier_that_sees_colour_gets_back_what_the_colours_give(model, tmp_path):
    for number in range(4):
        Image.new("RGB", (24, 16), (200, 90 + 10 * number, 40)).save(tmp_path / f"{number}.png")
    (tmp_path / "classes.csv").write_text(
        "file,imagenet_class\n" + "\n".join(f"test/x/{n}.png,7" for n in range(3)) + "\nelsewhere.png,3\n"
    )
    classes = classes_of(tmp_path / "classes.csv")
    seen = shown(model, tmp_path, Looks(Redness(), classes, decodings=["argmax"])).recognised(tmp_path)
    assert seen.colour.tolist() == [True] * 3 and seen.grey.tolist() == [False] * 3
    assert seen.given_back == float(seen.coloured.double().mean())
    with pytest.raises(InputError, match="no photograph of .* has a class"):
        shown(model, tmp_path, Looks(Redness(), {"y.png": 1})).recognised(tmp_path)


def test_distances_are_those_of_features_of_all_photographs_and_one_photograph_has_none(model, tmp_path):
    folder = save(tmp_path / "photos", (24, 16), (32, 40), (20, 20))
    looks = shown(model, folder, Looks(Redness(), None, True, ["mean", "argmax"]))
    true, grey, mean, most = torch.stack(looks.features).unbind(1)
    expected = {"grey": distance(true, grey), "mean": distance(true, mean), "argmax": distance(true, most)}
    assert looks.distances() == expected and looks.recognised(folder) is None
    for number, one in enumerate(scored(model, folder, None, False, [])):
        assert torch.equal(one.shown(["argmax"])[2:], eight_bit(model.predict(one.grey, "argmax")) / 255)
        assert torch.allclose(most[number], Redness().features(one.shown(["argmax"])[2:])[0])
    assert shown(model, save(tmp_path / "one", (24, 16)), Looks(Redness(), None, True)).distances() == {}


@pytest.mark.parametrize(
    "text", ["", "file,x\na,1\n", "file,imagenet_class\na,many\n", "file,imagenet_class\na,1000\n"]
)
def test_classes_of_another_form_are_refused(text, tmp_path):
    (tmp_path / "classes.csv").write_text(text)
    with pytest.raises(InputError, match="--classes .* must (be a CSV file|contain files)"):
        classes_of(tmp_path / "classes.csv")


def test_lite1_prepares_pictures_as_timm_does():
    from timm.data import create_transform, resolve_data_config

    from colourize.models.encoder_weights import trained

    images = load(2, 2, image_size=300).train[:, :280]
    network = trained("tf_efficientnet_lite1", "timm", features=False).eval()
    prepare = create_transform(**resolve_data_config({}, model=network))
    with torch.no_grad():
        expected = network(torch.stack([prepare(Image.fromarray(image.numpy())) for image in images])).argmax(1)
    classifier = Classifier()
    assert torch.equal(classifier.classes(classifier.features(images.movedim(-1, 1).float() / 255)), expected)
