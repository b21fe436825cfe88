"""End to end: the real servers, a real VPN, network namespaces."""
