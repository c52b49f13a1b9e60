"""Every event that crosses a service's border, and the register that names it once (see register.py)."""
