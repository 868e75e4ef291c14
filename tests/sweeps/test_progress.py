import os

from colourize.sweeps.progress import OUTPUT, SweepProgress, written_to


def test_without_a_terminal_each_change_is_one_line(capsys):
    stands = [[], ["running"], ["running"], ["finished", "running"], ["finished", "failed"]]
    progress = SweepProgress(2, lambda: stands.pop(0) if len(stands) > 1 else stands[0])
    for _ in range(6):
        progress.update()
    assert capsys.readouterr().err.splitlines() == [
        "colourize: 0 of 2 jobs done, 1 running",
        "colourize: 1 of 2 jobs done, 1 running",
        "colourize: 2 of 2 jobs done, 0 running, 1 failed",
    ]


def test_the_thread_ends_with_the_sweep(capsys):
    progress = SweepProgress(1, lambda: ["finished"])
    progress.start()
    progress.end()
    assert not progress.thread.is_alive()
    assert "1 of 1 jobs done" in capsys.readouterr().err


def test_output_goes_to_the_file_until_the_redirection_ends(tmp_path, capfd):
    with written_to(tmp_path / "run"):
        os.write(1, b"said\n")
        os.write(2, b"an error\n")
    os.write(1, b"after\n")
    assert (tmp_path / "run" / OUTPUT).read_text() == "said\nan error\n"
    assert capfd.readouterr() == ("after\n", "")
