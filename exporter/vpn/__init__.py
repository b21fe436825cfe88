"""Tunnel facts: what the VPN server itself says about the tunnels that targets are behind."""
