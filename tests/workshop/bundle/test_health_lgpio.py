"""With lgpio, as on every Raspberry Pi, the health check loads what a Pi's recorder loads, as the recorder does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.kit.scale import only_in_full

LGPIO = """
import os
open(os.path.join(os.environ.get("LG_WD", "."), ".lgd-nfy0"), "w").close()
class error(Exception): pass
def __getattr__(name): return 0
"""
"""As the real one it writes when it is imported: into `LG_WD`, else into the process's folder."""
CHECK = """
from bodycamd.config.load import parse
from bodycamd.workshop.bundle.health import check_modules
from pathlib import Path
check_modules(parse(b"device_id: camera-01\\nvideo: {source: pattern}\\n", Path("/etc/bodycamd/bodycamd.yaml")))
"""


@only_in_full
def test_lgpio_is_loaded_where_the_installer_starts_the_check(tmp_path: Path) -> None:
    (tmp_path / "lgpio.py").write_text(LGPIO)
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in ("LG_WD", "RUNTIME_DIRECTORY")}
    environment["PYTHONPATH"] = f"{tmp_path}:{Path(__file__).parents[3]}"
    gone = f"import os; os.chdir({str(nowhere)!r}); os.rmdir({str(nowhere)!r})\n"
    ended = subprocess.run([sys.executable, "-c", gone + CHECK], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
