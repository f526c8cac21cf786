"""`python -m bench [NAME ...]`: runs every module here that has a `main`, or those named."""

import importlib
import pkgutil
import sys
import time

import bench
from lilliput.errors import UserError, nearest


def main(names: list[str]) -> None:
    found = [module.name for module in pkgutil.iter_modules(bench.__path__)]
    known = [name for name in found if name != "__main__"]
    for name in names:
        if name not in known:
            raise UserError(f"no bench {name!r}" + nearest(name, known))
    for name in names or known:
        module = importlib.import_module(f"bench.{name}")
        if hasattr(module, "main"):
            print(f"== {name}", flush=True)
            started = time.perf_counter()
            module.main()
            print(f"   ({time.perf_counter() - started:.0f} s)\n", flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"bench: {error}")
