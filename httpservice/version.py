"""The version of the whole distribution; both daemons and the image carry it."""

VERSION = "0.1.0"
