"""Reading targets.yml: text to frozen values, differences, and edits that keep untouched bytes."""
