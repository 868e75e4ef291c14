"""``colourize report``: what a sweep found out, on a page. Nothing heavy is imported: no torch."""
