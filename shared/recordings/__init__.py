"""Where recordings lie: the caller puts them there, the API hands them out and takes them away."""
