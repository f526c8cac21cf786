"""Builds the engine where there is a C compiler; without one the package goes through torch."""

import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

FOLDER = Path("lilliput/engine")
EXPORTED = (
    "lp_open lp_room lp_window lp_begin lp_restart lp_read lp_read_all lp_logits lp_write"
    " lp_prompt lp_answer lp_draw lp_encode lp_decode lp_model_size lp_vocabulary_size"
).split()
FLAGS = (
    ["/O2", "/fp:precise"]
    if sys.platform == "win32"
    else ["-std=c99", "-O3", "-ffp-contract=off", "-fno-trapping-math", "-fvisibility=hidden"]
)


class Build(build_ext):
    """The library is no Python module: ctypes opens it, so it exports its own names alone."""

    def get_export_symbols(self, ext: Extension) -> list[str]:
        return EXPORTED


class Wheel(bdist_wheel):
    """For every Python 3 of its system, since none of them is linked to."""

    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", super().get_tag()[2]


setup(
    cmdclass={"build_ext": Build, "bdist_wheel": Wheel},
    ext_modules=[
        Extension(
            "lilliput.engine._engine",
            sources=[str(path) for path in sorted(FOLDER.glob("*.c"))],
            depends=[str(path) for path in sorted(FOLDER.glob("*.h"))],
            extra_compile_args=FLAGS,
            optional=True,
        )
    ],
)
