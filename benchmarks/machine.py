"""The machine that measured: processor, memory, system, libraries."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("bpcli", "numpy", "numba", "scipy", "pandas", "jax", "torch", "scikit-learn")

GIBIBYTE = 2**30


def description() -> dict[str, str]:
    """What is known of it, by name."""
    return {
        "processor": _processor(),
        "cores": f"{os.cpu_count()}, of which {_usable()} to use",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / GIBIBYTE:.1f} GiB",
        "system": platform.platform(),
        "Python": platform.python_version(),
        "BLAS of NumPy": _blas(),
        "gcc": _first_line("gcc", "--version"),
        "packages": ", ".join(f"{name} {found}" for name in PACKAGES if (found := _version(name))),
        "load before": load(),
    }


def load() -> str:
    """The load average of the last minute: what else was going on."""
    return f"{os.getloadavg()[0]:.2f}"


def _usable() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return _first_line("sysctl", "-n", "machdep.cpu.brand_string")
    lines = dict(line.split(":", 1) for line in cpuinfo.read_text(encoding="utf-8").splitlines() if ":" in line)
    known = {key.strip(): value.strip() for key, value in lines.items()}
    name = known.get("model name", platform.machine())
    return f"{name} (family {known.get('cpu family', '?')}, model {known.get('model', '?')}), {_vectors(known)}"


def _vectors(cpuinfo: dict[str, str]) -> str:
    flags = cpuinfo.get("flags", "").split()
    return next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), "no AVX2")


def _blas() -> str:
    import numpy as np  # noqa: F401 - loads its BLAS
    from threadpoolctl import threadpool_info

    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return ", ".join(f"{p['internal_api']} {p['version']} ({p.get('architecture', '?')})" for p in pools) or "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _first_line(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return "absent"
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return said.partition("\n")[0]
