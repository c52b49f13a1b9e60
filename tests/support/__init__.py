"""What several tests need: databases, builders, deadlines."""
