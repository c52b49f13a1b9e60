"""What a statement is about, given as arrays: looked up by the key, whatever PostgreSQL thinks of the table."""


def given(columns: dict[str, str], name: str = "given") -> str:
    """Return SQL for the rows that arrays give, in the order of the first column, the key.

    `columns` are names, of parameters as well, and the types of their values. Plans are made once, often while tables
    are empty, and the length of an array is not known then: as many rows are expected as an empty table may have pages,
    so that reading it looks cheaper than ten look-ups. The limit limits nothing. It is taken for a tenth of what there
    is, and so for a single row (docs/decisions/0004).
    """
    arrays = [f"CAST(:{column} AS {type_}[])" for column, type_ in columns.items()]
    key = next(iter(columns))
    return f"""
    (
        SELECT * FROM unnest({", ".join(arrays)}) AS arrays ({", ".join(columns)})
        ORDER BY {key} LIMIT cardinality({arrays[0]})
    ) AS {name}
    """  # noqa: S608 - names of the caller's own
