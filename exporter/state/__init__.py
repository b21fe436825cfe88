"""From evidence to states: windows, the judge, causes and the journal. Pure but for journal.py."""
