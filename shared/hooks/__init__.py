"""HTTP calls from one service to another, signed with a secret that both have."""
