"""Simulated sites behind a TUN device, and the engines that probe them."""
