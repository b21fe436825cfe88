"""One file per dashboard; `build(say)` returns it in one language."""
