"""COCO's own format: annotations, person masks, and the choice and manifest of COCO-Persons."""
