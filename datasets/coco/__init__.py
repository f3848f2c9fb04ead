"""COCO's files, the recipes of COCO-Stuff and COCO-Persons, and all that only COCO needs."""
