"""From suites, selections and prepared data to run specs, plans and their cost; it runs nothing."""
