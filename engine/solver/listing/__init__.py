"""Orders that the quick ways do not settle: prices rule out most locations, then shipments are listed, or locations branched on."""
