"""What `make` calls: fetching servers, running the stack, writing secrets. Not part of the distribution."""
