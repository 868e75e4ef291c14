"""Floors, models and ceilings on the same validation pictures, image by image.

N images, H height, W width, K colours.
"""

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from colourize.colour.decoding import Decoding, most_probable
from colourize.colour.palette import dequantize
from colourize.colour.rgb import eight_bit
from colourize.colour.spaces import RGB, Decoded, Space
from colourize.data.labelled import LabelledPictures, fingerprint
from colourize.data.pictures import Pictures
from colourize.evaluation import columns, columns_cache, metrics, quality
from colourize.evaluation.measures import CEILING, DECODING, FLOOR, MEASURES, MODEL, Row, all_with_intervals, columns_of
from colourize.models.lookup import ClassPrior, LookupTable, fold_counts, grey_level, smoothed_table

BATCH_VALUES = 1 << 24  # logits in memory at once
TABLE, PRIOR, KNOWING = "look-up table", "class prior", "object and grey known"
GREY = "grey as it is"
QUICK = "cross_entropy", "skill", "top1", "psnr", "colourfulness"  # what a run ends in: what the README argues with
KEPT = tuple(sorted(columns_of(QUICK))), tuple(sorted(columns_of(MEASURES) - columns_of(QUICK)))


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
    kept: str = ""  # its name in the cache: of a floor or a ceiling, which no network changes


