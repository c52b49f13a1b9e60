"""Rows that travel as one array for each column: the columns are written down once."""

from collections.abc import Iterable, Sequence


class Columns:
    """Names and types of what comes in. `unnest` is the table that SQL sees, `arrays` what is given with it."""

    def __init__(self, **types: str) -> None:
        self.columns = tuple(types)
        arrays = ", ".join(f"CAST(:{name} AS {type_}[])" for name, type_ in types.items())
        self.names = ", ".join(types)
        self.unnest = f"unnest({arrays}) AS new ({self.names})"

    def arrays(self, rows: Iterable[Sequence[object]]) -> dict[str, Sequence[object]]:
        """Return the parameters for rows that have these columns. Without rows there is nothing to run."""
        return dict(zip(self.columns, zip(*rows, strict=True), strict=True))
