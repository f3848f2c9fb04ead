from __future__ import annotations

from pathlib import Path

from infoseg_bench.reporting.published_figures import later_papers
from infoseg_bench.reporting.write import write_report
from tests.reporting.runs import add_run, counts_with


def test_figures_on_the_boards_data_are_shown_with_what_tells_their_protocols_apart() -> None:
    table = later_papers({"cityscapes", "mini"})
    assert table is not None
    lines = {(line[0], line[2]): line for line in table.shown.to_numpy().tolist()}
    assert {line[1] for line in lines.values()} == {"cityscapes"}
    stego = lines["STEGO, ViT-B/8", "clusters"]
    assert stego[3:6] == ["73.2", "21.0", "DINO, trained on ImageNet without labels"]
    assert stego[6] == "CRF; mirror image averaged; checkpoint chosen with labels"
    assert lines["PiCIE", "clusters"][6] == "val, or val and train: unknown"
    assert later_papers({"mini"}) is None


def test_a_report_has_them_only_where_it_has_the_data(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70), dataset="mini")
    write_report([tmp_path], tmp_path / "report")
    assert not (tmp_path / "report" / "later-papers.csv").exists()
    add_run(tmp_path, last=counts_with(70), dataset="potsdam-3-rgb")
    write_report([tmp_path], tmp_path / "report")
    assert "77.0" in (tmp_path / "report" / "leaderboard.md").read_text()
    assert "potsdam-3-rgb" in (tmp_path / "report" / "later-papers.csv").read_text()
