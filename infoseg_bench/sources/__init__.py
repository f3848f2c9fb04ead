"""The official files of data sets: where they lie, inside archives too, and how they are downloaded."""
