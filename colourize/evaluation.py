"""Floors, models and ceilings on the same validation pictures, image by image.

N images, H height, W width, K colours.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn

from colourize import metrics, quality
from colourize.colour import eight_bit
from colourize.data.module import LabelledPictures
from colourize.data.pictures import Pictures
from colourize.decoding import Decoding, most_probable
from colourize.measures import CEILING, DECODING, FLOOR, MODEL, Row, with_intervals
from colourize.models.lookup import ClassPrior, LookupTable, fold_counts, grey_level, smoothed_table
from colourize.palette import dequantize
from colourize.spaces import RGB, Decoded, Space

BATCH_VALUES = 1 << 24  # logits in memory at once
NUM_BINS = 15
TABLE, PRIOR, KNOWING = "look-up table", "class prior", "object and grey known"
GREY = "grey as it is"


class Prediction(NamedTuple):
    """What a predictor says of a batch: colours [N, 3, H, W] in [0, 1]; logits and labels where it has any; the pixels
    that were out of the gamut, bool [N, H, W], where that is looked at."""

    colours: Tensor
    logits: Tensor | None = None
    labels: Tensor | None = None
    outside: Tensor | None = None


@dataclass(frozen=True)
class Predictor:
    """A row of the table. ``predict`` takes a batch's grey [N, 1, H, W], true labels and objects [N, H, W]."""

    name: str
    kind: str
    predict: Callable[[Tensor, Tensor, Tensor | None], Prediction]
    palette: int = 0  # rows of one palette answer one question; cross-entropies over two palettes do not compare


