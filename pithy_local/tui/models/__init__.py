"""What the views show, worked out without a terminal: filters, rows and figures."""
