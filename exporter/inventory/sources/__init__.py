"""Sources of `vpn-exporter targets regenerate`: each turns foreign data into rows, one file each."""