class Yardstick:
    """Everything that is fitted on the training pictures for one palette: the floors, the ceilings, the weights.

    ``space`` is the palette's, [K, C].

    Attributes:
        table_loss: validation cross-entropy of the look-up table, nats per pixel.
    """

    def __init__(
        self,
        pictures: Pictures,
        train: LabelledPictures,
        validation: LabelledPictures,
        palette: Tensor,
        space: Space = RGB,
    ) -> None:
        self.pictures, self.train, self.palette, self.space = pictures, train, palette, space
        self.grey, self.labels = validation.grey, validation.labels
        self.prior, self.table = ClassPrior(len(palette)), LookupTable(len(palette))
        for baseline in (self.prior, self.table):
            baseline.fit(train.grey, train.labels)
        losses = [
            metrics.cross_entropy(self.table(self.grey[part]), self.labels[part].long()) for part in self._parts()
        ]
        self.table_losses = torch.cat(losses)
        self.table_loss = self.table_losses.double().mean().item()

    @cached_property
    def true_colourfulness(self) -> float:
        """Mean colourfulness of the true validation pictures."""
        images = self.pictures.validation
        return torch.cat([quality.colourfulness(_rgb(images[part])) for part in self._parts()]).mean().item()

    @cached_property
    def ab_prior(self) -> Tensor:
        """Share of the training pixels in each cell of the ab plane, smoothed: float64 [529]."""
        images = self.pictures.train
        parts = images.split(max(1, (1 << 20) // images[0, :, :, 0].numel()))
        return quality.smoothed(torch.stack([quality.ab_histogram(_rgb(part)) for part in parts]).sum(0))

    @cached_property
    def knowing(self) -> Tensor | None:
        """Log P(colour | object, grey level), [objects, levels, K], where the source knows the objects."""
        objects, others = self.pictures.train_objects, self.pictures.validation_objects
        if objects is None or others is None:
            return None
        num_objects = 1 + int(max(objects.max(), others.max()))
        counts = fold_counts(self.train.grey, self.train.labels, len(self.palette), objects, num_objects)
        return smoothed_table(counts)

    def floors(self) -> list[Predictor]:
        """No network: class prior, nearest grey, look-up table, and grey left as it is."""
        return [
            Predictor(PRIOR, FLOOR, self._by(self.prior)),
            Predictor("nearest colour by grey", FLOOR, self._nearest),
            Predictor(TABLE, FLOOR, self._by(self.table)),
            Predictor(GREY, FLOOR, lambda grey, *_: Prediction(self.space.neutral(grey).expand(-1, 3, -1, -1))),
        ]

    def ceilings(self) -> list[Predictor]:
        """What the palette leaves to be reached; and, where the source tells the objects, the table P(colour | object,
        grey level): the best score of who knows what each pixel shows and how bright it is, and nothing else."""
        known = [Predictor(KNOWING, CEILING, self._by_objects)] if self.knowing is not None else []
        # where every decoding keeps the input's lightness, the true class keeps it already
        shifted = [Predictor("true class, input's grey", CEILING, self._true_class_input_grey)]
        return [*known, Predictor("true class", CEILING, self._true_class), *([] if self.space.keeps else shifted)]

    def model(self, name: str, network: nn.Module) -> Predictor:
        """A network, logits [N, K, H, W] from grey [N, 1, H, W], decoded by arg-max."""
        return Predictor(name, MODEL, self._by(network))

    def decoded(self, name: str, network: nn.Module, decoding: Decoding) -> Predictor:
        """The same network's pictures by another decoding."""

        def predict(grey: Tensor, *_: Tensor | None) -> Prediction:
            with torch.no_grad():
                return _prediction(decoding(network(grey).float(), grey, self.palette, self.space))

        return Predictor(f"{name}, {decoding.name}", DECODING, predict)

    def measured(self, name: str, network: nn.Module, num_resamples: int = 2_000) -> list[Row]:
        """All rows with their intervals: floors, the one network, ceilings."""
        predictors = [*self.floors(), self.model(name, network), *self.ceilings()]
        return [with_intervals(self.row(predictor), num_resamples) for predictor in predictors]

    def row(self, predictor: Predictor) -> Row:
        """The predictor's measures on every validation picture."""
        parts: list[dict[str, Tensor]] = []
        for part in self._parts():
            objects = self.pictures.validation_objects
            prediction = predictor.predict(
                self.grey[part], self.labels[part].long(), None if objects is None else objects[part]
            )
            shown = eight_bit(prediction.colours).float() / 255
            columns = self._picture_columns(shown, _rgb(self.pictures.validation[part]))
            columns |= _class_columns(prediction, self.labels[part].long())
            if prediction.outside is not None:
                columns["outside"] = prediction.outside.double().mean((1, 2))
            if prediction.logits is not None:
                columns["table"] = self.table_losses[part]
            parts.append({name: values.cpu() for name, values in columns.items()})
        columns = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        return Row(predictor.name, predictor.kind, columns, palette=predictor.palette)

    def colours(self, predictor: Predictor, index: Tensor) -> Tensor:
        """What the predictor makes of the chosen validation pictures: int64 [n] -> [n, 3, H, W] in [0, 1]."""
        objects = self.pictures.validation_objects
        chosen = None if objects is None else objects[index]
        return predictor.predict(self.grey[index], self.labels[index].long(), chosen).colours

    def _parts(self) -> Iterator[Tensor]:
        pixels = self.labels[0].numel()
        yield from torch.arange(len(self.grey)).split(max(1, BATCH_VALUES // (pixels * len(self.palette))))

    def _by(self, network: nn.Module) -> Callable[..., Prediction]:
        def predict(grey: Tensor, *_: Tensor | None) -> Prediction:
            with torch.no_grad():
                logits = network(grey).float()
            return self._most_probable(grey, logits)

        return predict

    def _most_probable(self, grey: Tensor, logits: Tensor) -> Prediction:
        return _prediction(self.space.decode(grey, most_probable(logits, self.palette)), logits)

    def _nearest(self, grey: Tensor, *_: Tensor | None) -> Prediction:
        labels = self.space.greyest(grey, self.palette)
        return _prediction(self.space.decode(grey, dequantize(labels, self.palette)), labels=labels)

    def _by_objects(self, grey: Tensor, _: Tensor, objects: Tensor | None) -> Prediction:
        assert self.knowing is not None and objects is not None
        logits = self.knowing[objects.long(), grey_level(grey)].permute(0, 3, 1, 2)
        return self._most_probable(grey, logits)

    def _true_class(self, grey: Tensor, labels: Tensor, *_: Tensor | None) -> Prediction:
        return self._truth(self.space.decode(grey, dequantize(labels, self.palette)), labels)

    def _true_class_input_grey(self, grey: Tensor, labels: Tensor, *_: Tensor | None) -> Prediction:
        return self._truth(self.space.keep(grey, dequantize(labels, self.palette)), labels)

    def _truth(self, decoded: Decoded, labels: Tensor) -> Prediction:
        """With all probability on the true class."""
        certain = torch.nn.functional.one_hot(labels.long(), len(self.palette)).permute(0, 3, 1, 2)
        return _prediction(decoded, certain.float().log())

    def _picture_columns(self, shown: Tensor, true: Tensor) -> dict[str, Tensor]:
        weighted, weight = quality.rebalanced_accuracy(shown, true, self.ab_prior)
        colourfulness, truth = quality.colourfulness(shown), quality.colourfulness(true)
        return {
            "psnr": quality.psnr(shown, true),
            "ssim": quality.ssim(shown, true),
            "ciede2000": quality.ciede2000(shown, true),
            "ab_error": quality.ab_error(shown, true),
            "auc": quality.raw_accuracy(shown, true),
            "auc_weighted": weighted,
            "auc_weight": weight,
            "colourfulness": colourfulness,
            "colourfulness_gap": (colourfulness - truth).abs(),
        }


def _prediction(decoded: Decoded, logits: Tensor | None = None, labels: Tensor | None = None) -> Prediction:
    return Prediction(decoded.colours, logits, labels, decoded.outside)


def _rgb(images: Tensor) -> Tensor:
    """Pictures as the measures want them: uint8 [N, H, W, 3] -> [N, 3, H, W] in [0, 1]."""
    return images.permute(0, 3, 1, 2).float() / 255


def _class_columns(prediction: Prediction, labels: Tensor) -> dict[str, Tensor]:
    if prediction.logits is None:
        if prediction.labels is None:
            return {}
        return {"top1": (prediction.labels == labels).float().mean((1, 2))}
    logits = prediction.logits
    number = torch.where(logits.isnan().any(1), torch.nan, 1.0)  # a diverged network is right nowhere by its arg-max
    columns = {
        "cross_entropy": metrics.cross_entropy(logits, labels),
        "top1": ((logits.argmax(1) == labels) * number).mean((1, 2)),
        "bins": metrics.calibration_bins(logits, labels, NUM_BINS),
    }
    if logits.shape[1] > 5:
        columns["top5"] = metrics.top_k_accuracy(logits, labels, 5) * number.mean((1, 2))
    return columns
