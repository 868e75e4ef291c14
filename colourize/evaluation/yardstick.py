"""Floors, models and ceilings, measured on each of the same validation pictures.

N images, H height, W width, K colours.
"""

from collections.abc import Iterable, Iterator, Set
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from colourize.colour.decoding import Decoding
from colourize.colour.rgb import eight_bit
from colourize.colour.spaces import RGB, Space
from colourize.data.labelled import LabelledPictures, fingerprint
from colourize.data.pictures import Pictures
from colourize.evaluation import columns, columns_cache, metrics, predictors, quality
from colourize.evaluation.measures import CEILING, DECODING, FLOOR, MEASURES, MODEL, Row, all_with_intervals, columns_of
from colourize.evaluation.predictors import Predictor
from colourize.models.lookup import ClassPrior, LookupTable, fold_counts, smoothed_table

BATCH_VALUES = 1 << 24  # logits in memory at once
TABLE, PRIOR, KNOWING = "look-up table", "class prior", "object and grey known"
GREY = "grey as it is"
QUICK = "cross_entropy", "skill", "top1", "psnr", "colourfulness"  # the measures at the end of a run
KEPT = tuple(sorted(columns_of(QUICK))), tuple(sorted(columns_of(MEASURES) - columns_of(QUICK)))


class Yardstick:
    """The floors and ceilings of one palette, fitted to the training pictures; measures predictors.

    Args:
        pictures: both splits.
        train: the training pictures with the labels of the palette.
        validation: the validation pictures with these labels.
        palette: [K, C].
        space: of the palette.
        cache_dir: folder where the columns of floors and ceilings are kept; None: they are computed again.
        known: the ``fingerprint`` of pictures, palette and space, if already computed.

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
        for floor in (self.prior, self.table):
            floor.fit(train.coarse, train.labels)
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
        """Log P(colour | object, grey level), [objects, levels, K]; None if the source does not know the objects."""
        objects, others = self.pictures.train_objects, self.pictures.validation_objects
        if objects is None or others is None or objects.shape != self.train.labels.shape:
            return None
        num_objects = 1 + int(max(objects.max(), others.max()))
        counts = fold_counts(self.train.grey, self.train.labels, len(self.palette), objects, num_objects)
        return smoothed_table(counts)

    def floors(self) -> list[Predictor]:
        """Predictors without a network: class prior, nearest grey, look-up table, and the grey input itself."""
        over = self.palette, self.space
        return [
            predictors.reference(PRIOR, FLOOR, predictors.most_probable_by(self.floor(self.prior), *over)),
            predictors.reference(
                "nearest colour by grey", FLOOR, predictors.nearest_grey(*over, self.floor(nn.Identity()))
            ),
            predictors.reference(TABLE, FLOOR, predictors.most_probable_by(self.floor(self.table), *over)),
            predictors.reference(GREY, FLOOR, predictors.grey_itself(self.space)),
        ]

    def ceilings(self) -> list[Predictor]:
        """Predictors that know more than the grey: the true class; the object of each pixel, if the source has it."""
        over = self.palette, self.space
        found = [predictors.reference("true class", CEILING, predictors.true_class(*over))]
        if self._knows_objects:
            by_objects = predictors.by_objects(lambda: self.knowing, *over)
            found.insert(0, predictors.reference(KNOWING, CEILING, by_objects))
        if not self.space.keeps:  # else every decoding keeps the input's lightness
            shifted = predictors.true_class(*over, keep_grey=True)
            found.append(predictors.reference("true class, input's grey", CEILING, shifted))
        return found

    def floor(self, network: nn.Module) -> nn.Module:
        """A floor that gets the mean grey of each block of pixels with one label."""
        return network if self.stride == 1 else nn.Sequential(nn.AvgPool2d(self.stride), network)

    def model(self, name: str, network: nn.Module) -> Predictor:
        """A network, logits [N, K, h, w] of the labels' size from grey [N, 1, H, W], decoded by arg-max."""
        return Predictor(name, MODEL, predictors.most_probable_by(network, self.palette, self.space))

    def decoded(self, name: str, network: nn.Module, decoding: Decoding) -> Predictor:
        """The same network with another decoding."""
        predict = predictors.decoded_by(network, decoding, self.palette, self.space)
        return Predictor(f"{name}, {decoding.name}", DECODING, predict)

    def measured(
        self, name: str, network: nn.Module, num_resamples: int = 2_000, keys: Iterable[str] = MEASURES
    ) -> list[Row]:
        """The rows of floors, one network and ceilings, with intervals of the measures ``keys``."""
        everyone = [*self.floors(), self.model(name, network), *self.ceilings()]
        return all_with_intervals([self.row(predictor, keys) for predictor in everyone], num_resamples)

    def row(self, predictor: Predictor, keys: Iterable[str] = MEASURES) -> Row:
        """The predictor's columns for the measures ``keys``; those of a floor or a ceiling may come from the cache."""
        wanted = columns_of(keys)
        if self.cache_dir is None or not predictor.kept:
            found = self._columns(predictor, wanted)
        else:
            tables = [self._from_cache(part)[predictor.kept] for part in KEPT if wanted.intersection(part)]
            found = {name: values for table in tables for name, values in table.items() if name in wanted}
        in_order = {name: found[name] for name in sorted(found)}  # fixes the order of the sums in the bootstrap
        return Row(predictor.name, predictor.kind, in_order, palette=predictor.palette)

    def _columns(self, predictor: Predictor, wanted: Set[str]) -> dict[str, Tensor]:
        """Values of each validation picture, [N, ...] by column, for the columns that the predictor has."""
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
        """Some columns of all floors and ceilings, computed if the cache lacks them."""
        if part not in self._references:
            assert self.cache_dir is not None
            references = [*self.floors(), *self.ceilings()]
            self._references[part] = columns_cache.kept(
                self.cache_dir,
                columns_cache.name_of(self._fingerprint, *self._objects(), *self._blocks(), part),
                lambda: {predictor.kept: self._columns(predictor, set(part)) for predictor in references},
                len(self.labels),
                [predictor.kept for predictor in references],
            )
        return self._references[part]

    @cached_property
    def _fingerprint(self) -> str:
        return self._known or fingerprint(self.pictures, self.palette, self.space)

    @property
    def _knows_objects(self) -> bool:
        """Whether ``knowing`` is a table; it is fitted only if the cache lacks its predictions."""
        objects, others = self.pictures.train_objects, self.pictures.validation_objects
        return objects is not None and others is not None and objects.shape == self.train.labels.shape

    def _objects(self) -> list[np.ndarray | None]:
        both = self.pictures.train_objects, self.pictures.validation_objects
        return [None if objects is None else objects.numpy() for objects in both]

    def _blocks(self) -> list[int]:
        """The stride as a part of a digest; none for 1, so that older entries stay valid."""
        return [] if self.stride == 1 else [self.stride]

    def originals(self, index: Tensor) -> Tensor:
        """The chosen validation pictures: int64 [n] -> [n, 3, H, W] in [0, 1]."""
        return _rgb(self.pictures.validation[index])

    def colours(self, predictor: Predictor, index: Tensor) -> Tensor:
        """The predictor's colours for the chosen validation pictures: int64 [n] -> [n, 3, H, W] in [0, 1]."""
        objects = self.pictures.validation_objects
        chosen = None if objects is None else objects[index]
        return predictor.predict(self.grey[index], self.labels[index].long(), chosen).colours

    def _parts(self) -> Iterator[Tensor]:
        pixels = self.labels[0].numel()
        yield from torch.arange(len(self.grey)).split(max(1, BATCH_VALUES // (pixels * len(self.palette))))


def _rgb(images: Tensor) -> Tensor:
    """Pictures in the form of the measures: uint8 [N, H, W, 3] -> [N, 3, H, W] in [0, 1]."""
    return images.permute(0, 3, 1, 2).float() / 255
