"""How fast methods train here, beside what the device can do, and what a suite would take."""
