"""The command line. Exit code 0: fine; 1: found what it looks for, or failed; 2: wrong use."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn, Protocol, cast

from domain.errors import ConfigError, PharmapulseError, UsageError
from pharmapulse.logs import say, tell_uncaught

# Each command is one module of `pharmapulse.commands`, imported only when it is called.
COMMANDS = {
    "analyse": "read logs now, no set-up: counts, failures and latency by each dimension",
    "init": "propose sources and formats for one's own logs",
    "demo": "simulated hubs with thirteen months of history, every page live",
    "run": "the whole stack on this machine",
    "check": "look at a configuration and run its formats' own examples",
    "doctor": "what is installed, reachable, late, full or insecure, and the mend",
    "simulate": "write log files of simulated hubs, and what is true of them",
    "logwatch": "watch the log files of a configuration and hand over what they hold",
    "collector": "book what the log watchers hand over and write series",
    "alerts": "judge what is not as expected, keep incidents, tell people, publish",
    "dashboard": "serve the pages and the API of a configuration",
    "incidents": "what was not as expected and what became of it; take one up, write into its journal",
    "notify": "whether people are reached by their channels",
    "users": "who may see and do what: accounts, one-time links, tokens, the audit log",
    "status-page": "serve the public page, the button and their JSON",
    "status": "what the public is told: in words, or as a static copy of the page",
    "deferred": "take calls in while a hub restarts, and let them out at its pace",
    "queue": "how the queues of deferred calls stand; hold and resume them by hand",
    "restart": "plan, start and end the restart of a hub",
    "simulate-hub": "a hub to send deferred calls to, which keeps a journal of what it took",
}


class Command(Protocol):
    """What a module of `pharmapulse.commands` holds."""

    EPILOG: str

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say which arguments the command takes."""
        ...

    def run(self, options: argparse.Namespace) -> int:
        """Do the work; the exit code."""
        ...


class _Parser(argparse.ArgumentParser):
    """A parser, and by it those of the commands, whose errors say where it is explained."""

    _mixing = False

    def parse_known_args(  # type: ignore[override] # the overloads of its own say more than is used here
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse words and options in any order: by itself it loses words after an option, where words may be few."""
        parts = (argparse.PARSER, argparse.REMAINDER)
        if self._mixing or any(action.nargs in parts for action in self._get_positional_actions()):
            return super().parse_known_args(args, namespace)
        self._mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixing = False

    def error(self, message: str) -> NoReturn:
        """Tell how it is used, what is wrong and where it is explained, and leave."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: error: {message}. {self.prog} --help explains it\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    tell_uncaught()
    sys.exit(call(sys.argv[1:] if arguments is None else list(arguments)))


def call(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code."""
    # One thread of polars and of numpy's BLAS a process: the product's own processes share the cores between them.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Importing makes many objects and hardly any garbage: looking for it then took a tenth of a short command.
    gc.disable()
    parser = _Parser(
        prog="pharmapulse", description="Watches the message flows of pharmacy hubs through their logs.",
        epilog="pharmapulse COMMAND --help shows examples.", allow_abbrev=False,
    )  # fmt: skip
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    wanted = next((word for word in arguments if not word.startswith("-")), "")
    command: Command | None = None
    for name, help_text in COMMANDS.items():
        sentence = f"{help_text[:1].upper()}{help_text[1:]}."
        own = subparsers.add_parser(name, help=help_text, description=sentence, allow_abbrev=False,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
        if name == wanted:
            command = cast("Command", import_module(f"pharmapulse.commands.{name.replace('-', '_')}"))
            own.epilog = command.EPILOG
            command.arguments(own)
    options = parser.parse_args(arguments)
    if command is None:
        parser.error(f"there is no command {options.command}")
    gc.freeze()
    gc.enable()
    try:
        code = command.run(options)
        # Said here, where a full disk under a redirected output can still be told in a line.
        sys.stdout.flush()
        return code
    except (UsageError, ConfigError) as error:
        return _tell(error, 2)
    except PharmapulseError as error:
        return _tell(error, 1)
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; nothing is left to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        # A directory that cannot be made, a disk that is full: the system's own words name the place.
        if error.filename is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return _tell(f"{place}{error.strerror or error}", 1)
    except KeyboardInterrupt:
        return 130


def _tell(error: PharmapulseError | str, code: int) -> int:
    say(str(error), logging.ERROR)
    return code