class Yardstick:
    """Everything that is fitted on the training pictures for one palette: the floors, the ceilings, the weights.

    ``space`` is the palette's, [K, C]. With a ``cache_dir`` the floors' and ceilings' measures are kept there, so that
    they are taken once for the same pictures and palette. ``known`` is the ``fingerprint`` of pictures, palette and
    space, where it was computed before.

    Attributes:
        table_loss: validation cross-entropy of the look-up table, nats per pixel.
        stride: pixels from one label to the next. The floors then see the mean grey of each block.
    """

    def __init__(
        self,
        pictures: Pictures,
        train: LabelledPictures,
        validation: LabelledPictures,
        palette: Tensor,
        space: Space = RGB,
        cache_dir: str | Path | None = None,
        known: str | None = None,
    ) -> None:
        self.pictures, self.train, self.palette, self.space = pictures, train, palette, space
        self.cache_dir, self._known = cache_dir, known
        self._references: dict[tuple[str, ...], columns_cache.Columns] = {}
        self.grey, self.labels, self.coarse = validation.grey, validation.labels, validation.coarse
        self.stride = pictures.validation.shape[2] // self.labels.shape[2]
        self.prior, self.table = ClassPrior(len(palette)), LookupTable(len(palette))
        for baseline in (self.prior, self.table):
            baseline.fit(train.coarse, train.labels)
        losses = [
            metrics.cross_entropy(self.table(self.coarse[part]), self.labels[part].long()) for part in self._parts()
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
        if objects is None or others is None or objects.shape != self.train.labels.shape:
            return None
        num_objects = 1 + int(max(objects.max(), others.max()))
        counts = fold_counts(self.train.grey, self.train.labels, len(self.palette), objects, num_objects)
        return smoothed_table(counts)

    def floors(self) -> list[Predictor]:
        """No network: class prior, nearest grey, look-up table, and grey left as it is."""
        return [
            _reference(PRIOR, FLOOR, self._by(self.baseline(self.prior))),
            _reference("nearest colour by grey", FLOOR, self._nearest),
            _reference(TABLE, FLOOR, self._by(self.baseline(self.table))),
            _reference(GREY, FLOOR, lambda grey, *_: Prediction(self.space.neutral(grey).expand(-1, 3, -1, -1))),
        ]

    def ceilings(self) -> list[Predictor]:
        """What the palette leaves to be reached; and, where the source tells the objects, the table P(colour | object,
        grey level): the best score of who knows what each pixel shows and how bright it is, and nothing else."""
        known = [_reference(KNOWING, CEILING, self._by_objects)] if self._knows_objects else []
        # where every decoding keeps the input's lightness, the true class keeps it already
        shifted = [_reference("true class, input's grey", CEILING, self._true_class_input_grey)]
        return [*known, _reference("true class", CEILING, self._true_class), *([] if self.space.keeps else shifted)]

    def baseline(self, network: nn.Module) -> nn.Module:
        """A baseline that takes the mean grey of each block of pixels that has one label."""
        return network if self.stride == 1 else nn.Sequential(nn.AvgPool2d(self.stride), network)

    def model(self, name: str, network: nn.Module) -> Predictor:
        """A network, logits [N, K, h, w] of the labels' size from grey [N, 1, H, W], decoded by arg-max."""
        return Predictor(name, MODEL, self._by(network))

    def decoded(self, name: str, network: nn.Module, decoding: Decoding) -> Predictor:
        """The same network's pictures by another decoding."""

        def predict(grey: Tensor, *_: Tensor | None) -> Prediction:
            with torch.no_grad():
                return _prediction(decoding(network(grey).float(), grey, self.palette, self.space))

        return Predictor(f"{name}, {decoding.name}", DECODING, predict)

    def measured(
        self, name: str, network: nn.Module, num_resamples: int = 2_000, keys: Iterable[str] = MEASURES
    ) -> list[Row]:
        """All rows with their intervals: floors, the one network, ceilings; of the measures ``keys`` alone."""
        predictors = [*self.floors(), self.model(name, network), *self.ceilings()]
        return all_with_intervals([self.row(predictor, keys) for predictor in predictors], num_resamples)

    def row(self, predictor: Predictor, keys: Iterable[str] = MEASURES) -> Row:
        """The predictor's measures ``keys`` on every validation picture; a floor's or a ceiling's from the cache."""
        wanted = columns_of(keys)
        if self.cache_dir is None or not predictor.kept:
            found = self._columns(predictor, wanted)
        else:
            tables = [self._from_cache(part)[predictor.kept] for part in KEPT if wanted.intersection(part)]
            found = {name: values for table in tables for name, values in table.items() if name in wanted}
        in_order = {name: found[name] for name in sorted(found)}  # in which the bootstrap adds them up
        return Row(predictor.name, predictor.kind, in_order, palette=predictor.palette)

    def _columns(self, predictor: Predictor, wanted: Set[str]) -> dict[str, Tensor]:
        """Values for each validation picture, [N, ...] by column, of those columns that the predictor has."""
        parts: list[dict[str, Tensor]] = []
        for part in self._parts():
            objects = self.pictures.validation_objects
            labels = self.labels[part].long()
            prediction = predictor.predict(self.grey[part], labels, None if objects is None else objects[part])
            shown = eight_bit(prediction.colours).float() / 255
            values = columns.of_pictures(shown, _rgb(self.pictures.validation[part]), lambda: self.ab_prior, wanted)
            values |= columns.of_classes(prediction.logits, prediction.labels, labels, wanted)
            if prediction.outside is not None and "outside" in wanted:
                values["outside"] = prediction.outside.double().mean((1, 2))
            if prediction.logits is not None and "table" in wanted:
                values["table"] = self.table_losses[part]
            parts.append({name: column.cpu() for name, column in values.items()})
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def _from_cache(self, part: tuple[str, ...]) -> columns_cache.Columns:
        """Every floor's and ceiling's values of some columns, measured where the cache lacks them."""
        if part not in self._references:
            assert self.cache_dir is not None
            predictors = [*self.floors(), *self.ceilings()]
            self._references[part] = columns_cache.kept(
                self.cache_dir,
                columns_cache.name_of(self._fingerprint, *self._objects(), *self._blocks(), part),
                lambda: {predictor.kept: self._columns(predictor, set(part)) for predictor in predictors},
                len(self.labels),
                [predictor.kept for predictor in predictors],
            )
        return self._references[part]

    @cached_property
    def _fingerprint(self) -> str:
        return self._known or fingerprint(self.pictures, self.palette, self.space)

    @property
    def _knows_objects(self) -> bool:
        """Whether there is a table ``knowing``, which is fitted only where the cache lacks what it predicts."""
        return all(objects is not None for objects in self._objects())

    def _objects(self) -> list[np.ndarray | None]:
        both = self.pictures.train_objects, self.pictures.validation_objects
        return [None if objects is None else objects.numpy() for objects in both]

    def _blocks(self) -> list[int]:
        """The stride as a part of a digest; none for 1: tables from before there were others stay valid."""
        return [] if self.stride == 1 else [self.stride]

    def originals(self, index: Tensor) -> Tensor:
        """The chosen validation pictures as they are: int64 [n] -> [n, 3, H, W] in [0, 1]."""
        return _rgb(self.pictures.validation[index])

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
        labels = self.space.greyest(self.baseline(nn.Identity())(grey), self.palette)
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


def _reference(name: str, kind: str, predict: Callable[..., Prediction]) -> Predictor:
    return Predictor(name, kind, predict, kept=name)


def _prediction(decoded: Decoded, logits: Tensor | None = None, labels: Tensor | None = None) -> Prediction:
    return Prediction(decoded.colours, logits, labels, decoded.outside)


def _rgb(images: Tensor) -> Tensor:
    """Pictures as the measures want them: uint8 [N, H, W, 3] -> [N, 3, H, W] in [0, 1]."""
    return images.permute(0, 3, 1, 2).float() / 255
