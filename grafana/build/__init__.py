"""Builds the Grafana dashboards: `python -m grafana.build` writes grafana/dashboards/, a test holds the two equal.

Pure functions from words and numbers to dictionaries; only `__main__` writes files. `language` has the two languages,
`palette` the colours and value mappings, `navigation` the pages and links, `promql` and `panels` the pieces, `page` the
whole of a dashboard, `pages/` one file per dashboard. Facts that the shapes rest on: docs/decisions/0300.
"""
