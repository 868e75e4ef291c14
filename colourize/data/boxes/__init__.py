"""Pictures with boxes: for detection."""
