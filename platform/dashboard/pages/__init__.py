"""The investor's pages. Each view makes one domain call and renders one template."""
