"""Plans: from suites, options and prepared data to the specs of runs, their states and their cost."""
