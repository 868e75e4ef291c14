import math

import pytest
import torch

from colourize.colour.decoding import parsed
from colourize.colour.kmeans import fit
from colourize.colour.rgb import eight_bit
from colourize.colour.spaces import RGB, SPACES, Space
from colourize.data.labelled import LabelledPictures
from colourize.data.pictures import Pictures
from colourize.data.scenes import load
from colourize.evaluation.measures import FLOOR, MEASURES, Row, difference, with_intervals
from colourize.evaluation.predictors import Predictor
from colourize.evaluation.yardstick import Yardstick


def yardstick_of(pictures: Pictures, num_colours: int = 6, space: Space = RGB) -> Yardstick:
    palette = fit(pictures.train, num_colours, seed=0, space=space)
    train, validation = (
        LabelledPictures(images, palette, space=space) for images in (pictures.train, pictures.validation)
    )
    return Yardstick(pictures, train, validation, palette, space)


@pytest.fixture(scope="module")
def yardstick():
    return yardstick_of(load(80, 30))


@pytest.fixture(scope="module")
def rows(yardstick):
    predictors = [*yardstick.floors(), *yardstick.ceilings()]
    return {predictor.name: with_intervals(yardstick.row(predictor), 500) for predictor in predictors}


def estimate(row: Row, key: str) -> float:
    return row.intervals[key].estimate


def test_skill_is_0_for_the_table_and_1_for_the_truth(rows):
    assert estimate(rows["look-up table"], "skill") == pytest.approx(0, abs=1e-6)
    assert estimate(rows["true class"], "skill") == 1
    assert estimate(rows["true class"], "top1") == 1
    assert estimate(rows["class prior"], "skill") < 0


def test_floors_and_ceilings_are_ordered(rows):
    order = ["class prior", "look-up table", "object and grey known", "true class"]
    losses = [estimate(rows[name], "cross_entropy") for name in order]
    assert losses == sorted(losses, reverse=True)
    assert estimate(rows["true class, input's grey"], "psnr") > estimate(rows["true class"], "psnr")


def test_the_untouched_grey_has_no_classes_and_no_colour(rows):
    row = rows["grey as it is"]
    assert estimate(row, "colourfulness") == pytest.approx(0, abs=1e-9)
    assert not {"cross_entropy", "skill", "top1", "ece"} & row.intervals.keys()
    assert set(row.intervals) >= {"psnr", "ssim", "ciede2000", "ab_error", "auc", "auc_rebalanced"}


def test_the_nearest_grey_has_no_probabilities(rows):
    assert "top1" in rows["nearest colour by grey"].intervals
    assert "cross_entropy" not in rows["nearest colour by grey"].intervals


def test_the_ceiling_with_the_input_s_grey_keeps_it_everywhere(yardstick):
    (predictor,) = [p for p in yardstick.ceilings() if p.name == "true class, input's grey"]
    colours = predictor.predict(yardstick.grey, yardstick.labels, None).colours
    assert torch.allclose(colours.mean(dim=1), yardstick.grey[:, 0], atol=1e-6)


def test_intervals_contain_the_estimate_and_shrink_with_the_number_of_pictures(yardstick, rows):
    for row in rows.values():
        for key, (value, low, high) in row.intervals.items():
            if key not in ("ece", "auc_rebalanced"):  # their resamples are biased
                assert low <= value + 1e-9, key
                assert value <= high + 1e-9, key
    few = Row("few", FLOOR, {name: values[:8] for name, values in rows["look-up table"].columns.items()})
    widths = [row.intervals["cross_entropy"].high - row.intervals["cross_entropy"].low
              for row in (with_intervals(few, 500), rows["look-up table"])]  # fmt: skip
    assert widths[0] > 1.3 * widths[1]


def test_the_same_row_twice_gives_the_same_digits(yardstick):
    table = yardstick.floors()[2]
    first, second = (with_intervals(yardstick.row(table)).intervals for _ in range(2))
    assert first == second


def test_one_picture_has_numbers_and_no_interval():
    pictures = load(20, 2)
    row = with_intervals(yardstick_of(Pictures(pictures.train, pictures.validation[:1])).row(
        Predictor("grey", FLOOR, yardstick_of(pictures).floors()[3].predict)))  # fmt: skip
    assert math.isfinite(row.intervals["psnr"].estimate)
    assert math.isnan(row.intervals["psnr"].low)


