"""The command line: verbs in, service calls, tables, TSV or JSON out. Start-up imports click and nothing heavier."""
