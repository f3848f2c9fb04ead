"""The README's commands exist with the options that it gives them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from infoseg_bench.cli import main

README = Path(__file__).parents[1] / "README.md"


def commands() -> list[list[str]]:
    """Return every infoseg-bench command of the README's code blocks and of its text, as words."""
    text = README.read_text().replace("\\\n", " ")
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL))
    inline = re.findall(r"`(infoseg-bench [^`]+)`", text)
    lines = [part.strip() for line in blocks.splitlines() for part in line.split("&&")] + inline
    return [
        shlex.split(line)[1:]
        for line in lines
        if shlex.split(line)[:1] and "infoseg-bench" in shlex.split(line)[0]
    ]


def test_the_readme_shows_commands() -> None:
    assert len(commands()) >= 6


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_of_the_readme_exists_with_its_options(words: list[str]) -> None:
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, words[0]
        command, words = found, words[1:]
        context = click.Context(command, parent=context)
    known = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known


def test_the_test_command_is_marked_for_the_ci() -> None:
    block = re.search(r"<!-- test command -->\n```bash\n(.*?)\n```", README.read_text(), flags=re.DOTALL)
    assert block is not None
    assert block[1].endswith("python -m pytest")
    assert "\n" not in block[1]
