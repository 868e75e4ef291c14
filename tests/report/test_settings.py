from colourize.report.records import read
from colourize.report.settings import grouped
from tests.made_runs import run


def test_a_setting_is_everything_but_the_seed_and_paths(tmp_path):
    run(tmp_path / "0", seed=0)
    run(tmp_path / "1", seed=1, cache_dir="/elsewhere", save_every=7)
    run(tmp_path / "2", seed=2, trainer={"enable_progress_bar": False})
    (setting,) = grouped(read([tmp_path])).settings
    assert [each.seed for each in setting.runs] == [0, 1, 2]


def test_other_pictures_at_the_same_place_are_another_setting(tmp_path):
    run(tmp_path / "0", fingerprint="a" * 20)
    run(tmp_path / "1", fingerprint="b" * 20)
    found = grouped(read([tmp_path]))
    assert found.varied == ("pictures",)
    assert [setting.label for setting in found.settings] == ["pictures=aaaaaaaa", "pictures=bbbbbbbb"]


def test_numbers_are_sorted_by_size_for_any_order_of_the_jobs(tmp_path):
    for job, size in enumerate((128, 32, 512, 64)):
        run(tmp_path / str(job), batch_size=size)
    found = grouped(read([tmp_path]))
    assert [setting.values["batch_size"] for setting in found.settings] == [32, 64, 128, 512]
    assert found.settings[0].label == "batch_size=32"
    assert found.constant["kernel"] == 3
    assert "batch_size" not in found.constant


def test_a_knob_and_its_copy_inside_an_option_count_once(tmp_path):
    run(tmp_path / "0", kernel=3)
    run(tmp_path / "1", kernel=5)
    assert grouped(read([tmp_path])).varied == ("kernel",)


def test_a_value_derived_from_the_swept_one_is_named_but_not_in_the_label(tmp_path):
    run(tmp_path / "0", batch_size=32, lr=0.001, unsaid=["lr"])
    run(tmp_path / "1", batch_size=64, lr=0.002, unsaid=["lr"])
    found = grouped(read([tmp_path]))
    assert (found.varied, found.following) == (("batch_size",), ("lr",))


def test_long_labels_leave_the_usual_values_out_and_stay_different(tmp_path):
    usual = {"batch_size": 100, "lr": 0.001, "kernel": 3, "num_filters": 32}
    for job, other in enumerate([{}, {"kernel": 5}, {"lr": 0.01}, {"num_filters": 8}, {"batch_size": 7, "kernel": 5}]):
        run(tmp_path / str(job), **usual | other)
    found = grouped(read([tmp_path]))
    assert {each.label for each in found.settings} == {
        "UNet", "kernel=5", "lr=0.01", "num_filters=8", "batch_size=7, kernel=5"
    }  # fmt: skip
    assert found.usual == usual


def test_labels_are_complete_if_little_could_be_left_out(tmp_path):
    """As in a search: all values except one are scattered."""
    for job in range(4):
        run(tmp_path / str(job), batch_size=2**job, lr=0.1**job, kernel=1 + job % 2, num_filters=8 if job else 16)
    found = grouped(read([tmp_path]))
    assert found.usual == {}
    assert [each.label for each in found.settings] == [
        "batch_size=1, lr=1, kernel=1, num_filters=16",
        "batch_size=2, lr=0.1, kernel=2, num_filters=8",
        "batch_size=4, lr=0.01, kernel=1, num_filters=8",
        "batch_size=8, lr=0.001, kernel=2, num_filters=8",
    ]


def test_labels_that_would_be_the_same_have_every_digit(tmp_path):
    for job, lr in enumerate((0.0012345678, 0.0012345679)):
        run(tmp_path / str(job), lr=lr)
    assert [each.label for each in grouped(read([tmp_path])).settings] == ["lr=0.0012345678", "lr=0.0012345679"]
    run(tmp_path / "a/0", lr=0.0012345678)
    run(tmp_path / "a/1", lr=0.2)
    assert [each.label for each in grouped(read([tmp_path / "a"])).settings] == ["lr=0.00123457", "lr=0.2"]


def test_a_newer_knob_has_its_default_for_older_runs(tmp_path):
    run(tmp_path / "0")
    run(tmp_path / "1", ema=None, hints=False, loss={}, augment={})
    run(tmp_path / "2", ema=0.998)
    found = grouped(read([tmp_path]))
    assert [setting.label for setting in found.settings] == ["ema=0.998", "ema=null"]
    assert len(found.doubled) == 1  # the first two are one setting with one seed


def test_the_later_of_two_runs_with_one_seed_counts_and_this_is_stated(tmp_path):
    run(tmp_path / "a" / "0", losses=(2.0, 1.5))
    run(tmp_path / "b" / "0", losses=(2.0, 1.0))
    found = grouped(read([tmp_path / "b", tmp_path / "a", tmp_path]))
    (setting,) = found.settings
    assert [each.finals["val/loss"] for each in setting.runs] == [1.0]
    assert found.doubled == (
        f"{tmp_path / 'a/0'} is left out: {tmp_path / 'b/0'} later ran the same setting with seed 0",
    )


def test_a_network_without_such_a_value_does_not_get_one(tmp_path):
    run(tmp_path / "0", skips=["half", "full"])
    run(tmp_path / "1", skips=["half"])
    run(tmp_path / "2", model="convtranspose.ConvTransposeNet")
    labels = {setting.label for setting in grouped(read([tmp_path])).settings}
    assert labels == {"UNet, model.skips=[half,full]", "UNet, model.skips=[half]", "ConvTransposeNet"}


def test_the_seed_of_landscapes_differs_from_the_seed_of_the_run(tmp_path):
    data = {"_target_": "colourize.data.scenes.load", "num_train": 20, "num_validation": 5, "seed": 0}
    for seed in (0, 1):
        run(tmp_path / str(seed), seed=seed, data=data)
    (setting,) = grouped(read([tmp_path])).settings
    assert [each.seed for each in setting.runs] == [0, 1]
    run(tmp_path / "2", seed=0, data={**data, "seed": 1})
    assert grouped(read([tmp_path])).varied == ("data.seed",)


def test_the_label_contains_all_swept_values_even_if_the_first_one_distinguishes_the_jobs(tmp_path):
    run(tmp_path / "0", lr=0.001, kernel=3)
    run(tmp_path / "1", lr=0.002, kernel=5)
    assert set(grouped(read([tmp_path])).varied) == {"kernel", "lr"}
