"""How the caller's statements are planned, beside what every service asks for."""

# Everything that it asks has an index. An empty table is thought to be small, and would be read as a whole until
# somebody has analysed it.
PLANNING = {"enable_seqscan": "off"}
