"""Drawing of fields: whole numbers on paper, as people fill them in and cameras see them."""
