"""`make bench`: what the whole pipeline gives on this machine, with zero-length calls over many organisations."""
