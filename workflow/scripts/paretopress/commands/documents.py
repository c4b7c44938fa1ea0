"""The documents written from the config model: config/schema.json, and the tables of its README."""

from pathlib import Path

from ..config.schema import json_schema, key_tables
from ..errors import UserError

MARK = "<!-- key tables: written by `make docs` from workflow/scripts/paretopress/config/ -->\n"


def write_documents(folder: Path) -> None:
    """Write schema.json and the key tables of README.md.

    Args:
        folder: The folder of both, config/ in a checkout.

    Raises:
        UserError: There is no such README.
    """
    readme = folder / "README.md"
    if not readme.is_file():
        raise UserError(
            f"{readme}: not there. Run this in the folder of a checkout of ParetoPress."
        )
    head = readme.read_text(encoding="utf-8").split(MARK)[0]
    readme.write_text(head + MARK + "\n" + key_tables(), encoding="utf-8")
    (folder / "schema.json").write_text(json_schema(), encoding="utf-8")
