"""Small training runs of detection."""

SMALL = (
    "task=detection", "data.num_train=6", "data.num_validation=3", "image_size=32", "model.width=0.0625",
    "batch_size=2", "max_epochs=2", "augment.share=0.5", "augment.until=0.5",
    "logger=none", "trainer.enable_progress_bar=false",
)  # fmt: skip
"""A run of YOLOX, three steps an epoch."""
