"""What keeps a home in order between attempts: leftovers go, old logs go, a copied home gets a name of its own."""
