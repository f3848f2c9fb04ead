"""COCO's files, the recipes of COCO-Stuff and COCO-Persons, and code that only they need."""
