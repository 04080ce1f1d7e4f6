"""The user's files, as far as the compile path may look: existence and text, never outside the repository."""

from __future__ import annotations

from pathlib import Path, PurePosixPath


def repository_of(folder: Path) -> Path:
    """The nearest folder above with a `.git`, else the folder itself: how far a program's paths may lead."""
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), folder)


OUTPUT_MARKER = ".klotho-output.json"
"""Names the files Klotho wrote into a folder; one without it is not Klotho's."""


def written_from(program: Path, file: str) -> str:
    """The user's file that a file of a unit below `compiled/` was written from, both relative to the program's folder;
    the file itself where it is no such file, or was made. Lines of both are the same: compiling moves none."""
    parts = PurePosixPath(file).parts
    if len(parts) < 3 or not (program / parts[0] / OUTPUT_MARKER).is_file():
        return file
    inside = PurePosixPath(*parts[2:])
    places = (inside, PurePosixPath("src") / inside)  # of Python, what is below `src` stands at the top of a unit
    return next((place.as_posix() for place in places if (program / place).is_file()), file)


class ProgramFiles:
    """Reads files by paths relative to the program's folder."""

    def __init__(self, root: Path, boundary: Path | None = None) -> None:
        """`boundary` is the outermost folder that may be named (the repository's top); default: the root itself."""
        self.root = root.resolve()
        self.boundary = (boundary or root).resolve()
        self._are_files: dict[str, bool] = {}
        """What was asked already: several rules look at each function's files, and one build sees one state."""
        self._texts: dict[str, str | None] = {}

    def path(self, text: str) -> Path | None:
        """The absolute path, None when it leads outside the boundary."""
        candidate = (self.root / text).resolve()
        return candidate if candidate.is_relative_to(self.boundary) else None

    def is_folder(self, text: str) -> bool:
        path = self.path(text)
        return path is not None and path.is_dir()

    def is_file(self, text: str) -> bool:
        known = self._are_files.get(text)
        if known is None:
            path = self.path(text)
            known = self._are_files[text] = path is not None and path.is_file()
        return known

    def read(self, text: str) -> str | None:
        """The file's text, None when there is none or it is not text."""
        if text not in self._texts:
            self._texts[text] = self._read(text)
        return self._texts[text]

    def _read(self, text: str) -> str | None:
        path = self.path(text)
        if path is None or not path.is_file():
            return None
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def names_in(self, text: str) -> list[str]:
        """The names in a folder, sorted; empty when there is none."""
        path = self.path(text)
        return sorted(entry.name for entry in path.iterdir()) if path is not None and path.is_dir() else []