def test_constant_pictures_give_numbers_or_a_named_absence():
    train = load(20, 2).train
    constant = torch.full((3, 32, 32, 3), 90, dtype=torch.uint8)
    yardstick = yardstick_of(Pictures(train, constant))
    for predictor in (*yardstick.floors(), *yardstick.ceilings()):
        row = with_intervals(yardstick.row(predictor), 100)
        for key, interval in row.intervals.items():
            assert math.isfinite(interval.estimate), (predictor.name, key)


def test_pictures_too_small_for_ssim_lack_it_by_name():
    yardstick = yardstick_of(load(20, 6, image_size=8))
    row = with_intervals(yardstick.row(yardstick.floors()[2]), 100)
    assert math.isnan(row.intervals["ssim"].estimate)
    assert math.isfinite(row.intervals["psnr"].estimate)


def test_a_difference_is_that_of_the_means_and_needs_a_plain_mean(rows):
    table, prior = rows["look-up table"], rows["class prior"]
    gap = difference(prior, table, "cross_entropy")
    assert gap.estimate == pytest.approx(estimate(prior, "cross_entropy") - estimate(table, "cross_entropy"), abs=1e-6)
    assert gap.low > 0
    assert difference(prior, table, "auc_rebalanced") is None
    assert difference(prior, rows["grey as it is"], "cross_entropy") is None


@pytest.mark.parametrize("space", ["lab", "oklab"])
def test_in_a_space_of_chromas_floors_and_ceilings_keep_the_lightness_and_are_ordered(space):
    yardstick = yardstick_of(load(80, 30), space=SPACES[space])
    predictors = [*yardstick.floors(), *yardstick.ceilings()]
    rows = {predictor.name: with_intervals(yardstick.row(predictor), 100) for predictor in predictors}
    assert "true class, input's grey" not in rows
    losses = [estimate(rows[name], "cross_entropy")
              for name in ("class prior", "look-up table", "object and grey known", "true class")]  # fmt: skip
    assert losses == sorted(losses, reverse=True)
    assert estimate(rows["look-up table"], "skill") == pytest.approx(0, abs=1e-6)
    assert estimate(rows["grey as it is"], "colourfulness") == pytest.approx(0, abs=1e-9)
    assert estimate(rows["true class"], "psnr") > estimate(rows["grey as it is"], "psnr")
    neutral = yardstick.space.neutral(yardstick.grey)
    for predictor in predictors:
        shown = eight_bit(predictor.predict(yardstick.grey, yardstick.labels, yardstick.pictures.validation_objects)[0])
        tones = yardstick.space.neutral(yardstick.space.lightness(shown.movedim(1, -1)))
        assert 256 * (tones - neutral).abs().max() <= 1, predictor.name


def test_the_share_of_pixels_outside_the_gamut_is_a_measure():
    yardstick = yardstick_of(load(40, 10), space=SPACES["lab"])
    vivid = torch.full((1, 6, 1, 1), -9.0)
    vivid[0, yardstick.palette.norm(dim=1).argmax()] = 0

    def everywhere(grey):
        return vivid.expand(len(grey), -1, *grey.shape[2:])

    for predictor in (
        yardstick.model("vivid", everywhere),
        yardstick.decoded("vivid", everywhere, parsed("annealed:0.01")),
    ):
        measured = estimate(with_intervals(yardstick.row(predictor), 50), "outside")
        counted = predictor.predict(yardstick.grey, yardstick.labels, None).outside
        assert measured == pytest.approx(counted.double().mean().item())
        assert 0 < measured < 1


def test_predictors_that_are_fitted_into_the_gamut_report_the_share_in_every_space(yardstick, rows):
    """In rgb only the ceiling that keeps the input's grey; in other spaces all except the untouched grey."""
    assert [name for name, row in rows.items() if "outside" in row.intervals] == ["true class, input's grey"]
    (kept,) = (predictor for predictor in yardstick.ceilings() if predictor.name == "true class, input's grey")
    outside = kept.predict(yardstick.grey, yardstick.labels, None).outside
    assert estimate(rows[kept.name], "outside") == pytest.approx(outside.double().mean().item())
    other = yardstick_of(load(40, 10), space=SPACES["lab"])
    counted = [p.name for p in (*other.floors(), *other.ceilings()) if "outside" in other.row(p).columns]
    assert counted == ["class prior", "nearest colour by grey", "look-up table", "object and grey known", "true class"]


def test_every_measure_has_a_title_and_columns_that_some_row_has(yardstick, rows):
    table = yardstick.decoded("table", yardstick.table, parsed("mean+grey"))
    columns = set().union(*(row.columns for row in rows.values()), yardstick.row(table).columns)
    for measure in MEASURES.values():
        assert measure.title
        assert set(measure.columns) <= columns
