"""Where this machine keeps what Footprint starts by itself: one private folder per project."""

import hashlib
import os
from pathlib import Path

ROOT_PLACES = Path("/var/lib/footprint")


def project_dir() -> Path:
    """The real path of the project's folder."""
    return Path(__file__).resolve().parents[2]


def state_dir() -> Path:
    """The project's folder for its state; computed only, see `make_state_dir`.

    FOOTPRINT_STATE if set (relative to the project), for root a folder under /var/lib named after the project's path
    (the project itself may lie where the server's unprivileged user cannot go), otherwise `.footprint` in the project.
    """
    project = project_dir()
    wish = os.environ.get("FOOTPRINT_STATE")
    if wish:
        return project / wish
    if os.geteuid() == 0:
        return ROOT_PLACES / hashlib.sha256(os.fsencode(project)).hexdigest()[:12]
    return project / ".footprint"


def make_state_dir() -> Path:
    """`state_dir()`, made if missing. Private, but as root passable, for the server of another user lives in it."""
    folder = state_dir()
    make_folder(folder, 0o711 if os.geteuid() == 0 else 0o700)
    return folder


def make_folder(folder: Path, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Make a folder with this mode and owner (uid, gid), whatever the umask; missing parents with 0755.

    One that exists keeps the mode and owner it has.
    """
    if folder.is_dir():
        return
    if not folder.parent.is_dir():
        make_folder(folder.parent, 0o755)
    folder.mkdir(0o700, exist_ok=True)
    if owner is not None:
        os.chown(folder, *owner)
    folder.chmod(mode)
