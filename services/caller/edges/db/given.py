"""What a statement is about, given as arrays: in the order of the key, in which everybody locks attempts."""


def given(columns: dict[str, str]) -> str:
    """Return SQL for the rows that arrays give, named `given`, in the order of the first column.

    `columns` are names, of parameters as well, and the types of their values.
    """
    arrays = ", ".join(f"CAST(:{column} AS {type_}[])" for column, type_ in columns.items())
    key = next(iter(columns))
    return f"(SELECT * FROM unnest({arrays}) AS arrays ({', '.join(columns)}) ORDER BY {key}) AS given"  # noqa: S608
