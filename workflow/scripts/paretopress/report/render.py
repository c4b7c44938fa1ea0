"""The templates of the report, filled in."""

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml
from markupsafe import Markup

from ..export.exported import megabytes
from ..statistics.load import busy
from ..words import counted, form_of
from .units import one_unit, unit_of_bytes, unit_of_hours


def missing(value: Any) -> bool:
    """Tell whether there is nothing to show: None, NaN or an empty text."""
    return value is None or bool(pd.isna(value)) or value == ""


def _number(value: Any, digits: int = 4) -> str:
    return "–" if missing(value) else f"{value:.{digits}f}"


def percent(value: Any, digits: int = 1) -> str:
    """A share as a percentage; a dash for a missing one."""
    return "–" if missing(value) else f"{100 * value:.{digits}f} %"


def _probability(value: Any) -> str:
    """A p value as papers print it, with four decimals; never 0."""
    return "–" if missing(value) else "< 0.0001" if value < 0.0001 else f"{value:.4f}"


FILTERS = {
    "busy": busy,
    "megabytes": megabytes,
    "missing": missing,
    "number": _number,
    "percent": percent,
    "p": _probability,
    "plural": counted,
    "form": form_of,
    "one_unit": one_unit,
    "unit_of_bytes": unit_of_bytes,
    "unit_of_hours": unit_of_hours,
}


def effective_config(config: Mapping[str, Any]) -> str:
    """The whole config as YAML, with the defaults filled in."""
    return yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)


def render(template: Path, **content: Any) -> str:
    """Fill in a template.

    Args:
        template: The file of the template. It can include those beside it.
        **content: The values that the templates use, by name.

    Returns:
        The page.

    Raises:
        jinja2.UndefinedError: A template uses a value that is not there.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    # A browser cannot read JSON with NaN.
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "allow_nan": False}

    def script(name: str) -> Markup:
        """A file of JavaScript as it is, but for the comment that makes a browser ask for another."""
        text = (template.parent / name).read_text(encoding="utf-8")
        return Markup(text.partition("//# sourceMappingURL=")[0])

    environment.globals["script"] = script
    return environment.get_template(template.name).render(
        **content, figure_number=count(1).__next__, table_number=count(1).__next__
    )
