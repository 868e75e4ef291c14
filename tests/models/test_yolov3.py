"""YOLOv3's head: it fits a picture and finds its boxes; the body takes the weights of YOLOX."""

import pytest
import torch

from colourize.errors import InputError
from colourize.models.yolov3 import YOLOv3
from colourize.models.yolox import YOLOX

SMALL = 0.33, 0.0625, False


def test_a_network_fitted_to_one_picture_finds_its_boxes():
    torch.manual_seed(0)
    network = YOLOv3(2, *SMALL)
    picture = torch.full((1, 3, 64, 64), 40, dtype=torch.uint8)
    picture[:, 0, 8:40, 4:28], picture[:, 2, 20:60, 36:60] = 220, 250
    boxes, labels = torch.tensor([[4.0, 8, 28, 40], [36, 20, 60, 60]]), torch.tensor([1, 0])
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    # to a rate of 0: at a constant one the boxes jump by 1 to 5 pixels between steps, and so between processors
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 60)
    for _ in range(60):
        optimizer.zero_grad()
        sum(network.losses(picture, [boxes], [labels]).values()).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        ((found, scores, kinds),) = network.detections(picture)
    for box, label in zip(boxes, labels, strict=True):
        near = int((found - box).abs().sum(dim=1).argmin())
        torch.testing.assert_close(found[near], box, atol=4, rtol=0)
        assert kinds[near] == label and scores[near] > 0.3


def test_the_first_scores_are_those_of_a_picture_with_few_objects():
    ((_, scores, _),) = YOLOv3(3, *SMALL).eval().detections(torch.zeros(1, 3, 64, 64, dtype=torch.uint8))
    assert (scores < 0.2).all()


def test_the_body_takes_weights_of_yolox_and_the_head_stays(tmp_path):
    source, network = YOLOX(80, *SMALL), YOLOv3(3, *SMALL)
    torch.save(source.state_dict(), tmp_path / "x.pth")
    head = {name: each.clone() for name, each in network.head.state_dict().items()}
    network.load(str(tmp_path / "x.pth"))
    given = source.state_dict()
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, head[name.removeprefix("head.")] if name.startswith("head.") else given[name])
    with pytest.raises(InputError, match="no weights are published"):
        network.load("coco")
