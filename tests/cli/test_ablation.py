from __future__ import annotations

from pathlib import Path

from tests.cli.commands import launched_here, prepare_photos

SMALL = ["--set", "infoseg.width=4", "--set", "infoseg.P=8", "--set", "infoseg.batch=2"]


def test_the_ablation_suite_runs_the_five_rows_of_the_papers_table_and_prints_them_beside_it(
    tmp_path: Path,
) -> None:
    prepare_photos(tmp_path, count=4)
    words = ["--all", "--suite", "ablation", "--dataset", "mine", "--seeds", "0", "--steps", "2", *SMALL]
    done = launched_here(tmp_path, "run", *words, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    board = (tmp_path / "results" / "report" / "leaderboard.md").read_text()
    table = board.partition("### Ablation")[2].partition("\n\n")[2].partition("\n\n")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert [row[0] for row in cells] == [
        "IIC-MI in place of the step",
        "DV, hard assignment",
        "DV, soft assignment",
        "JSD, hard assignment",
        "JSD, soft assignment",
    ]
    assert [row[4] for row in cells] == ["60.2", "53.9", "55.1", "67.3", "73.8"]
    assert all(0 <= float(row[2]) <= 100 for row in cells)
