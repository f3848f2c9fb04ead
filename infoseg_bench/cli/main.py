"""The command `infoseg-bench`, and its handling of errors."""

from __future__ import annotations

import atexit
import gc
import io
import sys
from traceback import walk_tb
from typing import Any

import click

from infoseg_bench.cli.authoring import check, new
from infoseg_bench.cli.compare import compare
from infoseg_bench.cli.doctor import doctor
from infoseg_bench.cli.evaluate import evaluate
from infoseg_bench.cli.export import export
from infoseg_bench.cli.listing import list_command
from infoseg_bench.cli.predict import predict
from infoseg_bench.cli.prepare import prepare
from infoseg_bench.cli.probe import probe
from infoseg_bench.cli.report import report
from infoseg_bench.cli.run import run
from infoseg_bench.cli.speed import speed
from infoseg_bench.cli.status import status
from infoseg_bench.cli.verify import pack, verify
from infoseg_bench.errors import UserError

# At the end, Python would search all of PyTorch's objects for garbage: half a second.
atexit.register(gc.freeze)


class _Failure(click.ClickException):
    def __init__(self, message: str, exit_status: int) -> None:
        super().__init__(message)
        self.exit_code = exit_status  # type: ignore[misc]


class _Commands(click.Group):
    """Command group that turns the user's errors into one line and an exit status."""

    def main(self, *args: Any, **options: Any) -> Any:
        # Such as a plus-minus sign in ASCII. Standard error escapes it already.
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        return super().main(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            if ctx.params["debug"]:
                raise
            raise _Failure(str(error), error.exit_status) from None
        except OSError as error:
            # Errors such as a full disk that no other code has handled. A closed pipe, as in `| head`, is
            # not an error.
            if ctx.params["debug"] or error.strerror is None or isinstance(error, BrokenPipeError):
                raise
            raise _Failure(f"{error.filename or _nameless(error)}: {error.strerror}", 1) from None
        except KeyboardInterrupt:
            resumes = ctx.invoked_subcommand in ("prepare", "run")
            remedy = " Run the same command again to resume." if resumes else ""
            raise _Failure(f"Interrupted.{remedy}", 130) from None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Click accepts an option of the group only before the command, but users add it at the end.
        end = args.index("--") if "--" in args else len(args)
        if "--debug" in args[:end]:
            args = ["--debug", *(arg for arg in args[:end] if arg != "--debug"), *args[end:]]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


def _nameless(error: OSError) -> str:
    """Return what could not be written, from the modules that wrote it."""
    modules = {frame.f_globals.get("__name__") for frame, _ in walk_tb(error.__traceback__)}
    return "standard output" if modules & {"click.utils", "rich.console"} else "a file"


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="infoseg-bench", prog_name="infoseg-bench")
@click.option(
    "--debug", is_flag=True, help="Show the traceback of errors; may be given anywhere on the command line."
)
def main(debug: bool) -> None:
    """Benchmark unsupervised segmentation: prepare data, run methods, report scores.

    \b
    A first look, without any data of your own:
      infoseg-bench run --all --suite demo
    Your own photos:
      infoseg-bench prepare image-folder --help
      infoseg-bench run --dataset my-photos --method kmeans --method infoseg --seeds 0-2
    """  # noqa: D301 - click reads the escape


COMMANDS = (
    *(list_command, prepare, run, status, report, verify, pack, compare),
    *(evaluate, predict, export, probe, new, check, speed, doctor),
)
for command in COMMANDS:
    main.add_command(command)
